"""Checks of a trained plugin: its checkpoints and its evaluation."""

import math
import shutil
from pathlib import Path
from typing import Literal

from lightning_suite.errors import UsageError
from lightning_suite.tables import one_line
from lightning_suite.testing.outcome import ContractFailure, NotApplicable
from lightning_suite.testing.subject import Subject, refuse_difference, unsafe

EVALUATION_MODE = "switch off dropout and batch statistics with self.training, and draw nothing, outside training_step"


def checkpoint_is_safe(subject: Subject) -> str:
    """Both checkpoints hold tensors and plain values alone, so that reading them runs no code."""
    import torch

    try:
        run = subject.first_fit()
    except Exception as error:
        if not unsafe(error):
            subject.trained()  # names the check that reports this
        raise ContractFailure(
            "checkpoints that torch.load reads with weights_only=True",
            str(error),
            "put only tensors, numbers, text, lists and dictionaries into save_hyperparameters, on_save_checkpoint and "
            "state_dict",
        ) from error
    for path in (run.best, run.last):
        torch.load(path, map_location="cpu", weights_only=True)
    return f"{run.last.stat().st_size / 1024:,.0f} kB"


def checkpoint_describes_itself(subject: Subject) -> str:
    """A checkpoint alone, in another folder, names its plugin, versions and settings and gives the trained module."""
    import lightning_suite
    from lightning_suite.checkpoint import read
    from lightning_suite.run import KEY

    run = subject.trained()
    elsewhere = subject.folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    alone = Path(shutil.copy(run.best, elsewhere / "alone.ckpt"))
    description = read(alone)[KEY]
    wanted = ("plugin", "api", "settings", "versions")
    missing = [name for name in wanted if name not in description]
    if missing or description["plugin"] != subject.name:
        raise ContractFailure(
            f"a checkpoint that names {', '.join(wanted)}",
            f"without {', '.join(missing)}" if missing else f"the plugin {description['plugin']!r}",
            "do not change what lightning-suite puts into a checkpoint",
        )
    try:
        module = lightning_suite.load(alone)
    except Exception as error:
        raise ContractFailure(
            "lightning_suite.load(CHECKPOINT) gives the trained module back",
            f"{type(error).__name__}: {error}",
            "build the whole module in __init__ from its parameters, or store what configure_model needs in "
            "on_save_checkpoint and take it up in on_load_checkpoint",
        ) from error
    stored = read(alone)["state_dict"]
    loaded = {name: value.cpu() for name, value in module.state_dict().items()}
    refuse_difference(stored, loaded, "the weights of the checkpoint", "change nothing in on_load_checkpoint")
    if any(part.training for part in module.modules()):
        raise ContractFailure(
            "a module in evaluation mode",
            "some of its parts train",
            "let eval() reach all parts; do not override train",
        )
    return ""


def validates(subject: Subject) -> str:
    """``suite validate`` gives finite metrics."""
    return _evaluates(subject, "validate")


def tests(subject: Subject) -> str:
    """``suite test`` gives finite metrics."""
    return _evaluates(subject, "test")


def evaluation_changes_nothing(subject: Subject) -> str:
    """Evaluating draws no random numbers and changes no weights: twice the same metrics."""
    from lightning_suite.testing.callbacks import Reseed

    compared = []
    stages: tuple[Literal["validate", "test"], ...] = ("validate", "test")
    for stage in stages:
        try:
            first, second = subject.evaluated(stage), subject.evaluated(stage, Reseed())
        except NotApplicable:
            continue
        compared.append(stage)
        for name, value in first.items():
            if not are_close(value, second.get(name, math.nan), 1e-6):
                raise ContractFailure(
                    "the same metric when the same checkpoint is measured twice",
                    f"{stage}: {name} is {value:.6g}, and with other random numbers {second.get(name, math.nan):.6g}",
                    EVALUATION_MODE,
                )
    if not compared:
        raise NotApplicable("it has nothing to validate or test")
    return ", ".join(compared)


def exports_what_it_computes(subject: Subject) -> str:
    """What ``exportable()`` offers to ``suite export`` computes what the module does, for inputs of all sizes."""
    import lightning_suite
    from lightning_suite.exporting import exportable_of, written

    module = lightning_suite.load(subject.trained())
    if not hasattr(module, "exportable"):
        raise NotApplicable("its module offers no exportable()")
    advice = "docs/exporting.md says what an Exportable is, and what a graph cannot do"
    try:
        exportable = exportable_of(module, subject.name)
    except UsageError as error:
        if isinstance(error.__cause__, TypeError):
            raise ContractFailure("an Exportable", str(error), advice) from error
        raise NotApplicable(f"it exports nothing: {error}") from error
    try:
        difference, examples = written(exportable, "torch-export", subject.folder / "model.pt2", examples=100)
    except Exception as error:
        raise ContractFailure("a graph that computes what the module does", one_line(str(error)), advice) from error
    return f"{difference:.0e} relative in {examples} examples"


def _evaluates(subject: Subject, stage: Literal["validate", "test"]) -> str:
    values = subject.evaluated(stage)
    wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
    if not values or wrong:
        prefix = {"validate": "val", "test": "test"}[stage]
        raise ContractFailure(
            "at least one metric, and all of them finite",
            ", ".join(f"{name} = {value}" for name, value in wrong.items()) or "no metric was logged",
            f"call self.log('{prefix}_loss', ...) in {'validation' if stage == 'validate' else 'test'}_step",
        )
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def are_close(left: float, right: float, tolerance: float) -> bool:
    """Return whether two numbers are equal within a tolerance; two NaN are, since another check reports them."""
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(left) and math.isnan(right))


CHECKS = (
    checkpoint_is_safe,
    checkpoint_describes_itself,
    validates,
    tests,
    evaluation_changes_nothing,
    exports_what_it_computes,
)
