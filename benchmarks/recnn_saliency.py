"""Where the recursive taggers look, and what they know down the tree: Figures 1 and 3, deletion, the mass direction.

    python -m benchmarks.recnn_saliency --data FOLDER [--runs runs] [--only PATTERN] [--pictures docs/pictures]

FOLDER and runs are those of benchmarks/recnn_accuracy.py, whose runs of the network RecNN are used where they are
there, and trained otherwise; a study that is already recorded is not repeated. Prints the tables and writes
benchmarks/results/recnn_saliency.json; ``--pictures`` draws as well, from the runs that are there. Without ``--data``
it prints what was measured.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._fits import fitted, folder_of, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._recnn_saliency_pictures import CLASSES, draw
from benchmarks._record import record, recorded
from benchmarks.recnn_accuracy import TASKS

BANDS = range(6)
"""Of ln(1/Delta), each 1 wide, by which saliency is given."""
HARD = 2.5
"""Above this ln(kt / GeV) splittings count as hard."""
JETS = {"saliency": 2000, "median": 1000, "branch": 1000, "mass_direction": 2000}
"""The number of test jets of each class that a study takes."""


def saliency(subject: Any, seed: int) -> dict[str, Any]:
    """Return the mean saliency of each class: of all splittings, by angle, of hard ones by angle, and by mass.

    Beside it that of an untrained network, whose weights the seed draws.
    """
    from suite_recnn.interpretation.lund_plane import likeness
    from suite_recnn.interpretation.saliency import splittings, untrained_splittings

    found, random = splittings(subject), untrained_splittings(subject, seed=seed)
    classes = []
    for label in range(2):
        known = (found.labels == label) & np.isfinite(found.saliency)

        def mean(chosen: Any, known: Any = known) -> list[float]:
            rows = known & chosen
            return [round(float(found.saliency[rows].mean()), 4) if rows.any() else float("nan"), int(rows.sum())]

        x, hard = found.ln_inverse_delta, found.ln_kt > HARD
        classes.append(
            {
                "all": mean(True),
                "by_angle": [mean((x >= low) & (x < low + 1)) for low in BANDS],
                "hard_by_angle": [mean(hard & (x >= low) & (x < low + 0.5)) for low in np.arange(0, 3, 0.5)],
                "hard_60_80": mean(hard & (found.mass >= 60) & (found.mass < 80)),
                "hard_30_50": mean(hard & (found.mass >= 30) & (found.mass < 50)),
                "above_1.5": round(float((found.saliency[known] > 1.5).mean()), 4),
                "above_2": round(float((found.saliency[known] > 2).mean()), 4),
                "untrained": round(random.mean(label), 4),
                "alike": round(likeness(found.map(label), random.map(label)), 4),
                "unknown": int((~np.isfinite(found.saliency[found.labels == label])).sum()),
            }
        )
    return {"classes": classes}


def deletion(subject: Any, removal: str) -> dict[str, Any]:
    """Return the AUC and the share of pT that is left, by method and share of the splittings taken away."""
    from suite_recnn.interpretation.deletion import deletion as delete

    found = delete(subject, removal=removal)  # type: ignore[arg-type]
    points = [[p.method, p.share, *(round(value, 4) for value in (p.auc, p.error, p.momentum))] for p in found.points]
    return {"whole": round(found.whole.value, 4), "points": points}


def mass_direction(subject: Any, seed: int) -> dict[str, Any]:
    """Return the numbers of the mass direction as they are; the seed is that of the untrained network beside it."""
    from suite_recnn.interpretation.mass_direction import mass_direction as follow

    found = follow(subject, seed=seed)
    groups = {name: getattr(found, name) for name in ("steps", "depths", "largest")}
    named = {name: [_rounded(one._asdict()) for one in group] for name, group in groups.items()}
    return {"root": [round(number, 4) for number in found.root], **named}


STUDIES: dict[str, Callable[[Any, int], dict[str, Any]]] = {
    "saliency": saliency,
    "median": lambda subject, _: deletion(subject, "median"),
    "branch": lambda subject, _: deletion(subject, "branch"),
    "mass_direction": mass_direction,
}


def table(results: dict[str, Any]) -> str:
    """Return the mean saliency by task and class, by angle, and of hard splittings."""
    rows = []
    for task, label, name, runs in _classes(results, "saliency"):
        rows.append(
            [
                f"{task}: {name}",
                _mean([run["all"][0] for run in runs], 3),
                *(_mean([run["by_angle"][band][0] for run in runs]) for band in BANDS),
                *(_mean([run["hard_by_angle"][place][0] for run in runs]) for place in (1, 2, 3)),
                _mean([run["hard_60_80"][0] for run in runs]),
                _mean([run["untrained"] for run in runs]),
                _mean([run["alike"] for run in runs]),
            ]
        )
        assert label in (0, 1)
    bands = [f"{low} to {low + 1}" for low in BANDS]
    hard = [f"hard, {low:g} to {low + 0.5:g}" for low in (0.5, 1.0, 1.5)]
    return markdown(
        ["mean saliency, ln(1/Δ)", "all", *bands, *hard, "hard, m 60 to 80 GeV", "untrained", "maps alike"], rows
    )


def table_deletion(results: dict[str, Any]) -> str:
    """Return the AUC after the most salient splittings were taken away, by task, way and method."""
    rows = []
    for removal in ("median", "branch"):
        for task in TASKS:
            seeds = list(results.get(removal, {}).get(task, {}).values())
            if not seeds:
                continue
            methods = dict.fromkeys(point[0] for point in seeds[0]["points"])
            shares = sorted({point[1] for point in seeds[0]["points"]})

            def of(method: str, share: float, place: int, seeds: Any = seeds) -> list[float]:
                return [p[place] for run in seeds for p in run["points"] if (p[0], p[1]) == (method, share)]

            ranked = sorted(methods, key=lambda name: float(np.mean([of(name, share, 2) for share in shares])))
            for method in ranked:
                aucs = [_mean(of(method, share, 2), 3) for share in shares]
                left = f"{np.mean(of(method, 0.1, 4)):.2f}" if removal == "branch" else ""
                rows.append([f"{task}, {removal}: {method}", _mean([run["whole"] for run in seeds], 3), *aucs, left])
    shown = [f"{100 * share:g} %" for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)]
    return markdown(["AUC without", "nothing", *shown, "pT left at 10 %"], rows)


def table_mass(results: dict[str, Any]) -> str:
    """Return what the direction of mass does around the hard splitting, by task and class."""
    rows = []
    for task in TASKS:
        seeds = list(results.get("mass_direction", {}).get(task, {}).values())
        for label, name in enumerate(CLASSES[task]):
            if not seeds:
                continue

            def step(at: int, key: str, seeds: Any = seeds, label: int = label) -> str:
                found = [s[key] for run in seeds for s in run["steps"] if (s["label"], s["step"]) == (label, at)]
                return _mean(found)

            def largest(network: str, key: str, seeds: Any = seeds, label: int = label) -> str:
                found = [
                    s[key] for run in seeds for s in run["largest"] if (s["label"], s["network"]) == (label, network)
                ]
                return _mean(found)

            changes = [step(at, "change") for at in (-1, 0, 1)]
            apart = [step(at, "disagreement") for at in (-1, 0, 1)]
            where = [largest("trained", "at"), largest("untrained", "at"), largest("trained", "random_at")]
            near = [largest("trained", "near"), largest("trained", "random_near")]
            rows.append([f"{task}: {name}", *changes, step(0, "true_change"), *apart, *where, *near])
    columns = ["", "change before", "at", "after", "true, at", "apart before", "at", "after"]
    columns += ["largest at", "untrained", "chance", "at or next", "chance"]
    return markdown(columns, rows)


def table_depth(results: dict[str, Any]) -> str:
    """Return R^2 of ln m by depth, by the root's direction and by a regression of the depth."""
    rows = []
    for task in TASKS:
        seeds = list(results.get("mass_direction", {}).get(task, {}).values())
        for key, words in (("followed", "direction of the root"), ("refitted", "refitted")):
            if seeds:
                values = [_mean([run["depths"][depth][key] for run in seeds]) for depth in range(7)]
                rows.append([f"{task}: {words}", *values])
    return markdown(["R² of ln m, steps from the root", *map(str, range(7))], rows)


def _classes(results: dict[str, Any], study: str) -> Iterator[tuple[str, int, str, list[dict[str, Any]]]]:
    """Yield task, label and name of every class, and its numbers of every seed."""
    for task in TASKS:
        seeds = list(results.get(study, {}).get(task, {}).values())
        for label, name in enumerate(CLASSES[task]):
            if seeds:
                yield task, label, name, [run["classes"][label] for run in seeds]


def _mean(values: list[float], digits: int = 2) -> str:
    mean, scatter = mean_and_scatter(values)
    return f"{mean:.{digits}f} ± {scatter:.{digits}f}" if len(values) > 1 else f"{mean:.{digits}f}"


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def main() -> None:
    """Measure what is missing, print it and write it."""
    parser = options_of(__doc__, "recnn_accuracy")
    parser.add_argument("--pictures", type=Path, help="the folder of pictures")
    chosen = parser.parse_args()
    results = {study: recorded("recnn_saliency").get(study, {}) for study in STUDIES}
    subjects: dict[tuple[str, int], Any] = {}

    def subject_of(task: str, seed: int) -> Any:
        from suite_recnn.interpretation.subject import open_subject

        if (task, seed) not in subjects:
            case = f"{task}, RecNN"
            fitted("recnn", ["--recipe", TASKS[task][0], "--data.path", str(chosen.data)], chosen.runs, case, seed)
            subjects.clear()
            folder = folder_of(chosen.runs, case, seed)
            subjects[task, seed] = open_subject(folder, algorithm="cambridge-aachen")
        return subjects[task, seed]

    for seed in range(chosen.seeds if chosen.data is not None else 0):
        for task in TASKS:
            for study, measure in STUDIES.items():
                measured = results[study].setdefault(task, {})
                if str(seed) not in measured and re.search(chosen.only, f"{task} {seed} {study}"):
                    subject = subject_of(task, seed)
                    firsts = [np.flatnonzero(subject.labels == label)[: JETS[study]] for label in range(2)]
                    measured[str(seed)] = measure(subject.take(np.sort(np.concatenate(firsts))), seed)
                    record("recnn_saliency", results)
    print(table(results), table_deletion(results), table_mass(results), table_depth(results), sep="\n\n")
    if chosen.pictures is not None:
        draw(chosen.pictures, chosen.runs, results, chosen.seeds)


if __name__ == "__main__":
    main()
