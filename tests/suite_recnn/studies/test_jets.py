"""The commands on jets, called as the command line calls them."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow
import pytest
import uproot
from pyarrow import parquet

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import call
from suite_recnn.generation import production
from suite_recnn.generation.production import CLASSES, GeneratedFile, Settings
from suite_recnn.jets import Jets
from suite_recnn.observables.table import OBSERVABLES, table
from suite_recnn.sources.reading import read
from suite_recnn.studies import jets as studies


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of few events: the command makes samples of thousands of jets."""
    produce = production.produce

    def of_short_chunks(
        folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int, processes: int | None
    ) -> list[GeneratedFile]:
        return produce(folder, classes, jets, replace(settings, events_per_chunk=8), seed=seed, processes=processes)

    monkeypatch.setattr(production, "produce", of_short_chunks)


def test_generate_jets_writes_its_files_and_says_what_is_next(
    short_chunks: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.generate_jets(str(tmp_path), classes="w, qcd", jets=5, detector="none", processes=1)
    output = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in output[2:4]] == ["w", "qcd"]
    assert [line.split()[1] for line in output[2:4]] == ["5", "5"]
    assert [line.split()[-1] for line in output[2:4]] == [
        str(tmp_path / f"{name}_particle_s1.parquet") for name in ("w", "qcd")
    ]
    expected = f"next: suite fit --plugin recnn --data.path {tmp_path} --data.signal w --data.background qcd"
    assert output[4:] == [expected]


def test_all_is_every_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def produce(folder: Path, classes: list[str], *_: object, **__: object) -> list[object]:
        asked.extend(classes)
        raise UsageError("no more is wanted")

    monkeypatch.setattr(production, "produce", produce)
    with pytest.raises(UsageError, match="no more"):
        studies.generate_jets(str(tmp_path), classes="all")
    assert asked == list(CLASSES)


def test_the_command_refuses_an_unknown_class(suite: Callable[..., Any]) -> None:
    answer = suite("generate-jets", "jets", "--classes", "w,gluons", "--plugin", "suite_recnn:plugin")
    assert answer.status == 2
    assert (
        "class of jets: expected one of w, top, qcd, quark, gluon, got 'gluons'" in answer.stderr
        and "Did you mean 'gluon'?" in answer.stderr
    )


def test_ctrl_c_says_that_the_same_command_goes_on(tmp_path: Path) -> None:
    words = "generate-jets jets --classes w --jets 100000 --processes 1 --detector none --plugin suite_recnn:plugin"
    call = subprocess.Popen(
        [sys.executable, "-m", "lightning_suite", *words.split()],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    parts = tmp_path / "jets" / ".w_particle_s1.parquet.parts"
    for _ in range(3000):
        if parts.exists() or call.poll() is not None:
            break
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(call.pid, signal.SIGINT)  # as a terminal does: to the processes that generate, too
    _, errors = call.communicate(timeout=60)
    assert call.returncode == 130
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors


# suite observables


def write(path: Path, jets: Jets) -> None:
    """A file of our layout."""
    names = ["px", "py", "pz", "E"]
    rows = [dict(zip(names, momentum, strict=True)) for momentum in jets.momenta.tolist()]
    bounds = zip(jets.offsets[:-1], jets.offsets[1:], strict=True)
    parquet.write_table(
        pyarrow.table({"constituents": [rows[first:end] for first, end in bounds], **jets.columns}), path
    )


@pytest.fixture
def two_files(tmp_path: Path, make_jets: Callable[..., Jets], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files of 4 and 3 jets, in a folder beside the working directory."""
    files = []
    for place, counts in enumerate(([3, 1, 20, 8], [5, 2, 30])):
        jets = make_jets(counts, seed=place)
        jets.columns["label"] = np.full(len(jets), place)
        files.append(tmp_path / "jets" / f"class{place}.parquet")
        files[-1].parent.mkdir(exist_ok=True)
        write(files[-1], jets)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return files


def observables(*words: str | Path) -> None:
    call(studies.observables, [str(word) for word in words], prog="suite observables")


def test_every_observable_of_every_jet_is_written(two_files: list[Path]) -> None:
    observables(*two_files)
    written = parquet.read_table("observables.parquet").to_pydict()
    assert written["file"] == ["class0"] * 4 + ["class1"] * 3
    assert written["label"] == [0] * 4 + [1] * 3
    expected = [table(read(file)) for file in two_files]
    for name in OBSERVABLES:
        np.testing.assert_array_equal(written[name], np.concatenate([values[name] for values in expected]))


def test_the_means_are_printed_and_what_comes_next(two_files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    observables(*two_files, "--names", "multiplicity")
    out = capsys.readouterr().out
    words = [line.split() for line in out.splitlines()]
    assert ["multiplicity", "class0", "8", "7.382", "2.5", "5.5", "11"] in words
    assert out.splitlines()[-1].startswith("next: suite ")


def test_the_picture_has_its_numbers_beside_it(two_files: list[Path]) -> None:
    observables(*two_files, "--names", "mass,angularity_1_0.5")
    assert Path("observables-histograms.png").read_bytes().startswith(b"\x89PNG")
    with Path("observables-histograms.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["observable"] for row in rows} == {"mass", "angularity_1_0.5"}
    assert sum(int(row["jets"]) for row in rows if row["observable"] == "mass") == 7


def test_the_table_of_one_file_has_its_name(two_files: list[Path]) -> None:
    observables(two_files[0], "--jets", "2", "--names", "mass")
    assert parquet.read_table("class0-observables.parquet").num_rows == 2


def test_the_table_is_csv_where_its_name_says_so(two_files: list[Path]) -> None:
    observables("--output", "new/table.csv", *two_files, "--names=mass")
    assert len(Path("new/table.csv").read_text(encoding="utf-8").splitlines()) == 8
    assert sorted(path.name for path in Path("new").iterdir()) == [
        "table-histograms.csv",
        "table-histograms.png",
        "table.csv",
    ]


def test_the_radius_scales_the_distances(two_files: list[Path]) -> None:
    for radius in ("0.4", "0.8"):
        observables(two_files[0], "--names", "width", "--radius", radius, "--output", f"{radius}.parquet")
    narrow, wide = (parquet.read_table(f"{radius}.parquet")["width"].to_numpy() for radius in ("0.4", "0.8"))
    np.testing.assert_allclose(narrow, 2 * wide, atol=1e-12)


def test_files_of_one_name_are_distinguished_by_their_folder(two_files: list[Path], tmp_path: Path) -> None:
    twin = two_files[1].rename(tmp_path / "class0.parquet")
    observables(two_files[0], twin, "--names", "mass")
    assert set(parquet.read_table("observables.parquet")["file"].to_pylist()) == {str(two_files[0]), str(twin)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--names", "mas"], "Did you mean 'mass'"),
        (["--names", ","], "--names: expected all"),
        (["--jets", "0"], "--jets: expected a whole number of 1 or more, or null, got 0"),
        (["--output", "table.txt"], "got '.txt'"),
        (["--radius", "0"], "--radius: expected a number between 0 and pi / 2, got 0"),
        (["--eta_max", "0"], "--eta_max: expected a number above 0, got 0"),
        (["--pt_min", "800"], "pt_min and pt_max: expected the first below the second"),
        (["--unit", "TeV"], "--unit: expected 'GeV' or 'MeV', got 'TeV'"),
    ],
)
def test_a_mistake_in_an_option_writes_nothing(options: list[str], message: str, two_files: list[Path]) -> None:
    with pytest.raises(UsageError, match=message):
        observables(*two_files, *options)
    assert not list(Path().iterdir())


def test_jets_without_constituents_are_left_out_and_counted(
    tmp_path: Path, make_jets: Callable[..., Jets], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("gaps.parquet"), make_jets([3, 0, 5, 0]))
    observables("gaps.parquet", "--names", "multiplicity")
    assert "gaps: left out: 2 jets without constituents\ngaps: 2 jets\n" in capsys.readouterr().out
    assert parquet.read_table("gaps-observables.parquet")["multiplicity"].to_pylist() == [3, 5]


def test_a_file_in_mev_has_the_same_observables(two_files: list[Path]) -> None:
    mev = two_files[0].with_name("mev.parquet")
    jets = read(two_files[0])
    write(mev, Jets(1000 * jets.momenta, jets.offsets))
    observables(two_files[0], "--names", "mass", "--output", "gev.parquet")
    observables(mev, "--names", "mass", "--output", "mev.parquet", "--unit", "MeV")
    gev, mev_too = (parquet.read_table(name)["mass"].to_numpy() for name in ("gev.parquet", "mev.parquet"))
    np.testing.assert_allclose(mev_too, gev, rtol=1e-9)


def test_the_window_of_the_jets_in_events_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    branches = {"EFlowTrack": ("PT", "Eta", "Phi"), "EFlowPhoton": ("ET", "Eta", "Phi")}
    branches["EFlowNeutralHadron"] = branches["EFlowPhoton"]
    values = {"PT": 100.0, "ET": 30.0, "Eta": 2.2, "Phi": 1.0}
    columns = {
        f"{kind}.{name}": ak.values_astype(ak.Array([[values[name]]]), np.float32)
        for kind, names in branches.items()
        for name in names
    }
    with uproot.recreate("events.root") as file:
        types = dict.fromkeys(columns, "var * float32")
        file.mktree("Delphes", types, counter_name=lambda name: f"n{name}").extend(columns)
    with pytest.raises(DataError, match=r"jet of 500 to 700 .*\|eta\| below 2 and 3 .*window: --pt_min, --pt_max"):
        observables("events.root", "--names", "mass")
    observables("events.root", "--names", "mass,multiplicity", "--pt_min=100", "--eta_max=3", "--constituents_min=2")
    assert parquet.read_table("events-observables.parquet")["multiplicity"].to_pylist() == [3]


def test_errors_in_a_file_name_the_options_of_the_verb(two_files: list[Path]) -> None:
    with pytest.raises(DataError, match=r"there is no column 'mass'(.|\n)*, for instance --columns '"):
        observables(two_files[0], "--columns", "{px: mass, py: mass, pz: mass, energy: mass}")


def test_a_file_given_twice_is_refused(two_files: list[Path]) -> None:
    with pytest.raises(UsageError, match=r"class0.parquet is named twice; expected different files"):
        observables(two_files[0], two_files[0])


def test_a_file_that_is_absent_is_named(two_files: list[Path]) -> None:
    with pytest.raises(DataError, match=r"absent.parquet: there is no such file"):
        observables("absent.parquet")
