"""What every test may ask for: a seed, the measured data sets, and the command.

Several test processes share a small machine, so each one, and each command it starts, computes with one thread.
Nothing heavy is imported here: a test file that needs no torch runs without it.
"""

import os
import random
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LIGHTNING_SUITE_CURVES"] = "numbers"  # a picture of each of hundreds of runs would take minutes

# A shell lets what it starts in the background ignore Ctrl-C, nohup lets it ignore the end of the session, and so would
# every process that a test interrupts.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(number, usual)

settings.register_profile("suite", deadline=None, print_blob=True)  # a deadline measures the machine, not the code
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


class Answer(NamedTuple):
    """What a command left behind: ``status, stdout, stderr = suite("list")``."""

    status: int
    stdout: str
    stderr: str


def ask(
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 240,
) -> Answer:
    """Run ``suite WORDS`` in a process of its own."""
    surroundings = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **(env or {})}
    done = subprocess.run(
        [sys.executable, "-m", "lightning_suite", *map(str, words)],
        cwd=cwd,
        env=surroundings,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Answer]:
    """The command, run in the test's own folder unless ``cwd=`` says otherwise; ``env=`` adds to the environment.

    Returns (status, stdout, stderr). The cache of fetched data files is the user's, so that a second run of the
    tests needs no network.
    """

    def run(
        *words: str | Path,
        cwd: Path = tmp_path,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 240,
    ) -> Answer:
        return ask(*words, cwd=cwd, env=env, stdin=stdin, timeout=timeout)

    return run


class Environment:
    """A virtual environment that also sees the packages of this one, so that installing into it needs no network."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        self.packages = next((folder / "lib").glob("python*/site-packages"))
        (self.packages / "outside.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
        )

    def install(self, source: Path) -> None:
        """Installs a distribution with pip."""
        words = ["install", "--no-build-isolation", "--no-deps", "--no-index", "--quiet", "."]
        self.run("-m", "pip", *words, cwd=source)

    def run(self, *words: str, cwd: Path) -> str:
        """What a Python command prints; the test fails with it when the command does."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}  # one row a plugin
        done = subprocess.run(
            [str(self.python), *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def new_environment() -> Callable[[Path, Path], Environment]:
    """Makes a virtual environment in a folder and installs a distribution into it."""

    def make(folder: Path, source: Path) -> Environment:
        made = Environment(folder)
        made.install(source)
        return made

    return make


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets to measure on, which lies beside a developer's checkout; the test skips without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: this test measures on real data sets that are not part of the repository")
    return folder


@pytest.fixture(autouse=True)
def seed() -> int:
    """Every test starts from the same state of every random number generator that is loaded."""
    number = 20180807  # the day the first plugin's paper appeared
    random.seed(number)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(number)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(number)
    return number
