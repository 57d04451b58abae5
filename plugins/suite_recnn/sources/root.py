"""Jets from ROOT: trees and RNTuples with a list for each component of the momenta, an entry for each jet; and Delphes.

JetClass (Qu, Li, Qian, 2022, arXiv:2202.03772) is such a tree.

A Delphes tree (de Favereau et al., 2014, arXiv:1307.6346) has an entry for each event. Its e-flow particles, which are
tracks and the energy of photons and neutral hadrons beyond them, are clustered into jets here.
"""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from lightning_suite.errors import DataError, printable
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import track
from lightning_suite.spelling import no_such
from suite_recnn.jet_finding import JetDefinition, find_jets
from suite_recnn.jets import Jets, concatenate, owners_of
from suite_recnn.sources.columns import TREE, choose, finished
from suite_recnn.sources.momenta import Origin, four_momenta, packed, reading, same_counts
from suite_recnn.sources.root_fields import Fields, fields_of

DELPHES = {
    "EFlowTrack": {"pt": "EFlowTrack.PT", "eta": "EFlowTrack.Eta", "phi": "EFlowTrack.Phi", "mass": "EFlowTrack.Mass"},
    "EFlowPhoton": {"pt": "EFlowPhoton.ET", "eta": "EFlowPhoton.Eta", "phi": "EFlowPhoton.Phi"},
    "EFlowNeutralHadron": {
        "pt": "EFlowNeutralHadron.ET",
        "eta": "EFlowNeutralHadron.Eta",
        "phi": "EFlowNeutralHadron.Phi",
    },
}
"""The e-flow particles: three kinds, and their branches. Towers are massless; older tracks have no branch Mass."""

TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
NANOAOD = {"run", "luminosityBlock", "event"}
"""Branches of every NanoAOD, beside the numbers of its jets."""
MOST_ENTRIES = 200
"""Of a tree for each byte of its file, compressed as it may be: more is damage, and would be read for years."""
EVENTS = 1_000  # read at a time: some 2 million particles


def read_root(
    path: Path,
    columns: Mapping[str, str],
    definition: JetDefinition,
    only: Collection[str] | None,
) -> Jets:
    """Return the jets of a ROOT file.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    columns = dict(columns)
    asked = columns.pop(TREE, None)
    with _reading(path):
        file = uproot.open(path)
    with file:
        if path.stat().st_size < file.file.fEND:
            size, end = path.stat().st_size, file.file.fEND
            raise DataError(f"cannot be read as ROOT; it is cut short: {size:,} bytes of {end:,}", path)
        tree = _tree(path, file, asked)
        with _reading(path):
            fields = fields_of(tree)
        if fields.entries > MOST_ENTRIES * (size := path.stat().st_size):
            claim = f"a file of {size:,} bytes says that it has {fields.entries:,} entries"
            raise DataError(f"cannot be read as ROOT; it is damaged: {claim}", path)
        if not columns and any(f"{kind}.Eta" in fields.arrays for kind in DELPHES):
            return _delphes(path, fields.arrays, fields.entries, definition)
        return _mapped(path, fields, columns, only)


def _reading(path: Path) -> AbstractContextManager[None]:
    return reading(path, "ROOT", Exception)  # uproot raises many kinds of exceptions for damaged files


def _tree(path: Path, file: Any, asked: str | None) -> Any:
    found = {name: kind for name, kind in file.classnames(cycle=False).items() if kind in TREES}
    names = list(found)
    if asked is not None:
        if asked not in names:
            raise DataError(no_such("tree", asked, names, "there are"), path)
        names = [asked]
    elif "Delphes" in names:
        names = ["Delphes"]
    elif {"Events", "Runs"} <= set(names):  # of a NanoAOD, which `_mapped` refuses
        names = ["Events"]
    if len(names) != 1:
        kinds = (
            ", ".join(printable(f"{name:.60} ({kind:.60})") for name, kind in list(file.classnames().items())[:9])
            or "nothing"
        )
        choice = ". Say which with --data.columns.tree NAME" if names else ""
        raise DataError(f"expected one TTree or RNTuple, got {len(names)} among {kinds}{choice}", path)
    with _reading(path):
        return file[names[0]]


def _mapped(path: Path, fields: Fields, columns: Mapping[str, str], only: Collection[str] | None) -> Jets:
    if set(fields.arrays) >= NANOAOD and any(name in fields.arrays for name in ("nJet", "nFatJet")):
        indices = [name for name in fields.names(2) if name.lower().endswith(("candsidx", "candidx"))]
        raise DataError(
            "is a NanoAOD with an entry for each event, whose jets have "
            + (f"indices of their constituents ({', '.join(indices[:3])})" if indices else "no constituents")
            + ", which are not followed; expected an entry for each jet with a list of its constituents' momenta. "
            "Write such a file, for instance with coffea's PFNanoAODSchema and ak.to_parquet",
            path,
        )
    lists, scalars = fields.names(2), fields.names(1)
    chosen = choose(path, columns, lists, scalars, [*lists, *scalars], only, nested=fields.names(3))
    for name in chosen.momentum.values():
        if name not in lists:
            raise DataError(f"branch {name!r} has one value an entry; expected a list for each jet", path)
    for name in chosen.scalars.values():
        if name not in scalars and name not in fields.counters:
            raise DataError(f"branch {name!r} has a list in each entry; expected one value for each jet", path)
    momentum, offsets = _lists(chosen.momentum, fields.arrays, Origin(path, chosen.momentum), 0, fields.entries)
    with _reading(path):
        values = {name: ak.to_numpy(fields.arrays[field].array()) for name, field in chosen.scalars.items()}
    return packed(momentum, offsets, finished(path, values, fields.entries), Origin(path, chosen.momentum))


def _lists(
    names: Mapping[str, str], branches: Mapping[str, Any], origin: Origin, start: int, stop: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the values of branches end to end, by role, and the offsets of the entries."""
    with _reading(origin.path):
        arrays = {role: branches[name].array(entry_start=start, entry_stop=stop) for role, name in names.items()}
    offsets = {role: offsets_of(ak.to_numpy(ak.num(array))) for role, array in arrays.items()}
    values = {role: ak.to_numpy(ak.flatten(array)) for role, array in arrays.items()}
    return values, same_counts(offsets, origin)


def _delphes(path: Path, branches: Mapping[str, Any], events: int, definition: JetDefinition) -> Jets:
    missing = [
        name for names in DELPHES.values() for role, name in names.items() if role != "mass" and name not in branches
    ]
    if missing:
        raise DataError(
            f"there is no branch {', '.join(missing)}; expected the e-flow branches of a Delphes card that keeps "
            "EFlowTrack, EFlowPhoton and EFlowNeutralHadron",
            path,
        )
    parts = []
    for start in track(range(0, events, EVENTS), f"finding jets in {path.name}"):
        momenta, offsets = _particles(path, branches, start, min(start + EVENTS, events))
        particles, jet_offsets, event = find_jets(momenta, offsets, definition)
        parts.append(Jets(momenta[particles], jet_offsets, {"event": event + start}))
    jets = concatenate(parts) if parts else None
    if jets is None or not len(jets):
        raise DataError(
            f"none of the {events} events has a jet of {definition.pt_min:g} to {definition.pt_max:g} in transverse "
            f"momentum with |eta| below {definition.eta_max:g} and {definition.constituents_min} constituents or more. "
            "Move the window: --data.pt_min, --data.pt_max",
            path,
        )
    return jets


def _particles(
    path: Path, branches: Mapping[str, Any], start: int, stop: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the e-flow particles of some events, (particle, 4), and the offsets of the events."""
    momenta: list[NDArray[np.float64]] = []
    owners: list[NDArray[np.int64]] = []
    for names in DELPHES.values():
        names = {role: name for role, name in names.items() if name in branches}
        origin = Origin(path, names, "event", start)
        some, offsets = four_momenta(*_lists(names, branches, origin, start, stop), origin)
        momenta.append(some)
        owners.append(owners_of(offsets))
    owner = np.concatenate(owners)
    offsets = offsets_of(np.bincount(owner, minlength=stop - start))
    return np.concatenate(momenta)[np.argsort(owner, kind="stable")], offsets
