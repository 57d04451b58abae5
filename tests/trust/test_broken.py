"""A broken plugin harms only itself: the others are listed, described and fitted, and it is explained.

The commands run in forks; what they start to look at records is started as the shell would.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import broken_plugins
import pytest
from broken_plugins import FAILING, KINDS, NOTHING, Broken
from forked import Answer, run_suite

from lightning_suite.plugins import find, trial

SECONDS = 2.0
"""For the import of a plugin: a hanging one takes as long."""

MODULE = """
from pytorch_lightning import LightningModule


class Net(LightningModule):
    def __init__(self, size: int = 3) -> None:
        super().__init__()
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every broken plugin, and with one that works."""
    folder = tmp_path_factory.mktemp("house")
    for kind in KINDS:
        broken_plugins.install(kind, folder)
    return add_calm(folder)


@pytest.fixture
def light_path(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The house on the search path, with a pytorch_lightning of two empty classes, for our treatment is tested."""
    package = tmp_path / "pytorch_lightning"
    package.mkdir()
    (package / "__init__.py").write_text("class LightningModule: pass\n\n\nclass LightningDataModule: pass\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(house), *sys.path])
    yield


def add_calm(folder: Path) -> Path:
    """Add the plugin that works."""
    broken_plugins.write(folder, "calm_plugin", "calm", Broken(NOTHING, files={"module.py": MODULE}))
    return folder


def suite(*words: str, house: Path) -> Answer:
    """Run a command where the plugins of a house are installed."""
    return run_suite(words, cwd=house.parent, env={"PYTHONPATH": str(house), "COLUMNS": None}, timeout=60)


def wrong_with(answer: Answer, *parts: str, statuses: tuple[int, ...] = (0,), lines: int = 8) -> str:
    """Return what an answer is not that it should be; "" for a good one."""
    if answer.status not in statuses or "Traceback" in answer.stderr or len(answer.stderr.splitlines()) > lines:
        return f"ended with {answer.status}: {answer.stderr}"
    missing = [part for part in parts if part not in answer.stdout]
    return f"{missing} are not in {answer.stdout}" if missing else ""


def harm_in(house: Path, listed: Answer | None = None) -> str:
    """Return what is wrong with the verbs of the plugins that work, where others are broken."""
    listed = listed or suite("list", house=house)
    states = {line.split()[0]: line.split()[-1] for line in listed.stdout.splitlines() if line.strip()}
    not_ok = [name for name in ("calm", "dsa", "recnn", "spectral", "tweets") if states.get(name) != "ok"]
    return (
        wrong_with(listed, lines=0)
        or (f"{not_ok} are not ok: {listed.stdout}" if not_ok else "")
        or wrong_with(suite("info", "calm", house=house), "The plugin calm_plugin", "next: suite fit", lines=0)
        or wrong_with(suite("fit", "--plugin", "calm", "--print-config", house=house), "size: 3", lines=0)
    )


def test_all_broken_plugins_at_once_harm_no_other(trust: Any, house: Path) -> None:
    began = time.monotonic()
    listed = suite("list", house=house)
    harm = harm_in(house, listed)
    rows = [name for name in map(broken_plugins.name_of, KINDS) if f"\n{name} " in f"\n{listed.stdout}"]
    note = f"together in {time.monotonic() - began:.0f} s"
    trust.outcome(
        "Broken",
        "listed, and the others are listed, described and fitted",
        trials=len(KINDS),
        held=0 if harm else len(rows),
        note=note,
        failures=[harm],
    )


def test_every_broken_plugin_is_explained_by_doctor(trust: Any, light_path: None) -> None:
    kinds = chosen(trust, small=49)
    origins = {origin.name: origin for origin in find.installed()}
    with ThreadPoolExecutor(4) as pool:  # a hanging one only waits
        results = list(pool.map(lambda kind: trial.run(origins[broken_plugins.name_of(kind)], SECONDS), kinds))
    failures = []
    for kind, result in zip(kinds, results, strict=True):
        seen = "\n".join([result.warning, *(f"{fault.cause} | {fault.repair}" for fault in result.faults)])
        said = KINDS[kind].said
        if (said not in seen) if said else seen.strip():
            failures.append(f"{kind}: expected {said or 'nothing'!r}, got {seen}")
    trust.outcome(
        "Broken",
        "explained by doctor",
        trials=len(kinds),
        held=len(kinds) - len(failures),
        note=f"{sum(not KINDS[kind].said for kind in kinds)} only changed what all share, and work",
        failures=failures,
    )


@pytest.mark.timeout(1800)
def test_every_broken_plugin_describes_itself_or_says_why_not(trust: Any, house: Path) -> None:
    kinds = [
        kind for kind in chosen(trust, small=10) if ":" not in (name := broken_plugins.name_of(kind)) and name != "x.py"
    ]
    failures = []
    for kind in kinds:
        answer = suite("info", broken_plugins.name_of(kind), house=house)
        if wrong := wrong_with(answer, statuses=(0, 3)):
            failures.append(f"{kind}: {wrong}")
        elif answer.status == 3 and "repair: " not in answer.stderr:
            failures.append(f"{kind}: without a repair: {answer.stderr}")
    trust.outcome("Broken", "told by info", trials=len(kinds), held=len(kinds) - len(failures), failures=failures)


@pytest.mark.timeout(1800)
def test_every_broken_plugin_alone_harms_no_other(trust: Any, tmp_path: Path) -> None:
    kinds = chosen(trust, small=2)
    failures = []
    for kind in kinds:
        folder = tmp_path / kind
        folder.mkdir()
        broken_plugins.install(kind, folder)
        if harm := harm_in(add_calm(folder)):
            failures.append(f"{kind}: {harm}")
    trust.outcome(
        "Broken", "alone: the others work", trials=len(kinds), held=len(kinds) - len(failures), failures=failures
    )


def test_what_does_not_keep_the_contract_is_caught_by_its_check(trust: Any, tmp_path: Path) -> None:
    checks = sorted(FAILING) if trust.size(small=0, full=1) else trust.random.sample(sorted(FAILING), 3)
    failures = []
    for check in checks:
        broken_plugins.write(tmp_path / "site", f"failing_{check}", check, FAILING[check])
        answer = run_suite(
            ["check", check, "--only", check], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site"), "COLUMNS": None}
        )
        if answer.status != 1 or "1 failed" not in answer.stdout or FAILING[check].said not in answer.stdout:
            failures.append(f"{check}: {answer}")
    trust.outcome("Broken", "caught by check", trials=len(checks), held=len(checks) - len(failures), failures=failures)


def chosen(trust: Any, *, small: int) -> list[str]:
    """Return the kinds to try."""
    return sorted(trust.random.sample(sorted(KINDS), trust.size(small=min(small, len(KINDS)), full=len(KINDS))))
