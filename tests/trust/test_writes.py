"""Writes: each call that changes a file fails once, or from then on, and no half-written file has its final name.

A small library in C (failing_writes.c) stands before the system's functions. After each failure the command has either
done without what failed, or said in a few lines what could not be written and why; the same command, or ``--resume``,
then ends as if nothing had failed.
"""

import csv
import errno
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import forked
import pytest

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(3600)  # for full size

HERE = Path(__file__).resolve().parent
CAUSES = (errno.ENOSPC, errno.EIO, errno.EACCES)
FIT = ["fit", "--trainer.max_epochs", "2", "--runs", "runs", "--quiet", "--plugin"]


@dataclass(frozen=True)
class Case:
    """A command whose writes fail.

    Attributes:
        words: the command.
        again: the words that go on after a failure, for the folder that it was left in; None: the same command.
        result: of a folder in which the command has succeeded: what must not depend on a failure before.
        env: additions to the environment.
    """

    words: list[str]
    result: Callable[[Path], Any]
    again: Callable[[Path], list[str] | None] = lambda folder: None
    env: Mapping[str, str] = field(default_factory=dict)


class Trials:
    """Runs a command again and again in copies of one folder."""

    def __init__(self, case: Case, library: Path, template: Path, work: Path) -> None:
        self.case = case
        self.library = library
        self.template = template
        self.work = work
        status, _, self.said, self.calls, _ = self.run(self.fresh(), 0, 0, False)
        assert status == 0, self.said
        self.expected = case.result(self.folder)

    def fresh(self) -> Path:
        self.folder = self.work / "folder"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        return self.folder

    def run(self, folder: Path, nth: int, cause: int, goes_on: bool) -> tuple[int, str, str, int, str]:
        """Return status, output and error, how many calls there were, and which failed."""
        count, log = self.work / "count", self.work / "log"
        count.write_bytes(bytes(8))
        log.unlink(missing_ok=True)
        env = {
            "FAILING_ROOT": str(folder.resolve()),
            "FAILING_COUNT": str(count),
            "FAILING_LOG": str(log),
            "FAILING_NTH": str(nth),
            "FAILING_CAUSE": str(cause),
            "FAILING_ON": str(int(goes_on)),
            "LD_PRELOAD": str(self.library),  # for the processes that it starts
            **self.case.env,
        }
        status, output, error = forked.run_suite(self.case.words, cwd=folder, env=env, preload=self.library)
        failed = log.read_text() if log.exists() else ""
        return status, output, error, int.from_bytes(count.read_bytes(), "little"), failed

    def complaint(self, nth: int, cause: int, goes_on: bool) -> str:
        """Return what is wrong after the failure of the nth call; empty when all is as promised."""
        folder = self.fresh()
        status, _, error, _, failed = self.run(folder, nth, cause, goes_on)
        if not failed:
            return ""  # this time there were fewer calls
        number, what, path = failed.strip().split("\t")
        head = f"call {nth} ({what} of {path}: {os.strerror(int(number))}{', and all later' if goes_on else ''})"
        usual = set(self.said.splitlines())
        message = [line for line in error.splitlines() if line.strip() and line not in usual]
        text = "\n".join(message)
        wrong = []
        if status < 0 or status > 3:
            wrong.append(f"status {status}")
        if status and len(message) > 6:
            wrong.append(f"{len(message)} lines")
        if any(word in error for word in ("Traceback", "unexpected ", "--debug")):
            wrong.append("a traceback's words")
        causes = CAUSES if goes_on else [int(number)]  # the last of several may be told, which has its own
        if status and not any(os.strerror(cause) in text for cause in causes):
            wrong.append("no cause")
        written = [file.name for file in folder.rglob("*")] if goes_on else []  # the last of several may be told
        if status and not any(part in text for part in (*names_of(path, folder), *written)):
            wrong.append("no path")
        wrong += damaged(folder)
        if status == 0:
            wrong += [] if same(self.expected, self.case.result(folder)) else ["success with another result"]
        else:
            again = self.case.again(folder) or self.case.words
            env = self.case.env
            status, _, error = forked.run_suite(again, cwd=folder, env=env, preload=self.library)
            if status:
                wrong.append(f"cannot go on ({status}): {error[-500:]}")
            elif not same(self.expected, self.case.result(folder)):
                wrong.append("goes on to another result")
        return f"{head}: {'; '.join(wrong)}\n{text}" if wrong else ""


def names_of(path: str, folder: Path) -> Iterator[str]:
    """Names by which a message may call a file: its own, that which it would have got, or the folder's."""
    file = Path(path)
    yield file.name
    if file.name.startswith(".") and "-" in file.name:  # .name-123456.partial.suffix
        yield file.name[1:].rpartition("-")[0]
    if file.parent != folder:
        yield file.parent.name


def damaged(folder: Path) -> list[str]:
    """Name the files that cannot be read, and those that are unfinished and were not removed."""
    wrong = []
    for path in folder.rglob("*"):
        if path.is_dir() or path.name.endswith(".partial.jsonl"):
            continue
        if ".partial" in path.name:
            wrong.append(f"{path.name} was left behind")
            continue
        try:
            _read(path)
        except Exception as error:
            wrong.append(f"{path.name} is half written: {type(error).__name__}: {error}")
    return wrong


def _read(path: Path) -> None:
    match path.suffix:
        case ".ckpt":
            torch.load(path, weights_only=True)
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".csv":
            text = path.read_text(encoding="utf-8")
            assert text.endswith("\n"), "its last line has no end"
            assert len({len(row) for row in csv.reader(text.splitlines())}) <= 1, "rows of different lengths"
        case ".yaml":
            import yaml

            assert yaml.safe_load(path.read_text(encoding="utf-8"))
        case ".npz" | ".npy":
            import numpy

            numpy.load(path)
        case ".png":
            from PIL import Image

            Image.open(path).load()
        case ".parquet":
            import pyarrow.parquet

            pyarrow.parquet.read_table(path)


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal, bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


# The commands


def run_in(folder: Path) -> Path | None:
    """The one run in a folder, if any is left."""
    found = list((folder / "runs").glob("*/*"))
    assert len(found) <= 1
    return found[0] if found else None


def trained(folder: Path) -> dict[str, Any]:
    """What a training leaves: weights, metrics, and the names of its pictures."""
    run = run_in(folder)
    assert run is not None
    weights = {name: torch.load(run / "checkpoints" / name, weights_only=True)["state_dict"] for name in CHECKPOINTS}
    record = json.loads((run / "run.json").read_text())
    pictures = sorted(path.name for path in (run / "figures").iterdir())
    return {
        "weights": weights,
        "metrics": record["metrics"],
        "status": record["status"],
        "rows": (run / "metrics.csv").read_text(),
        "pictures": pictures,
    }


CHECKPOINTS = ("best.ckpt", "last.ckpt")


def resumed(folder: Path) -> list[str] | None:
    run = run_in(folder)
    return ["fit", "--resume", str(run.relative_to(folder)), "--quiet"] if run else None


def content(name: str, folder: Path) -> Any:
    return (folder / name).read_bytes()


def account(folder: Path) -> Any:
    """The files of a collection, which leave nothing unfinished."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def jets(folder: Path) -> Any:
    """The files of jets, which leave nothing unfinished."""
    import pyarrow.parquet

    return {str(path.relative_to(folder)): pyarrow.parquet.read_table(path) for path in folder.rglob("*.parquet")}


def check(trust: Any, trials: Trials, what: str, count: int) -> None:
    """Let some calls fail, or all where there are no more, and write the row."""
    numbers = range(1, trials.calls + 1)
    chosen = list(numbers) if count >= trials.calls else sorted(trust.random.sample(numbers, count))
    wrong = []
    for nth in chosen:
        cause, goes_on = trust.random.choice(CAUSES), trust.random.random() < 0.25
        if complaint := trials.complaint(nth, cause, goes_on):
            wrong.append(complaint)
    note = f"{trials.calls} calls that write in all"
    trust.outcome("Writes", what, trials=len(chosen), held=len(chosen) - len(wrong), note=note, failures=wrong)


def trials_of(case: Case, library: Path, tmp_path: Path, template: Path | None = None) -> Trials:
    if template is None:
        template = tmp_path / "template"
        template.mkdir()
    return Trials(case, library, template, tmp_path)


ALL = 100_000


@pytest.mark.parametrize(
    ("plugin", "small", "full"), [("dsa", 4, ALL), ("spectral", 1, 100), ("tweets", 0, 60), ("recnn", 0, 60)]
)
def test_fit(plugin: str, small: int, full: int, library: Path, tmp_path: Path, trust: Any) -> None:
    count = trust.size(small=small, full=full)
    if not count:
        pytest.skip("at full size only: make trust")
    case = Case([*FIT, plugin, "--recipe", "check"], trained, resumed)
    check(trust, trials_of(case, library, tmp_path), f"suite fit, {plugin}", count)


@pytest.mark.parametrize(("suffix", "small"), [(".csv", 2), (".jsonl", 0), (".parquet", 0)])
def test_predict(suffix: str, small: int, library: Path, tmp_path: Path, trust: Any) -> None:
    count = trust.size(small=small, full=ALL)
    if not count:
        pytest.skip("at full size only: make trust")
    template = tmp_path / "template"
    template.mkdir()
    words = ["fit", "--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs", "1", "--runs", "runs", "--quiet"]
    status, _, error = forked.run_suite(words, cwd=template, preload=library)
    assert status == 0, error
    run = run_in(template)
    assert run is not None
    shutil.copytree(run, template / "run")
    (template / "sentences.txt").write_text("a fine film\na dull film\n" * 400)
    case = Case(
        ["predict", "run", "sentences.txt", "--output", f"out{suffix}", "--quiet"],
        functools.partial(content, f"out{suffix}"),
    )
    trials = trials_of(case, library, tmp_path, template)
    check(trust, trials, f"suite predict, {suffix}", count)


def test_collect(library: Path, tmp_path: Path, trust: Any) -> None:
    specification = importlib.util.spec_from_file_location("x_api", HERE.parent / "suite_tweets" / "conftest.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    import sys

    sys.modules["x_api"] = module  # its dataclasses look for their module
    specification.loader.exec_module(module)
    api = module.Server()
    api.write(250)
    handler = type("Handler", (module._Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    env = {
        "LIGHTNING_SUITE_X_API": f"http://127.0.0.1:{server.server_address[1]}",
        "X_BEARER_TOKEN": module.TOKEN,
    }
    try:
        case = Case(["collect", "kosmos_ru", "--output", "kosmos.csv", "--quiet"], account, env=env)
        trials = trials_of(case, library, tmp_path)
        check(trust, trials, "suite collect, from the X API", trust.size(small=4, full=ALL))
    finally:
        server.shutdown()
        server.server_close()


def test_generate_jets(library: Path, tmp_path: Path, trust: Any) -> None:
    pytest.importorskip("pythia8mc")
    count = trust.size(small=0, full=12)
    if not count:
        pytest.skip("at full size only: make trust")
    words = ["generate-jets", "jets", "--classes", "w", "--jets", "20", "--detector", "none", "--processes", "1"]
    case = Case([*words, "--pthat_min", "450", "--quiet"], jets)
    check(trust, trials_of(case, library, tmp_path), "suite generate-jets", count)


# A disk that is really full


def test_a_full_disk(tmp_path: Path, trust: Any) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root alone")
    case = Case([*FIT, "dsa", "--recipe", "check"], trained, resumed)
    trials = trust.size(small=2, full=25)
    wrong = []
    try:
        status, _, said = forked.run_suite(case.words, cwd=disk)
        assert status == 0, said
        expected = case.result(disk)
        needed = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
        for _ in range(trials):
            shutil.rmtree(disk / "runs", ignore_errors=True)
            room = trust.random.randrange(4096, needed)
            (disk / "filling").write_bytes(b"x" * (shutil.disk_usage(disk).free - room))
            status, _, error = forked.run_suite(case.words, cwd=disk)
            message = [line for line in error.splitlines() if line.strip() and line not in said.splitlines()]
            complaints = damaged(disk)
            if status != 1 or len(message) > 6 or os.strerror(errno.ENOSPC) not in error:
                complaints.append(f"status {status}, {message}")
            (disk / "filling").unlink()
            again = case.again(disk) or case.words
            status, _, error = forked.run_suite(again, cwd=disk)
            if status or not same(expected, case.result(disk)):
                complaints.append(f"cannot go on ({status}): {error[-400:]}")
            if complaints:
                wrong.append(f"{room} bytes left: {'; '.join(complaints)}")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
    what = "suite fit, dsa: a full disk"
    trust.outcome("Writes", what, trials=trials, held=trials - len(wrong), failures=wrong)
