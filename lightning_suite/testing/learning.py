"""Checks of training: that it works, learns, and depends on the settings and the seed alone."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.testing.outcome import ContractFailure, NotApplicable, NotRun
from lightning_suite.testing.subject import Subject, difference, refuse_difference, unsafe

if TYPE_CHECKING:
    from torch import Tensor

FILES = ("config.yaml", "run.json", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt")


def fits(subject: Subject) -> str:
    """Two epochs of the smallest recipe end, with finite weights and a whole run folder."""
    import torch

    before = _process_state(subject)
    try:
        run = subject.first_fit()
    except NotRun:
        raise
    except Exception as error:
        if unsafe(error):
            raise NotRun("checkpoint_is_safe") from error
        raise
    subject.once("changes of the process", lambda: _changes(before, _process_state(subject)))
    missing = [name for name in FILES if not (run.folder / name).is_file()]
    if missing:
        raise ContractFailure(
            f"a run folder with {', '.join(FILES)}", f"no {', '.join(missing)}", "see the run's output"
        )
    if run.record.get("status") != "finished":
        raise ContractFailure(
            "training that ends by itself",
            f"it was {run.record.get('status')}",
            "an exception or an early stop in the first two epochs is the reason; suite fit shows it",
        )
    for name, weights in subject.weights(run).items():
        if not torch.isfinite(weights).all():
            raise ContractFailure(
                "finite weights",
                f"{name} holds NaN or infinite values after {run.record['steps']} steps",
                "lower the learning rate, or clip gradients, in the recipe",
            )
    if not _logged(run.folder / "metrics.csv"):
        raise ContractFailure(
            "at least one logged metric", "metrics.csv is empty", "call self.log('train_loss', loss) in training_step"
        )
    recipe = f"recipe {subject.recipe}" if subject.recipe else "the signatures' defaults"
    cut = "" if subject.recipe == "check" else ", 8 batches an epoch"
    return f"{recipe}{cut}, {run.record['steps']} steps"


def leaves_the_process_as_it_was(subject: Subject) -> str:
    """Training changes no setting of torch, no environment variable and not the working folder."""
    before = _process_state(subject)
    subject.trained()
    changed = subject.once("changes of the process", lambda: _changes(before, _process_state(subject)))
    if changed:
        raise ContractFailure(
            "settings of the process that are the same before and after",
            "; ".join(changed),
            "a plugin shares its process with others: use contexts, or options of the Trainer",
        )
    return ""


def monitors_what_it_logs(subject: Subject) -> str:
    """The metric that chooses best.ckpt is one that validation logs."""
    run = subject.trained()
    settings = subject.settings()
    if run.record["best"]["value"] is None:
        logged = ", ".join(sorted(_logged(run.folder / "metrics.csv"))) or "nothing"
        raise ContractFailure(
            f"a logged metric {settings.monitor!r}, which --monitor names",
            f"logged were: {logged}",
            f"call self.log({settings.monitor!r}, ...) in validation_step, or set monitor: and mode: in the recipes",
        )
    return f"{settings.monitor}, {settings.mode}"


def learns(subject: Subject) -> str:
    """The training loss falls: its mean over the last fifth of the steps is below that over the first fifth."""
    losses = subject.watched().losses
    if len(losses) < 2:
        raise NotApplicable("training_step returns no loss and logs no train_loss")
    fifth = max(1, len(losses) // 5)
    first, last = sum(losses[:fifth]) / fifth, sum(losses[-fifth:]) / fifth
    if not last < first:
        raise ContractFailure(
            "a training loss that falls",
            f"{first:.4g} over the first {fifth} of {len(losses)} steps, {last:.4g} over the last",
            "is the loss differentiable, are the parameters in the optimizer, does the learning rate suit?",
        )
    return f"{first:.4g} -> {last:.4g} in {len(losses)} steps"


def every_parameter_learns(subject: Subject) -> str:
    """Every parameter that asks for a gradient gets one and is in an optimizer."""
    watch = subject.watched()
    if not watch.parameters:
        raise NotApplicable("no parameter asks for a gradient")
    for names, problem in (
        (watch.without_gradient, "never get a gradient"),
        (watch.without_optimizer, "are in no optimizer"),
    ):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise ContractFailure(
                "parameters that all learn; several processes would wait for the others",
                f"{', '.join(names[:3])}{more} {problem}",
                "use them, remove them, or freeze them with requires_grad_(False)",
            )
    return ""


def same_seed_same_result(subject: Subject) -> str:
    """Two trainings with the same settings end with the same weights, bit for bit, on the CPU."""
    refuse_difference(
        *_repeated(subject),
        "the same weights from the same seed",
        "draw from the global generators of torch, numpy or random, which the core seeds, and from nothing else",
    )
    return ""


def another_seed_another_result(subject: Subject) -> str:
    """Another seed gives other weights: nothing in the plugin fixes what the user's seed should decide."""
    first = subject.trained()
    settings = subject.settings()
    other = subject.fit("other", replace(settings, seed=settings.seed + 1))
    if not difference(subject.weights(first), subject.weights(other))[1]:
        if not subject.takes_steps(first):
            raise NotApplicable("nothing is learnt by gradients, and the result does not depend on the seed")
        raise ContractFailure(
            "other weights from another seed",
            f"--seed {settings.seed} and --seed {settings.seed + 1} end with the same weights",
            "do not call torch.manual_seed or seed_everything in the plugin",
        )
    return ""


def resumes_exactly(subject: Subject) -> str:
    """A training that is interrupted inside its second epoch and resumed ends bit for bit as one that never was.

    Its samples are drawn at random when they are asked for, as by augmentation.
    """
    from lightning_suite.run import Run
    from lightning_suite.testing.callbacks import Shake, Stop, Stopped

    subject.trained()
    if difference(*_repeated(subject))[1]:
        raise NotRun("same_seed_same_result")
    settings = replace(subject.settings(), checkpoint_every=1)
    whole = subject.fit("whole", settings, Shake())
    try:
        subject.fit("resumed", settings, Stop(), Shake())
    except Stopped:
        pass
    else:
        raise NotApplicable("training ended before the second epoch began")
    folder = next((subject.folder / "resumed" / subject.plugin.name).iterdir())
    resumed = subject.fit("resumed", settings, Shake(), run=Run.at(folder))
    refuse_difference(
        subject.weights(whole),
        subject.weights(resumed),
        "the weights of a training that was not interrupted",
        "what training changes belongs in parameters, buffers, or state_dict and on_save_checkpoint; random draws come "
        "from the global generators or from (seed, current_epoch)",
    )
    if whole.record["metrics"] != resumed.record["metrics"]:
        names = [
            name for name, value in whole.record["metrics"].items() if resumed.record["metrics"].get(name) != value
        ]
        raise ContractFailure(
            "the final metrics of a training that was not interrupted",
            f"{', '.join(names)} differ",
            "a metric must not add up over what the interruption cuts; let self.log or torchmetrics do it",
        )
    return ""


def config_repeats_the_run(subject: Subject) -> str:
    """config.yaml holds every setting, and ``suite fit --config`` reads the same settings from it."""
    import inspect

    from lightning_suite.options import Settings, parse

    run = subject.trained()
    written = run.settings()
    file = run.folder / "config.yaml"
    back = asdict(parse(subject.plugin, ["--config", str(file)], start={}, name=subject.name))
    before = asdict(Settings(**written))
    for part in ("model", "data", "trainer"):
        for name in {**before[part], **back[part]}:
            written_value, read_value = before[part].get(name), back[part].get(name)
            if repr(written_value) != repr(read_value):  # NaN is not equal to itself, and 1 is to 1.0
                raise ContractFailure(
                    "the same settings from config.yaml",
                    f"{part}.{name} was {written_value!r} and comes back as {read_value!r}",
                    "give the parameter a type that YAML can tell from others: not float | str",
                )
    for part, cls in zip(("model", "data"), subject.classes(), strict=True):
        unwritten = [
            name
            for name, parameter in inspect.signature(cls).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and name not in before[part]
        ]
        if unwritten:
            raise ContractFailure(
                "every option in config.yaml",
                f"{part}.{', '.join(unwritten)} is not there",
                "give it a type that can be written down, and a name that does not begin with _: such are no options",
            )
    return ""


def _repeated(subject: Subject) -> tuple[Mapping[str, "Tensor"], Mapping[str, "Tensor"]]:
    """Return the weights of two trainings with the same settings."""
    first = subject.trained()
    again = subject.once("again", lambda: subject.fit("again", subject.settings()))
    return subject.weights(first), subject.weights(again)


def _logged(path: Path) -> set[str]:
    """Return the names of the metrics in metrics.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name for row in rows for name, value in row.items() if value} - {"step", "epoch"}


def _process_state(subject: Subject) -> dict[str, object]:
    """Return the settings of the process, after the import of the plugin's modules."""
    import os

    import torch

    subject.classes()
    ours = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS", "PYTEST_CURRENT_TEST")
    return {
        "torch.get_default_dtype()": torch.get_default_dtype(),
        "torch.get_default_device()": str(torch.get_default_device()),
        "torch.is_grad_enabled()": torch.is_grad_enabled(),
        "torch.is_inference_mode_enabled()": torch.is_inference_mode_enabled(),
        "torch.is_anomaly_enabled()": torch.is_anomaly_enabled(),
        "torch.get_num_threads()": torch.get_num_threads(),
        "torch.are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled(),
        "torch.get_float32_matmul_precision()": torch.get_float32_matmul_precision(),
        "the working folder": str(Path.cwd()),
        "os.environ": {name: value for name, value in os.environ.items() if name not in ours},
    }


def _changes(before: dict[str, object], after: dict[str, object]) -> list[str]:
    changed = []
    for name, value in before.items():
        if isinstance(value, dict):
            now = after[name]
            assert isinstance(now, dict)
            keys = sorted(key for key in {**value, **now} if value.get(key) != now.get(key))
            changed += [f"{name}: {', '.join(keys)}"] if keys else []
        elif value != after[name]:
            changed.append(f"{name} was {value}, is {after[name]}")
    return changed


CHECKS = (
    fits,
    leaves_the_process_as_it_was,
    monitors_what_it_logs,
    learns,
    every_parameter_learns,
    same_seed_same_result,
    another_seed_another_result,
    resumes_exactly,
    config_repeats_the_run,
)
