"""Runs that are the same but for the seed, and whether metrics differ by more than such runs scatter."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_suite import scatter
from lightning_suite.run_records import RunRecord

Facts = dict[tuple[str, str], Any]
"""What a run says of itself, by part and name."""

WHERE_IT_RUNS = ("accelerator", "devices", "num_nodes", "strategy")
WHAT_IS_SEEN = ("enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger", "log_every_n_steps")
NOT_THE_RESULT = {
    *("plugin", "recipe", "checkpoint_every", "data.num_workers"),
    *(f"trainer.{name}" for name in (*WHERE_IT_RUNS, *WHAT_IS_SEEN, "profiler")),
}
"""Options that change where a run takes place and what it shows, but not its result."""

SEEDS = {"seed", "seed in run.json"}

SURE = 0.05
"""Means are judged to differ where chance would set them as far apart in fewer cases than this."""


@dataclass(frozen=True)
class Judgement:
    """A metric of several groups of runs.

    Attributes:
        metric: its name.
        values: for each group its values, one for each seed; none where its runs do not have the metric.
        p_values: for each group how often chance alone would set its mean as far from that of the first group; None
            where that cannot be said.
        verdicts: for each group "equal", "within the scatter", "higher", "lower" than the first, or "not judged";
            empty for the first.
    """

    metric: str
    values: tuple[tuple[float, ...], ...]
    p_values: tuple[float | None, ...]
    verdicts: tuple[str, ...]

    def texts(self) -> list[str]:
        """Return the values of the groups as text, with all digits where fewer would not show a difference."""
        texts = [_mean(values, ".6g") for values in self.values]
        return texts if len(set(texts)) == len(set(self.values)) else [_mean(values, "") for values in self.values]

    def verdict_text(self, group: int) -> str:
        """Return the verdict on a group, with its p-value where chance was asked."""
        p, verdict = self.p_values[group], self.verdicts[group]
        return verdict if p is None or verdict == "equal" else f"{verdict} (p = {p:.2g})"


def same(first: Any, second: Any) -> bool:
    """Return whether two plain values are the same: 1 is 1.0 but not True, and not-a-number is itself.

    Example:
        >>> same(1, 1.0), same(1, True), same(float("nan"), float("nan")), same([1], [1, 2])
        (True, False, True, False)
    """
    return canonical(first) == canonical(second)


def canonical(value: Any) -> str:
    """Return a text that is the same for values that are the same, whatever the order of names in mappings."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name!r}:{canonical(value[name])}" for name in sorted(value, key=repr)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    return repr(value)


def seed_groups(facts: Sequence[Facts]) -> tuple[tuple[int, ...], ...]:
    """Return the positions of runs in groups, in each of which they are the same but for the seed.

    The same are code, data, versions, and the settings that can change a result.

    Example:
        >>> pairs = [(0, 4), (1, 4), (0, 8)]
        >>> seed_groups([{("settings", "seed"): seed, ("settings", "model.width"): width} for seed, width in pairs])
        ((0, 1), (2,))
    """
    groups: dict[str, list[int]] = {}
    for position, each in enumerate(facts):
        kept = {
            f"{part} {name}": value
            for (part, name), value in each.items()
            if part in ("code", "data", "versions") or (part == "settings" and not _is_of(name, NOT_THE_RESULT | SEEDS))
        }
        groups.setdefault(canonical(kept), []).append(position)
    return tuple(map(tuple, groups.values()))


def _is_of(name: str, options: Collection[str]) -> bool:
    """Return whether a name is that of one of the options, or of a value inside one, as in trainer.logger.0.name."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in options for length in range(1, len(parts) + 1))


def judged(records: Sequence[RunRecord], groups: Sequence[Sequence[int]]) -> tuple[Judgement, ...]:
    """Return every metric of the runs, each group judged against the first one.

    A seed that occurs twice in a group counts once: a run that was repeated says nothing about the scatter.
    """
    return tuple(
        _judged(metric, [_by_seed([records[i] for i in group], metric) for group in groups])
        for metric in dict.fromkeys(name for record in records for name in record.metrics)
    )


def _by_seed(records: Sequence[RunRecord], metric: str) -> tuple[float, ...]:
    first = {record.seed: record.metrics[metric] for record in reversed(records) if metric in record.metrics}
    return tuple(first[seed] for seed in sorted(first))


def _judged(metric: str, values: Sequence[tuple[float, ...]]) -> Judgement:
    first, *others = values
    p_values: list[float | None] = [None]
    verdicts = [""]
    for i, group in enumerate(others):
        p, verdict = None, "not judged"
        if first and group and all(map(math.isfinite, (*first, *group))):
            rest = [other for j, other in enumerate(others) if j != i and other and all(map(math.isfinite, other))]
            p = scatter.p_value(first, group, rest)
            rises = scatter.mean(group) - scatter.mean(first)
            if first == group:
                verdict = "equal"
            elif p is not None:
                verdict = "within the scatter" if p >= SURE else "higher" if rises > 0 else "lower"
        p_values.append(p)
        verdicts.append(verdict)
    return Judgement(metric, tuple(values), tuple(p_values), tuple(verdicts))


def _mean(values: Sequence[float], digits: str) -> str:
    if not values:
        return ""
    deviation = scatter.deviation(values)
    if deviation is None:
        return f"{values[0]:{digits}}"
    return f"{scatter.mean(values):.4f} ± {deviation:.4f} ({len(values)})"
