"""Whether an optimizer may read each weight once a step: ``fused`` of `torch.optim.Adam` and `torch.optim.AdamW`.

torch's own choice on a CPU is one pass over all weights for each operation of a step.
"""

from pytorch_lightning import LightningModule


def fused_if_possible(module: LightningModule) -> bool | None:
    """Return True where a module's optimizer can be fused, and None where torch is to choose.

    Lightning refuses to clip gradients of a fused optimizer in mixed precision; and without a trainer it is not known
    on what device the weights will be. It is asked for in ``configure_optimizers``.
    """
    try:
        trainer = module.trainer
    except RuntimeError:  # Lightning's, where none is attached
        return None
    clips_mixed = bool(trainer.gradient_clip_val) and str(trainer.precision).endswith("-mixed")
    return True if trainer.strategy.root_device.type in ("cpu", "cuda") and not clips_mixed else None
