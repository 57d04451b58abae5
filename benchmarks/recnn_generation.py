"""Which hard collisions the jets of a class come from, and how many jets a limit of pTHat loses.

    python -m benchmarks.recnn_generation

pTHat is the transverse momentum of the hard collision. Jets of 500 to 700 GeV at particle level are generated in bins
of it, and counted by the cross section of their bin. "Before" are collisions of 450 to 850 GeV, as in the first
generation and in the shared sample, "after" is what `suite generate-jets` does. The lowest bin is below the limit.
Rates are jets a CPU second of one process, its start not counted. Then jets are counted whose collision would have been
given up early (suite_recnn.generation.veto).
"""

import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from suite_recnn.generation import collisions
from suite_recnn.generation.collisions import Collider
from suite_recnn.generation.settings import Chunk, Settings
from suite_recnn.generation.veto import IN_DECAYS, Veto

BEFORE = (450.0, 850.0)
_PARTONS = (200.0, 225.0, 250.0, 300.0, 350.0, 400.0, *BEFORE, 1300.0)
BINS: Mapping[str, tuple[float, ...]] = {
    "w": (0.0, 50.0, 100.0, 200.0, 300.0, *BEFORE, 1300.0),
    "top": (0.0, 25.0, 50.0, 100.0, 200.0, 300.0, *BEFORE, 1300.0),
    "qcd": _PARTONS,
    "quark": _PARTONS,
    "gluon": _PARTONS,
}
EVENTS, MAIN_EVENTS, FIRST_EVENTS = 80, 300, 8  # of a bin, of that of before, of one below the limit
WATCHED = (400.0, 500.0, 250)  # pTHat and events in which collisions that would be given up are watched
SEED = 1


def bin_of(class_name: str, low: float, high: float) -> dict[str, Any]:
    """Return the jets of a bin, and the cross section (mb) that each stands for."""
    lost = high <= Settings().pthat_min_of(class_name)
    events = FIRST_EVENTS if lost else MAIN_EVENTS if (low, high) == BEFORE else EVENTS
    settings = Settings(detector="none", events_per_chunk=events)
    collider = Collider(class_name, settings, (low, high))
    begin = time.process_time()
    jets = collider.jets(Chunk(class_name, 0, SEED, settings))
    seconds = time.process_time() - begin
    return {
        "pthat": [low, high],
        "lost": lost,
        "events": events,
        "seconds": round(seconds, 2),
        "weight": collider.cross_section() / events,
        "pt": jets["jet_pt"].to_numpy().round(2).tolist(),
        "mass": jets["jet_mass"].to_numpy().round(2).tolist(),
    }


def given_up(class_name: str) -> dict[str, int]:
    """Return how many collisions would be given up, how many jets there are, and how many of these would be lost."""
    passed: list[bool] = []

    class Watching(Veto):
        def doVetoPT(self, position: int, event: Any) -> bool:
            given_up = super().doVetoPT(position, event)
            if position != IN_DECAYS:
                passed.append(not given_up)
            return False

    low, high, events = WATCHED
    settings = Settings(detector="none", events_per_chunk=int(events))
    with_veto, collisions.Veto = collisions.Veto, Watching  # type: ignore[misc]
    try:
        jets = Collider(class_name, settings, (low, high)).jets(Chunk(class_name, 0, SEED, settings))
    finally:
        collisions.Veto = with_veto  # type: ignore[misc]
    assert len(passed) == events, "Pythia has left out events"
    lost = sum(not passed[event] for event in jets["event"].to_pylist())
    return {"collisions": len(passed), "given_up": passed.count(False), "jets": jets.num_rows, "lost": lost}


def weighted_median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])


def summary(bins: list[dict[str, Any]]) -> dict[str, Any]:
    """Return shares lost before and after, with errors, median masses and rates."""
    pt, mass = (np.concatenate([one[name] for one in bins]) for name in ("pt", "mass"))
    weights = np.repeat([one["weight"] for one in bins], [len(one["pt"]) for one in bins])
    of_bin = np.repeat(np.arange(len(bins)), [len(one["pt"]) for one in bins])
    is_before = np.array([tuple(one["pthat"]) == BEFORE for one in bins])[of_bin]
    is_after = ~np.array([one["lost"] for one in bins])[of_bin]

    def lost(kept: NDArray[Any], upto: float) -> list[float]:
        """The share of the jets below a transverse momentum that is lost, and its error, in per cent."""
        within = pt < upto
        inside, outside = (np.where(within & chosen, weights, 0.0) for chosen in (kept, ~kept))
        share = outside.sum() / (inside.sum() + outside.sum())
        error = np.hypot((1 - share) * np.sqrt((outside**2).sum()), share * np.sqrt((inside**2).sum()))
        return [round(100 * float(value), 2) for value in (share, error / (inside.sum() + outside.sum()))]

    main = next(one for one in bins if tuple(one["pthat"]) == BEFORE)
    kept = [one for one in bins if not one["lost"]]
    seconds = sum(one["seconds"] * one["weight"] for one in kept)
    return {
        "lost_before_500_530": lost(is_before, 530.0),
        "lost_before": lost(is_before, 700.0),
        "lost_after_500_530": lost(is_after, 530.0),
        "lost_after": lost(is_after, 700.0),
        "median_mass_before": round(weighted_median(mass[is_before], weights[is_before]), 1),
        "median_mass_after": round(weighted_median(mass[is_after], weights[is_after]), 1),
        "median_mass_lost_before": round(weighted_median(mass[~is_before], weights[~is_before]), 1),
        "jets_per_second_before": round(len(main["pt"]) / main["seconds"], 1),
        # A natural sample has events in each bin in proportion to its cross section.
        "jets_per_second_after": round(float(weights[is_after].sum()) / seconds, 1),
    }


def table(results: dict[str, Any]) -> str:
    """Return what is lost, the median mass, and the rate of each class, before and after."""

    def per_cent(value: list[float]) -> str:
        return f"{value[0]:.1f} ± {value[1]:.1f} %" if value[0] else "0"

    rows = [
        [
            name,
            per_cent(of["lost_before_500_530"]),
            per_cent(of["lost_before"]),
            per_cent(of["lost_after_500_530"]),
            per_cent(of["lost_after"]),
            f"{of['median_mass_before']:.0f} → {of['median_mass_after']:.0f}",
            f"{of['jets_per_second_before']:.0f} → {of['jets_per_second_after']:.0f}",
        ]
        for name, of in results["classes"].items()
    ]
    head = ["jets lost", "500–530, before", "500–700, before", "500–530, now", "500–700, now"]
    return markdown([*head, "median mass (GeV)", "jets a CPU second"], rows)


def main() -> None:
    results = {
        "what": "jets of 500 to 700 GeV at particle level that are lost below and above limits of pTHat",
        "classes": recorded("recnn_generation").get("classes", {}),
    }
    for name in ("qcd", "w", "top", "quark", "gluon"):
        if name in results["classes"]:
            continue
        edges = BINS[name]
        bins = [bin_of(name, low, high) for low, high in pairwise(edges)]
        of_bins = [
            {
                **{key: one[key] for key in ("pthat", "events", "seconds")},
                "jets": len(one["pt"]),
                "cross_section_mb": one["weight"] * len(one["pt"]),
                "median_mass": round(float(np.median(one["mass"])), 1) if one["mass"] else None,
            }
            for one in bins
        ]
        results["classes"][name] = {**summary(bins), "veto": given_up(name), "bins": of_bins}
        record("recnn_generation", results)
        print(name, results["classes"][name], flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
