"""Collides protons: events by Pythia 8, a detector, anti-kt jets, each matched to the parton that made it.

The hard collision's transverse momentum (pTHat) has a lower limit far below the jets', of each class its own, and no
upper one, so that less than a hundredth of the jets come from collisions that are left out
(benchmarks/recnn_generation.py); most collisions near the limit make no jet and are given up early (`veto`).

Pythia 8.3: Bierlich et al., 2022, arXiv:2203.11601, with its default tune (Monash).
"""

import importlib.metadata
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pythia8mc
from numpy.typing import NDArray

from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.offsets import offsets_of
from suite_recnn.generation.detector import smear
from suite_recnn.generation.event_record import EventRecord, separation
from suite_recnn.generation.files import CONSTITUENT, SCHEMA
from suite_recnn.generation.settings import CLASSES, RECIPES, Chunk, Settings, seeds_of
from suite_recnn.generation.veto import PATIENCE, Veto
from suite_recnn.jet_finding import find_jets
from suite_recnn.jets import Jets, kinematics

TRUTH_PT_SHARE = 0.2
"""Partons below this share of the jets' lowest transverse momentum (100 GeV for 500 GeV) are not considered."""

_BATCH = 100  # events that are in memory at once


class Collider:
    """Pythia, set up for one class of jets; a chunk of events does not depend on the chunks before it."""

    def __init__(self, class_name: str, settings: Settings, pthat: tuple[float, float] | None = None) -> None:
        """Set Pythia up, with another window (GeV) of the hard collision's transverse momentum where one is given."""
        self._recipe = RECIPES[class_name]
        self._settings = settings
        self._charges: dict[int, float] = {}
        self._pythia = pythia8mc.Pythia(_xmldoc(), False)
        self._veto = Veto(settings.jets)  # Pythia keeps no reference to it
        self._pythia.setUserHooksPtr(self._veto)
        low, high = pthat or (settings.pthat_min_of(class_name), 0.0)  # 0: no upper limit
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
            # with a seed that all processes share, leaves them in memory, where all later ones find them.
            "MultipartonInteractions:reuseInit = -1",
        ):
            if not self._pythia.readString(line):
                raise UsageError(f"Pythia does not accept the setting {line!r}")
        self._start(1)

    def jets(self, chunk: Chunk) -> pa.Table:
        """Return the jets of a chunk, in the columns of SCHEMA."""
        pythia_seed, words = seeds_of(chunk.seed, chunk.class_name, chunk.number)
        generator = np.random.default_rng(words)
        self._start(pythia_seed)
        first = chunk.number * chunk.settings.events_per_chunk
        tables = [SCHEMA.empty_table()]
        for done in range(0, chunk.settings.events_per_chunk, _BATCH):
            events = self._pythia.nextBatch(min(_BATCH, chunk.settings.events_per_chunk - done))
            if self._veto.is_hopeless:
                raise UsageError(
                    f"{PATIENCE:,} collisions of the class {chunk.class_name!r} left no parton that is hard enough for "
                    f"a jet: its pT window excludes them all ({self._settings})"
                )
            if len(events):  # Pythia leaves out the rare event that it cannot finish
                tables.append(self._jets_of(EventRecord.of(events), first + done, chunk, generator))
        return pa.concat_tables(tables)

    def cross_section(self) -> float:
        """Return the cross section (mb) of the events of the last chunk, those that were not given up."""
        return float(self._pythia.infoPython().sigmaGen())

    def _start(self, seed: int) -> None:
        self._pythia.readString(f"Random:seed = {seed}")
        if not self._pythia.init():
            raise UsageError(f"Pythia could not start with these settings: {asdict(self._settings)}")

    def _jets_of(self, record: EventRecord, first: int, chunk: Chunk, generator: np.random.Generator) -> pa.Table:
        settings, recipe = self._settings, self._recipe
        rows = record.visible()
        counts = np.bincount(record.events()[rows], minlength=len(record.offsets) - 1)
        output = smear(
            record.momenta[rows],
            record.identities[rows],
            self._charges_of(record.identities[rows]),
            offsets_of(counts),
            settings.detector,
            generator,
        )
        jets = find_jets(output.momenta, output.offsets, settings.jets)
        momenta = output.momenta[jets.particles]
        axes = kinematics(Jets(momenta, jets.offsets).totals())
        truth = record.nearest(recipe, TRUTH_PT_SHARE * settings.pt_min, axes.eta, axes.phi, jets.events)
        matched = truth.distance < settings.matching_radius if recipe.matched else np.ones(len(jets.events), np.bool_)
        contained = np.zeros(len(matched), np.bool_)
        if recipe.quarks:
            for jet in np.flatnonzero(matched):
                quarks = record.quarks_of(int(truth.rows[jet]))
                _, eta, phi, _ = kinematics(record.momenta[quarks])
                distance = separation(eta, phi, axes.eta[jet], axes.phi[jet])
                contained[jet] = len(quarks) == recipe.quarks and bool((distance < settings.radius).all())
        known = truth.rows >= 0
        parton_pt = np.where(known, kinematics(record.momenta[truth.rows]).pt, np.nan)
        constituents = pa.StructArray.from_arrays(
            [*momenta.astype(np.float32).T, output.particle_ids[jets.particles]],
            fields=list(CONSTITUENT),
        )
        size = len(matched)
        table = pa.Table.from_arrays(
            [
                pa.array(first + jets.events, pa.int64()),
                pa.array(np.full(size, chunk.seed), pa.int64()),
                pa.array(np.full(size, CLASSES.index(chunk.class_name)), pa.int8()),
                pa.array([chunk.class_name] * size, pa.string()),
                *(pa.array(values, pa.float64()) for values in axes),
                pa.array(np.where(known, record.identities[truth.rows], 0), pa.int32()),
                pa.array(parton_pt, pa.float64()),
                pa.array(truth.distance, pa.float64()),
                pa.array(contained, pa.bool_()),
                pa.ListArray.from_arrays(
                    pa.array(jets.offsets, pa.int32()), constituents, type=SCHEMA.field("constituents").type
                ),
            ],
            schema=SCHEMA,
        )
        return table.filter(pa.array(matched))

    def _charges_of(self, identities: NDArray[np.int32]) -> NDArray[np.float64]:
        kinds, kind_of_particle = np.unique(identities, return_inverse=True)
        for kind in kinds.tolist():
            if kind not in self._charges:
                self._charges[kind] = float(self._pythia.particleData.charge(kind))
        return np.array([self._charges[kind] for kind in kinds.tolist()], np.float64)[kind_of_particle]


def _xmldoc() -> str:
    """Return the folder of Pythia's tables, which its wheel installs beside, not into, the packages."""
    distribution = importlib.metadata.distribution("pythia8mc")
    for file in distribution.files or ():
        if file.match("Pythia8/xmldoc/Index.xml"):
            return str(Path(str(distribution.locate_file(file))).resolve().parent)
    raise SuiteError("the package pythia8mc lacks Pythia's tables (share/Pythia8/xmldoc): install it again")
