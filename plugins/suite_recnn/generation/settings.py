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
    "pthat_min": [Interval(float, 0), None],
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
        pthat_min: the lowest transverse momentum of the hard collision, GeV; None: low enough for each class, so that
            less than a hundredth of its jets come from collisions below it.

    Example:
        >>> Settings(pt_min=500, pt_max=700).pthat_min_of("qcd")
        225.0
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
    pthat_min: float | None = None

    def __post_init__(self) -> None:
        _ = self.jets  # checks its own values
        check(CONSTRAINTS, vars(self))
        if not self.pt_min < self.energy / 2:
            raise UsageError(
                f"a jet has at most half of the energy {self.energy:g} GeV, got the lowest transverse momentum "
                f"{self.pt_min:g} GeV: lower pt_min or raise energy"
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

    def pthat_min_of(self, class_name: str) -> float:
        """Return the lowest transverse momentum (GeV) of the hard collisions of a class."""
        return RECIPES[class_name].pthat_share * self.pt_min if self.pthat_min is None else self.pthat_min


class Recipe(NamedTuple):
    """A class of jets.

    Attributes:
        processes: Pythia's.
        truth: unsigned PDG numbers of the particles that may have made a jet.
        status: Pythia's status of these: 62, a W or top just before it decays, 23, a parton of the hard collision.
        matched: whether a jet must be near one of these.
        quarks: the number of quarks of their decay, for ``contained``; 0 where they do not decay.
        pthat_share: the lowest transverse momentum of the hard collision, in parts of the jets' lowest. Radiation
            before a collision of QCD is no harder than the collision itself; W and top pairs recoil against any.
    """

    processes: tuple[str, ...]
    truth: tuple[int, ...]
    status: int
    matched: bool
    quarks: int
    pthat_share: float


RECIPES: Mapping[str, Recipe] = {
    "w": Recipe(("WeakDoubleBoson:ffbar2WW",), (24,), 62, True, 2, 0.0),
    "top": Recipe(("Top:gg2ttbar", "Top:qqbar2ttbar"), (6,), 62, True, 3, 0.05),
    "qcd": Recipe(("HardQCD:all",), (1, 2, 3, 4, 5, 21), 23, False, 0, 0.45),
    "quark": Recipe(("HardQCD:qq2qq", "HardQCD:gg2qqbar", "HardQCD:qqbar2qqbarNew"), (1, 2, 3), 23, True, 0, 0.45),
    "gluon": Recipe(("HardQCD:gg2gg", "HardQCD:qqbar2gg"), (21,), 23, True, 0, 0.45),
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
