"""What one does with jets besides training: generate them, and measure what physicists measure of them."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lightning_suite.errors import UsageError
from lightning_suite.tables import table
from suite_recnn import distributions
from suite_recnn.generation.detector import Detector
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.sources.reading import read


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
    processes: int | None = None,
) -> None:
    """Generates jets with Pythia 8, a parquet file a class: w, top, qcd, quark, gluon.

    An interrupted call goes on where it stopped when it is given again. The same options give the same files, whatever
    the number of processes.

    Args:
        folder: where the files go.
        classes: of w, top, qcd, quark and gluon, with commas between them, or all.
        jets: of each class.
        seed: other seeds, other jets.
        energy: of the two protons, GeV.
        pt_min: GeV; the jets' transverse momentum is above.
        pt_max: GeV; and below.
        radius: of the anti-kt jets.
        detector: none, towers (calorimeter cells), or eflow (tracks and calorimeter): a parametrisation with the
            numbers of the Delphes CMS card, not Delphes.
        processes: how many at once; by default as many as there are processors.

    Raises:
        UsageError: an option makes no sense, the folder holds files of other settings, or a package is missing.
    """
    try:
        from suite_recnn.generation.production import CLASSES, Settings, produce
    except ModuleNotFoundError as error:
        raise UsageError(
            f"generating jets needs the package {error.name!r}. Install it with: pip install lightning-suite[recnn]"
        ) from error
    names = list(CLASSES) if classes == "all" else [name.strip() for name in classes.split(",") if name.strip()]
    settings = Settings(energy=energy, pt_min=pt_min, pt_max=pt_max, radius=radius, detector=detector)
    made = produce(Path(folder).expanduser(), names, jets, settings, seed=seed, processes=processes)
    rows = [
        [
            one.class_name,
            str(one.jets),
            str(one.events),
            "" if one.rate is None else f"{one.rate:.0f}",
            f"{_median_mass(one.path):.1f}",
            str(one.path),
        ]
        for one in made
    ]
    print(table(["class", "jets", "events", "jets/CPU s", "median mass (GeV)", "file"], rows))
    background = next((name for name in ("qcd", "quark") if name in names and len(names) > 1), None)
    if background:
        signal = next(name for name in names if name != background)
        classes_given = f"--data.signal {signal} --data.background {background}"
        print(f"next: suite fit --plugin recnn --data.path {shlex.quote(folder)} {classes_given}")
    else:
        print(f"next: suite observables {shlex.quote(str(made[0].path))}")


def observables(
    files: list[str],
    *,
    names: str = "all",
    jets: int | None = None,
    radius: float = 0.8,
    columns: dict[str, str] | None = None,
    output: str | None = None,
) -> None:
    """Measures masses, angularities and N-subjettiness of jets, and compares files.

    Prints mean, deviation and quartiles; writes one row a jet, a picture with a curve a file, and its numbers.

    Args:
        files: jets, as parquet, HDF5 or ROOT.
        names: observables, with commas between them, or all; also angularity_KAPPA_BETA for any angularity.
        jets: only so many of each file, from the first.
        radius: R of the jets; in files of events (Delphes) jets are found with it.
        columns: our names to the file's, for a file of another layout.
        output: the table, .parquet or .csv; by default NAME-observables.parquet in the working directory.

    Raises:
        UsageError: there is no observable of such a name, a value is out of its range, a file is given twice, or a
            package is missing.
        DataError: a file cannot be read, or holds what is no jet.
    """
    try:
        from suite_recnn import observables as measures
    except ModuleNotFoundError as error:
        raise UsageError(
            f"measuring jets needs the package {error.name!r}. Install it with: pip install lightning-suite[recnn]"
        ) from error
    wanted = list(measures.NAMES) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise UsageError(f"--names: expected all, or some of {', '.join(measures.NAMES)} with commas between them")
    for name in wanted:
        measures.observable(name)  # a mistake costs no reading
    if jets is not None and jets < 1:
        raise UsageError(f"--jets {jets}: expected at least 1")
    paths = [Path(file).expanduser() for file in files]
    labels = _file_labels(paths)
    default = f"{paths[0].stem}-observables.parquet" if len(paths) == 1 else "observables.parquet"
    written = Path(output or default).expanduser()
    distributions.check_suffix(written)
    measured: dict[str, distributions.Columns] = {}
    rows: dict[str, distributions.Columns] = {}
    for path, label in zip(paths, labels, strict=True):
        found = read(path, columns, definition=JetDefinition(radius=radius))
        if jets is not None and jets < len(found):
            found = found.take(np.arange(jets))
        with _bar(f"observables of {label}", len(found)) as progress:
            measured[label] = measures.table(found, wanted, radius=radius, progress=progress)
        rows[label] = {
            **{f"{name}_" if name == "file" else name: v for name, v in found.columns.items()},
            **measured[label],
        }
        print(f"{label}: {len(found):,} jets")
    print(f"\n{distributions.summary(measured)}\n")
    distributions.write(written, rows)
    picture = written.with_name(f"{written.stem}-histograms.png")
    numbers = distributions.write_histograms(picture, distributions.histograms(measured))
    print(f"table: {written}\npicture: {picture}\nnumbers: {numbers}\n")
    print(f"next: suite fit --plugin recnn --data.path {shlex.quote(str(paths[0].parent))}")


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, which what it gives moves on by so many; one line where nobody watches."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def _file_labels(paths: Sequence[Path]) -> list[str]:
    """What each file is called in tables and pictures: its name, or its whole path when names repeat.

    Raises:
        UsageError: a file is given twice.
    """
    if twice := [path for place, path in enumerate(paths) if path in paths[:place]]:
        raise UsageError(f"{twice[0]} is given twice")
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def _median_mass(path: Path) -> float:
    import pyarrow.parquet as pq

    return float(np.median(pq.read_table(path, columns=["jet_mass"])["jet_mass"].to_numpy()))
