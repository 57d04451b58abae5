"""The settings of a generation, the classes of jets, and the chunks into which the work is divided."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lightning_suite.constraints import Choice, Interval, check
from lightning_suite.errors import UsageError
from suite_recnn.generation.detector import DETECTORS, Detector
from suite_recnn.jet_finding import JetDefinition

CLASSES = ("w", "top", "qcd", "quark", "gluon")
"""The position of a class is its number in the column ``label``."""

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "energy": [Interval(float, 0, closed="neither")],
    "detector": [Choice(DETECTORS)],
    "matching_radius": [Interval(float, 0, closed="neither")],
    "events_per_chunk": [Interval(int, 1)],
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings that the jets depend on, except the seed.

    Attributes:
        energy: of the two protons in their centre of mass, GeV.
        pt_min: the jets' transverse momentum is above, GeV.
        pt_max: the jets' transverse momentum is below, GeV.
        radius: R of the anti-kt jets.
        eta_max: the jets' pseudorapidity is between -eta_max and eta_max.
        detector: none, towers (calorimeter cells) or eflow (tracks and calorimeter).
        matching_radius: the largest distance of a jet from its parton in pseudorapidity and azimuth.
        constituents_min: the least number of constituents.
        events_per_chunk: events of one seed; an interruption loses the unfinished chunks.

    Example:
        >>> Settings(pt_min=500, pt_max=700).pthat
        (450.0, 850.0)
    """

    energy: float = 13000.0
    pt_min: float = 500.0
    pt_max: float = 700.0
    radius: float = 0.8
    eta_max: float = 2.0
    detector: Detector = "eflow"
    matching_radius: float = 0.6
    constituents_min: int = 3
    events_per_chunk: int = 500

    def __post_init__(self) -> None:
        _ = self.jets  # checks its own values
        check(CONSTRAINTS, vars(self))
        if not self.pthat[1] < self.energy / 2:
            raise UsageError(
                f"jets of up to {self.pt_max:g} GeV need partons of up to {self.pthat[1]:.0f} GeV, which is more than "
                f"half of the energy {self.energy:g} GeV: lower pt_max or raise energy"
            )

    @property
    def jets(self) -> JetDefinition:
        """The jets to find."""
        return JetDefinition(
            radius=self.radius,
            pt_min=self.pt_min,
            pt_max=self.pt_max,
            eta_max=self.eta_max,
            constituents_min=self.constituents_min,
        )

    @property
    def pthat(self) -> tuple[float, float]:
        """The window of the hard collision's transverse momentum (GeV): 450 to 850 for jets of 500 to 700.

        Other windows scale: a tenth below the lower edge, 150 / 700 above the upper one. A jet gains little and loses
        more, so that few jets within the window come from collisions outside of it.
        """
        return 0.9 * self.pt_min, self.pt_max * 850 / 700


class Recipe(NamedTuple):
    """A class of jets.

    Attributes:
        processes: Pythia's.
        truth: unsigned PDG numbers of the particles that may have made a jet.
        status: Pythia's status of these: 62, a W or top just before it decays, 23, a parton of the hard collision.
        matched: whether a jet must be near one of these.
        quarks: the number of quarks of their decay, for ``contained``; 0 where they do not decay.
    """

    processes: tuple[str, ...]
    truth: tuple[int, ...]
    status: int
    matched: bool
    quarks: int


RECIPES: Mapping[str, Recipe] = {
    "w": Recipe(("WeakDoubleBoson:ffbar2WW",), (24,), 62, True, 2),
    "top": Recipe(("Top:gg2ttbar", "Top:qqbar2ttbar"), (6,), 62, True, 3),
    "qcd": Recipe(("HardQCD:all",), (1, 2, 3, 4, 5, 21), 23, False, 0),
    "quark": Recipe(("HardQCD:qq2qq", "HardQCD:gg2qqbar", "HardQCD:qqbar2qqbarNew"), (1, 2, 3), 23, True, 0),
    "gluon": Recipe(("HardQCD:gg2gg", "HardQCD:qqbar2gg"), (21,), 23, True, 0),
}


class Chunk(NamedTuple):
    """A numbered piece of work; its jets follow from these values alone."""

    class_name: str
    number: int
    seed: int
    settings: Settings


def seeds_of(seed: int, class_name: str, chunk: int) -> tuple[int, list[int]]:
    """Return Pythia's seed (1 to 900,000,000) for a chunk, and the words that seed numpy's generator."""
    digest = hashlib.sha256(f"{seed} {class_name} {chunk}".encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    return int.from_bytes(digest[:8], "little") % 900_000_000 + 1, words
