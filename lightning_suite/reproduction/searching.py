"""Search for the best values of options by Optuna: a trial is one or several runs, and its storage remembers all.

A study that was ended goes on: trials that were begun and not finished are tried again, from the checkpoints of their
runs.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from lightning_suite.reproduction.executors import Executor, run_all
from lightning_suite.reproduction.jobs import record_of
from lightning_suite.reproduction.parts import Training
from lightning_suite.reproduction.plan import Planner

Space = Mapping[str, Any]
"""For each option a list of values, or a range as text: ``1e-4..1e-2``, and ``1e-4..1e-2:log`` for magnitudes."""


def search(
    planner: Planner, recipe: str | None, space: Space, file: Path, *, trials: int, seeds: int, executor: Executor
) -> list[Training]:
    """Try so many choices of values, those of earlier calls included; return the choices in their order.

    Args:
        planner: makes the runs.
        recipe: the recipe of all.
        space: the values.
        file: the database of the study.
        trials: how many choices in all.
        seeds: the runs of a choice; the mean of what chooses their checkpoints counts.
        executor: makes the runs; so many choices as it makes runs at once are tried together.

    Raises:
        UsageError: Optuna is not installed, or a range is none.
    """
    with needs("--study optuna", "lightning-suite[sweep]"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(name, values) for name, values in space.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    largest = planner.settings(Training(recipe)).mode == "max"
    study = optuna.create_study(
        study_name=file.parent.name,
        storage=f"sqlite:///{file}",
        direction="maximize" if largest else "minimize",
        load_if_exists=True,
    )
    done = [optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL]
    for begun in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.enqueue_trial(begun.params)
        study.tell(begun.number, state=optuna.trial.TrialState.PRUNED)  # tried again under another number
    while (left := trials - len(study.get_trials(states=done))) > 0:
        study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))  # another one after every interruption
        asked = [study.ask(distributions) for _ in range(min(left, executor.at_once))]
        chosen = {
            trial.number: [planner.fit(_training(recipe, trial.params), seed) for seed in range(seeds)]
            for trial in asked
        }
        fits = list(dict.fromkeys(fit for each in chosen.values() for fit in each))
        failed = run_all(fits, executor, f"{planner.plugin.name}: trial {trials - left + 1} of {trials}")
        for trial in asked:
            values = [record_of(fit).get("best", {}).get("value") for fit in chosen[trial.number]]
            if any(fit in failed for fit in chosen[trial.number]) or None in values:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, statistics.fmean(values))
    return [_training(recipe, trial.params) for trial in study.get_trials(states=done)]


def _training(recipe: str | None, values: Mapping[str, Any]) -> Training:
    return Training(recipe, dict(values))


def _distribution(name: str, values: Any) -> Any:
    """Return what Optuna draws an option from.

    Raises:
        UsageError: a range is none.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not (len(values) == 1 and isinstance(values[0], str) and ".." in values[0]):
        return CategoricalDistribution(values)
    ends, _, scale = values[0].partition(":")
    first, _, last = ends.partition("..")
    try:
        if first.isdigit() and last.isdigit():
            return IntDistribution(int(first), int(last), log=scale == "log")
        return FloatDistribution(float(first), float(last), log=scale == "log")
    except ValueError as error:
        raise UsageError(f"--grid {name}={values[0]}: expected a range such as 1e-4..1e-2:log ({error})") from error
