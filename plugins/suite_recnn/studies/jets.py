"""Verbs on jets: generate them, and measure the observables that physicists use."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from lightning_suite.progress import progress
from lightning_suite.tables import table
from suite_recnn.generation.detector import Detector
from suite_recnn.jet_finding import CONSTRAINTS, JetDefinition
from suite_recnn.observables import distributions
from suite_recnn.sources.reading import read
from suite_recnn.sources.units import Unit


def generate_jets(
    folder: str,
    *,
    classes: str = "w,qcd",
    jets: int = 10_000,
    seed: int = 1,
    energy: float = 13_000.0,
    pt_min: float = 500.0,
    pt_max: float = 700.0,
    radius: float = 0.8,
    detector: Detector = "eflow",
    pthat_min: float | None = None,
    processes: int | None = None,
) -> None:
    """Generate jets with Pythia 8, a parquet file for each class: w, top, qcd, quark, gluon.

    The same call goes on where an interrupted one stopped. The same options give the same files, whatever the number
    of processes.

    Args:
        folder: of the files; it is created.
        classes: of w, top, qcd, quark and gluon, with commas between them, or all.
        jets: the number of jets of each class.
        seed: of the random numbers.
        energy: of the two protons together, GeV.
        pt_min: the lowest transverse momentum of the jets, GeV.
        pt_max: the highest transverse momentum of the jets, GeV.
        radius: R of the anti-kt jets.
        detector: none, towers (calorimeter cells), or eflow (tracks and calorimeter): a parametrisation with the
            numbers of the Delphes CMS card, not Delphes.
        pthat_min: the lowest transverse momentum of the hard collisions, GeV; by default low enough for each class, so
            that less than a hundredth of its jets are lost. Higher is faster and loses jets, half of the W's at 250.
        processes: the number of processes; by default that of the processors.

    Raises:
        UsageError: an option is out of its range, the folder holds files of other settings, or a package is missing.
    """
    with needs("generating jets", "lightning-suite[recnn]"):
        from suite_recnn.generation.production import CLASSES, Settings, produce
    names = list(CLASSES) if classes == "all" else [name.strip() for name in classes.split(",") if name.strip()]
    settings = Settings(
        energy=energy, pt_min=pt_min, pt_max=pt_max, radius=radius, detector=detector, pthat_min=pthat_min
    )
    files = produce(Path(folder).expanduser(), names, jets, settings, seed=seed, processes=processes)
    rows = [
        [
            file.class_name,
            str(file.jets),
            str(file.events),
            "" if file.rate is None else f"{file.rate:.0f}",
            f"{_median_mass(file.path):.1f}",
            str(file.path),
        ]
        for file in files
    ]
    print(table(["class", "jets", "events", "jets/CPU s", "median mass (GeV)", "file"], rows))
    background = next((name for name in ("qcd", "quark") if name in names and len(names) > 1), None)
    if background:
        signal = next(name for name in names if name != background)
        options = f"--data.path {shlex.quote(folder)} --data.signal {signal} --data.background {background}"
        print(f"next: suite fit --plugin recnn {options}")
    else:
        print(f"next: suite observables {shlex.quote(str(files[0].path))}")


def observables(
    files: list[str],
    *,
    names: str = "all",
    jets: int | None = None,
    radius: float = 0.8,
    pt_min: float = 500.0,
    pt_max: float = 700.0,
    eta_max: float = 2.0,
    constituents_min: int = 3,
    columns: dict[str, str] | None = None,
    unit: Unit = "GeV",
    output: str | None = None,
) -> None:
    """Measure masses, angularities and N-subjettiness of jets, and compare files.

    Prints mean, deviation and quartiles; writes a table with a row for each jet, and a picture with a curve for each
    file, its numbers beside it.

    Args:
        files: of jets: parquet, HDF5, .npz or ROOT. Jets without constituents are left out.
        names: observables, with commas between them, or all; also angularity_KAPPA_BETA for any angularity.
        jets: the number of jets of each file, the first ones; by default all.
        radius: R of the jets; in files of events (Delphes) jets are found with it.
        pt_min: the lowest transverse momentum of the jets that are found in events, GeV.
        pt_max: their highest transverse momentum, GeV.
        eta_max: their pseudorapidity is between -eta_max and eta_max.
        constituents_min: their least number of constituents.
        columns: the file's column for each of our names, for files of another layout.
        unit: of momenta and energies in the files.
        output: the table, .parquet or .csv; by default NAME-observables.parquet in the working directory.

    Raises:
        UsageError: there is no observable of such a name, a value is out of its range, a file is named twice, or a
            package is missing.
        DataError: a file cannot be read, or holds something that is not a jet.
    """
    with needs("measuring jets", "lightning-suite[recnn]"):
        from suite_recnn.observables.table import OBSERVABLES, observable
        from suite_recnn.observables.table import table as measure
    wanted = list(OBSERVABLES) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise UsageError(f"--names: expected all, or some of {', '.join(OBSERVABLES)} with commas between them")
    labels = {name: (observable(name).symbol, observable(name).unit) for name in wanted}  # checked before reading
    check({"jets": [Interval(int, 1), None], "unit": [Unit], **CONSTRAINTS}, locals(), where="--")
    definition = JetDefinition(
        radius=radius, pt_min=pt_min, pt_max=pt_max, eta_max=eta_max, constituents_min=constituents_min
    )
    paths = [Path(file).expanduser() for file in files]
    file_names = _file_names(paths)
    default = f"{paths[0].stem}-observables.parquet" if len(paths) == 1 else "observables.parquet"
    written = Path(output or default).expanduser()
    distributions.check_suffix(written)
    measured: dict[str, distributions.Columns] = {}
    rows: dict[str, distributions.Columns] = {}
    for path, file in zip(paths, file_names, strict=True):
        some = read(path, columns, definition=definition, unit=unit, option="--")
        if not (filled := some.counts() > 0).all():
            print(f"{file}: left out: {np.count_nonzero(~filled):,} jets without constituents")
            some = some.take(filled)
        if jets is not None and jets < len(some):
            some = some.take(np.arange(jets))
        with progress(f"observables of {file}", len(some), unit="jets") as advance:
            measured[file] = measure(some, wanted, radius=radius, progress=advance)
        own_columns = {f"{name}_" if name == "file" else name: values for name, values in some.columns.items()}
        rows[file] = {**own_columns, **measured[file]}
        print(f"{file}: {len(some):,} jets")
    print(f"\n{distributions.summary(measured)}\n")
    distributions.write(written, rows)
    picture = written.with_name(f"{written.stem}-histograms.png")
    numbers = distributions.write_histograms(picture, distributions.histograms(measured), labels)
    print(f"table: {written}\npicture: {picture}\nnumbers: {numbers}\n")
    print(f"next: suite fit --plugin recnn --data.path {shlex.quote(str(paths[0].parent))}")


def _file_names(paths: Sequence[Path]) -> list[str]:
    """Return the names of files in tables and pictures: without folder and suffix, or whole paths where these repeat.

    Raises:
        UsageError: a file is named twice.
    """
    if twice := [path for number, path in enumerate(paths) if path in paths[:number]]:
        raise UsageError(f"{twice[0]} is named twice; expected different files")
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def _median_mass(path: Path) -> float:
    import pyarrow.parquet as pq

    return float(np.median(pq.read_table(path, columns=["jet_mass"])["jet_mass"].to_numpy()))
