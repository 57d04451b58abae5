"""Collides protons: events by Pythia 8, a detector, anti-kt jets, each matched to the parton that made it.

Pythia 8.3: Bierlich et al., 2022, arXiv:2203.11601, with its default tune (Monash).
"""

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import pyarrow as pa
import pythia8mc
from numpy.typing import NDArray

from lightning_suite.constraints import Choice, Interval, check
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.offsets import offsets_of
from suite_recnn.generation.detector import DETECTORS, NEUTRINOS, Detector, smear
from suite_recnn.generation.files import CONSTITUENT, SCHEMA
from suite_recnn.jet_finding import JetDefinition, find_jets
from suite_recnn.jets import Jets, kinematics, owners_of

CLASSES = ("w", "top", "qcd", "quark", "gluon")
"""Their place here is their number in the column ``label``."""

PARTICLE_ETA_MAX = 5.0
"""Particles beyond are not seen, with or without a detector."""

TRUTH_PT_SHARE = 0.2
"""Partons below this share of the lower end of the jets' window (100 GeV for jets of 500) are not considered."""

_BATCH = 100  # events that are in memory at once

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "energy": [Interval(float, 0, closed="neither")],
    "detector": [Choice(DETECTORS)],
    "matching_radius": [Interval(float, 0, closed="neither")],
    "events_per_chunk": [Interval(int, 1)],
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that changes the jets, but the seed.

    Attributes:
        energy: GeV, of the two protons in their centre of mass.
        pt_min: GeV; the jets' transverse momentum is above.
        pt_max: GeV; and below.
        radius: of the anti-kt jets.
        eta_max: the jets' pseudorapidity is between minus and plus this.
        detector: none, towers (calorimeter cells) or eflow (tracks and calorimeter).
        matching_radius: a jet is as near to its parton in pseudorapidity and azimuth.
        constituents_min: a jet has at least so many.
        events_per_chunk: events of one seed, the least that an interruption loses.
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
        """What counts as a jet."""
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
        more, so that few jets within the window come from collisions without.
        """
        return 0.9 * self.pt_min, self.pt_max * 850 / 700


class Recipe(NamedTuple):
    """A class of jets.

    Attributes:
        processes: Pythia's.
        truth: unsigned identities of the particles that may have made a jet.
        status: Pythia's status of them: 62, a W or top just before it decays, 23, a parton of the hard collision.
        matched: whether a jet must be near to one of them.
        quarks: of their decay, for the flag ``contained``; 0 where they do not decay.
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
    """A numbered piece of work, and what says everything about its jets."""

    class_name: str
    number: int
    seed: int
    settings: Settings


def seeds_of(seed: int, class_name: str, chunk: int) -> tuple[int, list[int]]:
    """Pythia's seed (1 to 900,000,000) and the words that seed numpy's generator, of one chunk."""
    digest = hashlib.sha256(f"{seed} {class_name} {chunk}".encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    return int.from_bytes(digest[:8], "little") % 900_000_000 + 1, words


class Collider:
    """Pythia, set up for one class of jets; a chunk of events does not depend on the chunks before it."""

    def __init__(self, class_name: str, settings: Settings) -> None:
        self._recipe = RECIPES[class_name]
        self._settings = settings
        self._charges: dict[int, float] = {}
        self._pythia = pythia8mc.Pythia(_xmldoc(), False)
        low, high = settings.pthat
        for line in (
            "Print:quiet = on",
            f"Beams:eCM = {settings.energy!r}",
            f"PhaseSpace:pTHatMin = {low!r}",
            f"PhaseSpace:pTHatMax = {high!r}",
            *(f"{process} = on" for process in self._recipe.processes),
            "24:onMode = off",  # W only to quarks
            "24:onIfAny = 1 2 3 4 5",
            "ParticleDecays:limitTau0 = on",  # what lives longer than c tau = 10 mm reaches the detector
            "ParticleDecays:tau0Max = 10",
            "Random:setSeed = on",
            # A third of a chunk's start is spent on multiparton interactions, the same each time. The first start,
            # with a seed that all processes share, leaves them in memory, and all others take them from there.
            "MultipartonInteractions:reuseInit = -1",
        ):
            if not self._pythia.readString(line):
                raise UsageError(f"Pythia does not take the setting {line!r}")
        self._start(1)

    def jets(self, chunk: Chunk) -> pa.Table:
        """The jets of a chunk, in the columns of SCHEMA."""
        pythia_seed, words = seeds_of(chunk.seed, chunk.class_name, chunk.number)
        generator = np.random.default_rng(words)
        self._start(pythia_seed)
        first = chunk.number * chunk.settings.events_per_chunk
        tables = [SCHEMA.empty_table()]
        for done in range(0, chunk.settings.events_per_chunk, _BATCH):
            events = self._pythia.nextBatch(min(_BATCH, chunk.settings.events_per_chunk - done))
            if len(events):  # Pythia leaves out the rare event that it cannot finish
                tables.append(self._jets_of(Record.of(events), first + done, chunk, generator))
        return pa.concat_tables(tables)

    def _start(self, seed: int) -> None:
        self._pythia.readString(f"Random:seed = {seed}")
        if not self._pythia.init():
            raise UsageError(f"Pythia could not start with these settings: {asdict(self._settings)}")

    def _jets_of(self, record: "Record", first: int, chunk: Chunk, generator: np.random.Generator) -> pa.Table:
        settings, recipe = self._settings, self._recipe
        rows = record.visible()
        counts = np.bincount(record.events()[rows], minlength=len(record.offsets) - 1)
        seen = smear(
            record.momenta[rows],
            record.identities[rows],
            self._charges_of(record.identities[rows]),
            offsets_of(counts),
            settings.detector,
            generator,
        )
        found = find_jets(seen.momenta, seen.offsets, settings.jets)
        momenta = seen.momenta[found.particles]
        axes = kinematics(Jets(momenta, found.offsets).totals())
        truth = record.nearest(recipe, TRUTH_PT_SHARE * settings.pt_min, axes.eta, axes.phi, found.events)
        kept = truth.distance < settings.matching_radius if recipe.matched else np.ones(len(found.events), np.bool_)
        contained = np.zeros(len(kept), np.bool_)
        if recipe.quarks:
            for jet in np.flatnonzero(kept):
                quarks = record.quarks_of(int(truth.rows[jet]))
                _, eta, phi, _ = kinematics(record.momenta[quarks])
                distance = separation(eta, phi, axes.eta[jet], axes.phi[jet])
                contained[jet] = len(quarks) == recipe.quarks and bool((distance < settings.radius).all())
        known = truth.rows >= 0
        parton_pt = np.where(known, kinematics(record.momenta[truth.rows]).pt, np.nan)
        constituents = pa.StructArray.from_arrays(
            [*momenta.astype(np.float32).T, seen.particle_ids[found.particles]],
            fields=list(CONSTITUENT),
        )
        size = len(kept)
        table = pa.Table.from_arrays(
            [
                pa.array(first + found.events, pa.int64()),
                pa.array(np.full(size, chunk.seed), pa.int64()),
                pa.array(np.full(size, CLASSES.index(chunk.class_name)), pa.int8()),
                pa.array([chunk.class_name] * size, pa.string()),
                *(pa.array(values, pa.float64()) for values in axes),
                pa.array(np.where(known, record.identities[truth.rows], 0), pa.int32()),
                pa.array(parton_pt, pa.float64()),
                pa.array(truth.distance, pa.float64()),
                pa.array(contained, pa.bool_()),
                pa.ListArray.from_arrays(
                    pa.array(found.offsets, pa.int32()), constituents, type=SCHEMA.field("constituents").type
                ),
            ],
            schema=SCHEMA,
        )
        return table.filter(pa.array(kept))

    def _charges_of(self, identities: NDArray[np.int32]) -> NDArray[np.float64]:
        kinds, place = np.unique(identities, return_inverse=True)
        for kind in kinds.tolist():
            if kind not in self._charges:
                self._charges[kind] = float(self._pythia.particleData.charge(kind))
        return np.array([self._charges[kind] for kind in kinds.tolist()], np.float64)[place]


@dataclass(frozen=True, eq=False)
class Record:
    """All particles of some events, as Pythia lists them: also those that decayed or radiated.

    Attributes:
        momenta: (particle, 4) px, py, pz, E in GeV.
        identities: (particle,) PDG numbers.
        status: (particle,) Pythia's; positive for what remains at the end.
        daughters: (particle, 2) Pythia's two numbers, places within the event.
        offsets: (event + 1,).
    """

    momenta: NDArray[np.float64]
    identities: NDArray[np.int32]
    status: NDArray[np.int32]
    daughters: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, events: Any) -> "Record":
        """From what Pythia's ``nextBatch`` returns."""
        particles = events.prt
        flat = ak.flatten(particles, axis=1)
        return cls(
            np.stack([ak.to_numpy(flat.p[name]) for name in ("px", "py", "pz", "e")], axis=1),
            ak.to_numpy(flat.id),
            ak.to_numpy(flat.status),
            np.stack([ak.to_numpy(flat.daughter1), ak.to_numpy(flat.daughter2)], axis=1),
            offsets_of(ak.to_numpy(ak.num(particles, axis=1))),
        )

    def events(self) -> NDArray[np.int64]:
        """The event of each particle: (particle,)."""
        return owners_of(self.offsets)

    def visible(self) -> NDArray[np.int64]:
        """Rows of what a detector could see: what remains at the end, but neutrinos and what leaves along the beam."""
        rows = np.flatnonzero((self.status > 0) & ~np.isin(np.abs(self.identities), NEUTRINOS))
        eta = kinematics(self.momenta[rows]).eta
        return rows[np.abs(eta) < PARTICLE_ETA_MAX]

    def quarks_of(self, row: int) -> list[int]:
        """Rows of the quarks that a W or a top decays to, before they radiate."""
        first = int(self.offsets[np.searchsorted(self.offsets, row, side="right") - 1])
        quarks, left = [], [row]
        while left:
            particle = left.pop()
            for daughter in self._daughters(particle - first, first):
                kind = abs(int(self.identities[first + daughter]))
                if kind < 6:
                    quarks.append(first + daughter)
                elif kind in (6, 24):
                    left.append(first + daughter)
        return sorted(quarks)

    def nearest(
        self,
        recipe: Recipe,
        pt_min: float,
        eta: NDArray[np.float64],
        phi: NDArray[np.float64],
        events: NDArray[np.int64],
    ) -> "Truth":
        """Of the particles that may have made jets of a class, the nearest to each jet (jet,) of these events."""
        rows = np.flatnonzero((self.status == -recipe.status) & np.isin(np.abs(self.identities), recipe.truth))
        of = kinematics(self.momenta[rows])
        hard = of.pt >= pt_min
        rows, partons = rows[hard], np.stack([of.eta[hard], of.phi[hard]])
        owners = self.events()[rows]
        best, distance = np.full(len(eta), -1), np.full(len(eta), np.inf)
        # A jet's candidates stand together; there are at most two or three of them an event.
        begins, ends = np.searchsorted(owners, events), np.searchsorted(owners, events, side="right")
        for step in range(int((ends - begins).max(initial=0))):
            jets = np.flatnonzero(begins + step < ends)
            candidates = begins[jets] + step
            apart = separation(partons[0, candidates], partons[1, candidates], eta[jets], phi[jets])
            nearer = apart < distance[jets]
            distance[jets[nearer]], best[jets[nearer]] = apart[nearer], rows[candidates[nearer]]
        return Truth(best, distance)

    def _daughters(self, place: int, first: int) -> list[int]:
        """Places of a particle's daughters, both counted within the event that begins at ``first``."""
        one, two = map(int, self.daughters[first + place])
        if one == 0:
            return []
        if two in (0, one):
            return [one]
        return list(range(one, two + 1)) if two > one else [two, one]


class Truth(NamedTuple):
    """The particle that a jet is taken to come from: rows (jet,), -1 for none, and distances (jet,) from the jet."""

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]


def separation(
    eta: NDArray[np.float64], phi: NDArray[np.float64], other_eta: Any, other_phi: Any
) -> NDArray[np.float64]:
    """Distance in pseudorapidity and azimuth."""
    around: NDArray[np.float64] = np.remainder(phi - other_phi + np.pi, 2 * np.pi) - np.pi
    apart: NDArray[np.float64] = np.hypot(eta - other_eta, around)
    return apart


def _xmldoc() -> str:
    """The folder of Pythia's tables, which its wheel puts beside, not into, the packages."""
    distribution = importlib.metadata.distribution("pythia8mc")
    for file in distribution.files or ():
        if file.match("Pythia8/xmldoc/Index.xml"):
            return str(Path(str(distribution.locate_file(file))).resolve().parent)
    raise SuiteError("the package pythia8mc lacks Pythia's tables (share/Pythia8/xmldoc): install it again")
