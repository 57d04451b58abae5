"""Load a trained module, or the data it learnt from, from its run folder."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.run import Run
from lightning_suite.trust import asked

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule


def load(run: "str | PathLike[str] | Run", *, plugin: str | None = None, trust: bool = False) -> "LightningModule":
    """Return the trained module of a run folder or a checkpoint, on the CPU and in evaluation mode.

    The checkpoint names its plugin and holds its settings. The global random generators stay as they are.

    Args:
        run: the run.
        plugin: of a checkpoint that a Trainer of your own wrote, which does not say it.
        trust: import what it names, whoever made it; otherwise a run from elsewhere may name installed plugins and
            classes of Lightning, torch and the plugin alone (SECURITY.md).

    Raises:
        UsageError: it is from elsewhere and would import something else.
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.

    Example:
        What ``suite fit`` prints at its end is the path to give:

            module = load("runs/dsa/2026-01-31-120000-default")
            module.encode(["a gorgeous, witty, seductive movie"])
    """
    from pytorch_lightning.utilities.seed import isolate_rng

    from lightning_suite.building import restore_into
    from lightning_suite.options import build_model, checkpoint_settings
    from lightning_suite.plugins import find

    run = run if isinstance(run, Run) else Run.at(Path(run))
    checkpoint = run.read_checkpoint(plugin)
    with isolate_rng(), asked(trust, plugin=plugin):
        settings = checkpoint_settings(checkpoint, run.checkpoint, groups=["model"])
        module = build_model(find.get(settings.plugin), settings)
        restore_into(module, run, checkpoint)
    return module.eval()


def load_data(
    run: "str | PathLike[str] | Run", *, plugin: str | None = None, trust: bool = False
) -> "LightningDataModule":
    """Return the data module of a run folder or a checkpoint, with the settings of the run; it has not read anything.

    Args:
        run: the run.
        plugin: of a checkpoint that a Trainer of your own wrote; the settings are then the defaults.
        trust: import what it names, as for ``load``.

    Raises:
        UsageError: it is from elsewhere and would import something else.
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.
    """
    from pytorch_lightning.utilities.seed import isolate_rng

    from lightning_suite.building import seeded
    from lightning_suite.options import checkpoint_settings
    from lightning_suite.plugins import find

    run = run if isinstance(run, Run) else Run.at(Path(run))
    with isolate_rng(), asked(trust, plugin=plugin):
        settings = checkpoint_settings(run.read_checkpoint(plugin), run.checkpoint)
        return seeded(find.get(settings.plugin), settings).data
