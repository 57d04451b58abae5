"""Surroundings: what a shell, a terminal, a file system or a clock may be like does not change what a command does.

Each trial is a command that ends as it does at home, or says in a few lines what cannot be.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import forked
import pytest

pytestmark = pytest.mark.timeout(1800)  # for full size

HERE = Path(__file__).resolve().parent
TINY: dict[str, str | None] = {"PYTHONPATH": str(HERE.parent / "lightning_suite")}
FIT = ["fit", "--plugin", "tiny:plugin", "--trainer.max_epochs", "2", "--runs"]


def finished(runs: Path) -> bool:
    """Whether the only run in a folder of runs has finished, with the metrics of its test."""
    (run,) = (runs / "tiny").iterdir()
    record = json.loads((run / "run.json").read_text())
    return record["status"] == "finished" and "test_loss" in record["metrics"]


def row(trust: Any, what: str, wrong: Sequence[str]) -> None:
    failures = [text for text in wrong if text]
    trust.outcome("Surroundings", what, trials=len(wrong), held=len(wrong) - len(failures), failures=failures)


def fit(folder: Path, runs: str | Path = "runs", env: Mapping[str, str | None] | None = None, **options: Any) -> Any:
    """Train in a folder with changes of the surroundings."""
    return forked.start_suite([*FIT, runs], cwd=folder, env={**TINY, **(env or {})}, **options).wait()


def complaint(what: str, answer: Any, runs: Path, status: int = 0) -> str:
    """Return what is wrong with a training that should finish with a status."""
    if answer.status != status or "Traceback" in answer.stderr:
        return f"{what}: status {answer.status}\n{answer.stderr[-1500:]}"
    return "" if finished(runs) else f"{what}: not finished"


def refusal(what: str, answer: Any, named: str) -> str:
    """Return what is wrong with a message that should name something, in a few lines."""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    held = answer.status == 1 and named in answer.stderr and len(lines) <= 6 and "Traceback" not in answer.stderr
    return "" if held and "--debug" not in answer.stderr else f"{what}: status {answer.status}\n{answer.stderr[-1500:]}"


def test_closed_streams(tmp_path: Path, trust: Any) -> None:
    sets = [[0, 1, 2], [1], [0], [2], [0, 1], [1, 2], [0, 2]][: trust.size(small=2, full=7)]
    wrong = []
    for closed in sets:
        runs = tmp_path / "".join(map(str, closed))
        wrong.append(complaint(f"closed {closed}", fit(tmp_path, runs, closed=closed), runs))
    row(trust, "closed standard streams", wrong)


def test_a_reader_that_is_gone_and_a_full_device(tmp_path: Path, trust: Any) -> None:
    wrong = []
    ours, theirs = os.pipe()
    os.close(ours)
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        cases = [
            ("no reader", {"stdout": theirs}, 141),
            ("full output", {"stdout": full.fileno()}, 1),
            ("no reader of both", {"stdout": theirs, "stderr": theirs}, 141),
            ("full error", {"stderr": full.fileno()}, 0),
        ]
        for number, (what, options, status) in enumerate(cases[: trust.size(small=3, full=4)]):
            runs = tmp_path / str(number)
            wrong.append(complaint(what, fit(tmp_path, runs, **options), runs, status))
    os.close(theirs)
    row(trust, "a reader that is gone, a full device", wrong)


def test_variables(tmp_path: Path, trust: Any) -> None:
    cases: list[dict[str, str | None]] = [
        {"HOME": None, "XDG_CACHE_HOME": None, "USER": None, "LOGNAME": None},
        {"TERM": "dumb", "NO_COLOR": None, "COLUMNS": "1"},
        {"HOME": "/nowhere", "TMPDIR": "/proc"},
        {"TERM": None, "COLUMNS": "a"},
        {"NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "0"},
        {"TMPDIR": "/nowhere", "LIGHTNING_SUITE_CACHE": "/proc/nothing"},
        {"PATH": "/nowhere"},
        {"LINES": "-1", "COLUMNS": "-1"},
    ]
    wrong = []
    for number, env in enumerate(cases[: trust.size(small=3, full=len(cases))]):
        runs = tmp_path / str(number)
        wrong.append(complaint(f"{env}", fit(tmp_path, runs, env), runs))
    row(trust, "no HOME, TERM, TMPDIR, PATH, and the like", wrong)


def test_names_of_folders(tmp_path: Path, trust: Any) -> None:
    long = "/".join(["long" * 50] * 15)
    names = ["прогоны 实验 é", long, " --quiet", "a\nb", "a'b\"c$d`e", "[bold]{x}%s", os.fsdecode(b"latin-\xe9"), "🦔"]
    wrong = []
    for name in names[: trust.size(small=2, full=len(names))]:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        answer = fit(folder)
        text = complaint(repr(name[:40]), answer, folder / "runs")
        if not text:
            (run,) = (folder / "runs" / "tiny").iterdir()
            tested = forked.run_suite(["test", run, "--quiet"], cwd=tmp_path, env=TINY)
            text = "" if tested.status == 0 else f"{name[:40]!r}: cannot be tested\n{tested.stderr[-1500:]}"
        wrong.append(text)
    row(trust, "non-ASCII, very long and odd paths", wrong)


def test_folders_that_cannot_be_written(tmp_path: Path, trust: Any) -> None:
    (tmp_path / "file").write_text("")
    too_long = "x" * 300
    names = ["/proc/runs", "file", too_long, "file/below"]
    wrong = [refusal(name[:40], fit(tmp_path, name), name) for name in names[: trust.size(small=2, full=4)]]
    row(trust, "a folder of runs that cannot be written", wrong)


def test_a_cache_that_cannot_be_written(tmp_path: Path, trust: Any) -> None:
    """Jets in a folder that is not writable, and a cache that is not either: the trees are clustered each time."""
    if trust.size(small=0, full=1) == 0:
        pytest.skip("at full size only: make trust")
    words = ["fit", "--plugin", "recnn", "--recipe", "check", "--trainer.max_epochs", "1", "--runs", "runs", "--quiet"]
    answer = forked.run_suite(words, cwd=tmp_path, env={"LIGHTNING_SUITE_CACHE": "/proc/nothing"})
    row(trust, "a cache that cannot be written", ["" if answer.status == 0 else answer.stderr])


def test_another_start_of_python(tmp_path: Path, trust: Any) -> None:
    """What Python and the libraries read when they start: locale, umask, limits, warnings."""
    suite = f"'{sys.executable}' -m lightning_suite {' '.join(FIT)}"
    shells = [
        f"umask 077; ulimit -n 64; LC_ALL=C PYTHONIOENCODING= {suite}",
        f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {suite}",
        f"LC_ALL=xx_XX.nothing LANG= {suite}",
        f"PYTHONWARNINGS=error::UserWarning {suite}",
        f"PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 {suite}",
        f"PYTHONOPTIMIZE=2 {suite}",
        f"ulimit -s 1024; {suite}",
    ]
    wrong = []
    environment = {**os.environ, "PYTHONPATH": f"{TINY['PYTHONPATH']}:{os.environ.get('PYTHONPATH', '')}"}
    for number, shell in enumerate(shells[: trust.size(small=1, full=len(shells))]):
        runs = tmp_path / f"прогоны{number}"
        done = subprocess.run(
            ["sh", "-c", f"{shell} '{runs}'"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
        )
        answer = forked.Answer(done.returncode, "", done.stderr.decode(errors="replace"))
        wrong.append(complaint(shell, answer, runs))
        if number == 0 and not wrong[0]:
            modes = {oct(path.stat().st_mode & 0o077) for path in runs.rglob("*")}
            wrong[0] = "" if modes == {"0o0"} else f"umask 077: others may read, {modes}"
    row(trust, "C locale, umask, few open files, warnings", wrong)


def test_two_trainings_at_once(tmp_path: Path, trust: Any) -> None:
    """Several that begin in one second have folders of their own."""
    count = trust.size(small=2, full=6)
    started = [forked.start_suite([*FIT, "runs"], cwd=tmp_path, env=TINY) for _ in range(count)]
    answers = [one.wait() for one in started]
    folders = list((tmp_path / "runs" / "tiny").iterdir())
    done = [json.loads((folder / "run.json").read_text())["status"] for folder in folders]
    held = [answer.status for answer in answers] == [0] * count and done == ["finished"] * count
    row(trust, f"{count} trainings that begin at once", ["" if held else f"{answers}\n{folders}\n{done}"])


def test_a_clock_that_goes_back(library: Path, tmp_path: Path, trust: Any) -> None:
    """By a day, when the first checkpoint is there; and the run goes on before it has begun."""
    if not trust.is_full:
        pytest.skip("at full size only: make trust")
    env = {**TINY, "CLOCK_BACK": "86400", "CLOCK_FILE": f"{tmp_path}/runs/tiny/*/checkpoints/last.ckpt"}
    answer = forked.run_suite([*FIT, "runs"], cwd=tmp_path, env=env, preload=library)
    wrong = [complaint("back by a day", answer, tmp_path / "runs")]
    (run,) = (tmp_path / "runs" / "tiny").iterdir()
    record = json.loads((run / "run.json").read_text())
    took = record["fit_seconds"]
    wrong.append("" if 0 <= took < 600 else f"fit_seconds {took}")
    wrong.append("" if record["finished"] < record["started"] else "the clock did not go back: the trial tried nothing")
    words = ["fit", "--resume", run, "--trainer.max_epochs", "3"]
    answer = forked.run_suite(words, cwd=tmp_path, env=env, preload=library)
    wrong.append(complaint("goes on before it has begun", answer, tmp_path / "runs"))
    row(trust, "a clock that goes back", wrong)
