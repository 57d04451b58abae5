"""Standard streams: a closed one becomes the null device, and a reader that goes does not end what is to last."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_suite import streams

PRELUDE = """
import os, sys
from lightning_suite import streams
streams.prepare()
"""


def ended(code: str, redirection: str, folder: Path) -> tuple[int, str]:
    """Run Python code whose standard streams the shell redirects; return the status and ``said``, which it writes."""
    command = f'"$0" -c "$1" {redirection}'
    done = subprocess.run(["sh", "-c", command, sys.executable, PRELUDE + code], cwd=folder, check=False)
    said = folder / "said"
    return done.returncode, said.read_text() if said.is_file() else ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<&- >&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    code = """
with open("said", "w") as file:
    print("to nobody", flush=True)
    print("to nobody", file=sys.stderr, flush=True)
    os.write(1, b"by a library")
    os.write(2, b"by a library")
    file.write(f"{file.fileno() > 2} {sys.stdin.read()!r}")
"""
    redirection = closed if "<" in closed else f"{closed} < /dev/null"
    assert ended(code, redirection, tmp_path) == (0, "True ''")


def test_a_stream_that_was_closed_after_the_start_is_the_null_device(tmp_path: Path) -> None:
    code = "os.close(1); streams.prepare(); print('to nobody', flush=True); open('said', 'w').write('went on')"
    assert ended(code, "", tmp_path) == (0, "went on")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: needs Linux")
def test_a_lasting_block_goes_on_when_the_output_is_full_and_what_follows_is_told(tmp_path: Path) -> None:
    code = """
with streams.lasting():
    print("lost", flush=True)
try:
    print("lost too", flush=True)
except OSError as error:
    open("said", "w").write(f"{error is streams.failure()} {error.strerror}")
streams.give_up_output()
"""
    assert ended(code, "> /dev/full", tmp_path) == (0, "True No space left on device")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: needs Linux")
def test_standard_error_never_raises(tmp_path: Path) -> None:
    assert ended("print('lost', file=sys.stderr)", "2> /dev/full", tmp_path) == (0, "")


def test_a_full_pipe_that_does_not_block_is_waited_for(tmp_path: Path) -> None:
    code = "os.set_blocking(1, False); print('x' * 300_000)"
    assert ended(f"{code}", "| (sleep 0.3; wc -c > said)", tmp_path) == (0, "300001\n")


def test_a_stream_that_someone_has_put_in_place_stays(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    streams.prepare()
    assert sys.stdout is before
    assert streams.failure() is None
    streams.give_up_output()
    print("seen")
    assert capsys.readouterr().out == "seen\n"


def test_preparing_twice_is_preparing_once(tmp_path: Path) -> None:
    code = "one = sys.stdout; streams.prepare(); open('said', 'w').write(str(one is sys.stdout))"
    assert ended(code, "", tmp_path) == (0, "True")


def test_what_was_printed_before_comes_first(tmp_path: Path) -> None:
    code = "import io; sys.stdout = io.TextIOWrapper(open(1, 'wb', closefd=False)); "
    code += "print('one'); streams.prepare(); print('two')"
    assert ended(code, "> said", tmp_path) == (0, "one\ntwo\n")


def test_a_terminal_is_still_one(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    code = PRELUDE + "print(sys.stdout.isatty(), sys.stdout.line_buffering, end='.')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, stdout=follower, check=True)
    assert os.read(leader, 100) == b"True True."
    os.close(follower)
    os.close(leader)
