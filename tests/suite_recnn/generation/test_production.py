"""Generation by Pythia, in tiny samples: the same whatever the processes and interruptions, and matched to partons."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from lightning_suite.errors import DataError, OutputError, UsageError
from suite_recnn.generation.files import SCHEMA
from suite_recnn.generation.production import CLASSES, Settings, generate, produce
from suite_recnn.jets import Jets, kinematics

TINY = Settings(detector="none", events_per_chunk=8, pthat_min=450.0)
JETS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """W and top jets made by two processes, and gluon jets that a detector saw."""
    folder = tmp_path_factory.mktemp("jets")
    generate(folder, ["w", "top"], JETS, TINY, seed=3, processes=2)
    generate(folder, ["gluon"], JETS, replace(TINY, detector="eflow"), seed=3, processes=1)
    return folder


@pytest.fixture(scope="module")
def w(folder: Path) -> pa.Table:
    return pq.read_table(folder / "w_particle_s3.parquet")


@pytest.fixture(scope="module")
def top(folder: Path) -> pa.Table:
    return pq.read_table(folder / "top_particle_s3.parquet")


def column(table: pa.Table, name: str) -> NDArray[Any]:
    values: NDArray[Any] = table[name].to_numpy()
    return values


def jets_of(table: pa.Table) -> Jets:
    lists = table["constituents"].combine_chunks()
    inner = lists.flatten()
    momenta = np.stack([inner.field(name).to_numpy().astype(np.float64) for name in ("px", "py", "pz", "E")], axis=1)
    counts = lists.value_lengths().to_numpy()
    return Jets(momenta, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_a_file_a_class_is_written_with_so_many_jets(folder: Path) -> None:
    names = {"w_particle_s3.parquet", "top_particle_s3.parquet", "gluon_eflow_s3.parquet"}
    assert {path.name for path in folder.iterdir()} == names
    assert {pq.read_metadata(folder / name).num_rows for name in names} == {JETS}


def test_the_files_do_not_depend_on_the_number_of_processes(folder: Path, tmp_path: Path) -> None:
    generate(tmp_path, ["top", "w"], JETS, TINY, seed=3, processes=1)
    expected = {name: content for name, content in digests(folder).items() if "particle" in name}
    assert digests(tmp_path) == expected


def test_a_killed_call_goes_on_and_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from suite_recnn.generation.production import Settings, generate\n"
        "if __name__ == '__main__':\n"
        f"    settings = Settings(detector='none', events_per_chunk={TINY.events_per_chunk}, pthat_min=450.0)\n"
        f"    generate(Path('jets'), ['w', 'top'], {JETS}, settings, seed=3, processes=1)\n"
    )
    script = tmp_path / "call.py"
    script.write_text(code)
    call = subprocess.Popen(
        [sys.executable, script],
        cwd=tmp_path,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    parts = tmp_path / "jets" / ".w_particle_s3.parquet.parts"
    for _ in range(6000):
        if list(parts.glob("chunk-*.parquet")) or call.poll() is not None:
            break
        time.sleep(0.01)
    os.killpg(call.pid, signal.SIGKILL)
    call.wait()
    assert digests(tmp_path / "jets") == {}, "the call was not killed in the midst of its work"
    assert list(parts.glob("chunk-*.parquet"))
    again = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "w_particle_s3.parquet: goes on from " in again.stderr
    expected = {name: content for name, content in digests(folder).items() if "particle" in name}
    assert digests(tmp_path / "jets") == expected
    assert len(list((tmp_path / "jets").iterdir())) == 2, "parts are left behind"


def test_a_finished_file_of_the_same_settings_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "w_particle_s3.parquet").stat()
    (file,) = produce(folder, ["w"], JETS, TINY, seed=3)
    assert file.jets == JETS and file.rate is None
    assert (folder / "w_particle_s3.parquet").stat().st_mtime_ns == before.st_mtime_ns
    assert f"kept, its {JETS} jets" in capsys.readouterr().err
    generate(folder, ["w"], JETS, TINY, seed=3)  # what a run asks for each time
    assert capsys.readouterr().err == ""


def test_a_finished_file_of_other_settings_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"pt_max 700\.0 there, 800\.0 now"):
        generate(folder, ["w"], JETS, replace(TINY, pt_max=800.0), seed=3)


def test_a_finished_file_with_too_few_jets_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=f"{JETS} jets there, {JETS + 1} now"):
        generate(folder, ["w"], JETS + 1, TINY, seed=3)


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w_particle_s3.parquet").write_text("jets")
    with pytest.raises(DataError, match=r"w_particle_s3\.parquet: not a parquet file"):
        generate(tmp_path, ["w"], JETS, TINY, seed=3)


def test_a_file_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"event": [1]}), tmp_path / "w_particle_s3.parquet")
    with pytest.raises(UsageError, match="does not say how its jets were made"):
        generate(tmp_path, ["w"], JETS, TINY, seed=3)


def test_the_settings_stand_in_the_metadata(folder: Path) -> None:
    stored = json.loads(pq.read_schema(folder / "top_particle_s3.parquet").metadata[b"lightning_suite"])
    assert Settings(**stored["settings"]) == TINY
    assert (stored["class"], stored["seed"], stored["jets"]) == ("top", 3, JETS)
    assert stored["events"] % TINY.events_per_chunk == 0
    assert set(stored["versions"]) == {"pythia8mc", "fastjet"}


def test_the_columns_are_those_that_readers_expect(top: pa.Table) -> None:
    assert top.schema.equals(SCHEMA)
    assert set(top["sample"].to_pylist()) == {"top"}
    assert set(column(top, "label")) == {CLASSES.index("top")}
    assert set(column(top, "seed")) == {3}


def test_jets_are_within_the_window_and_are_the_sum_of_their_constituents(w: pa.Table, top: pa.Table) -> None:
    for table in (w, top):
        of_jet = kinematics(jets_of(table).totals())
        for values, name in zip(of_jet, ("jet_pt", "jet_eta", "jet_phi", "jet_mass"), strict=True):
            np.testing.assert_allclose(values, column(table, name), rtol=1e-5, atol=1e-5)
        assert ((column(table, "jet_pt") > 500) & (column(table, "jet_pt") < 700)).all()
        assert (np.abs(column(table, "jet_eta")) < 2).all()


def test_the_hardest_constituent_comes_first(top: pa.Table) -> None:
    jets = jets_of(top)
    pt = np.hypot(jets.momenta[:, 0], jets.momenta[:, 1])
    inside = np.ones(len(pt) - 1, bool)
    inside[jets.offsets[1:-1] - 1] = False
    assert (np.diff(pt)[inside] <= 0).all()


def test_events_are_not_shared_between_chunks(w: pa.Table) -> None:
    events = column(w, "event")
    assert (np.diff(events) >= 0).all()
    assert np.unique(events, return_counts=True)[1].max() <= 2
    assert events.max() >= TINY.events_per_chunk


def test_jets_are_matched_to_their_partons(w: pa.Table, top: pa.Table) -> None:
    assert set(np.abs(column(w, "truth_id"))) == {24}
    assert set(np.abs(column(top, "truth_id"))) == {6}
    for table in (w, top):
        assert (column(table, "truth_dr") < TINY.matching_radius).all()
        assert np.median(column(table, "jet_pt") / column(table, "truth_pt")) == pytest.approx(1, abs=0.05)


def test_jets_that_hold_all_quarks_have_the_mass_of_what_decayed(w: pa.Table, top: pa.Table) -> None:
    for table, mass in ((w, 80.4), (top, 172.5)):
        contained = column(table, "contained")
        assert contained.mean() > 0.3
        assert np.median(column(table, "jet_mass")[contained]) == pytest.approx(mass, abs=20)


def test_a_detector_reports_only_what_it_can_tell(folder: Path) -> None:
    table = pq.read_table(folder / "gluon_eflow_s3.parquet")
    kinds = {constituent["pid"] for jet in table["constituents"].to_pylist() for constituent in jet}
    assert {22, 130, 211, -211} <= kinds <= {11, -11, 13, -13, 22, 130, 211, -211}
    assert set(column(table, "truth_id")) == {21}
    assert not column(table, "contained").any()


def test_an_unknown_class_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'top'"):
        generate(Path("jets"), ["topp"], 10, TINY)


@pytest.mark.parametrize(("jets", "processes"), [(0, 1), (10, 0)])
def test_numbers_that_are_not_positive_are_refused(jets: int, processes: int) -> None:
    with pytest.raises(UsageError, match=r"a whole number of 1 or more.*, got 0"):
        generate(Path("jets"), ["w"], jets, TINY, processes=processes)


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("filelock.FileLock.acquire", full)
    with pytest.raises(OutputError, match=r"\.generating\.lock cannot be written: Input/output error"):
        generate(tmp_path, ["w"], 1, TINY)


def test_two_calls_into_one_folder_take_turns(tmp_path: Path) -> None:
    call = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from suite_recnn.generation.production import Settings, generate\n"
        "if __name__ == '__main__':\n"
        "    settings = Settings(detector='none', events_per_chunk=8, pthat_min=450.0)\n"
        "    generate(Path(sys.argv[1]), ['w'], 12, settings, processes=1)\n"
    )
    program = tmp_path / "program.py"
    program.write_text(call, encoding="utf-8")
    calls = [
        subprocess.Popen([sys.executable, program, tmp_path / "jets"], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    messages = [call.communicate()[1] for call in calls]
    assert [call.returncode for call in calls] == [0, 0], messages
    assert [path.name for path in (tmp_path / "jets").iterdir()] == ["w_particle_s1.parquet"]
    assert sum("another call generates jets" in message for message in messages) == 1
