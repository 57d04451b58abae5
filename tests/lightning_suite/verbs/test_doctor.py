"""``suite doctor``: the versions at once, then a cause and a repair for all that is broken."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import ops
from lightning_suite.plugins import find, isolated
from lightning_suite.verbs import doctor


@pytest.fixture(scope="session")
def done(in_bad_house: Any) -> subprocess.CompletedProcess[str]:
    """``suite doctor`` where every bad plugin is installed."""
    answer: subprocess.CompletedProcess[str] = in_bad_house("doctor", "--timeout", "5")
    return answer


def part_of(name: str, output: str) -> str:
    """The lines of one plugin."""
    lines = output.partition("\nplugins")[2].splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("  ") and line[2:3] != " "]
    start = next(i for i in starts if lines[i].split()[0] == name)
    return "\n".join(lines[start : next((i for i in starts if i > start), len(lines))])


def test_it_ends_with_1_where_something_is_broken(done: Any) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_every_bad_plugin_is_explained(kind: str, done: Any, expected_of: Any) -> None:
    part = part_of(kind, done.stdout)
    assert part.split()[1] == "broken"
    assert f"bad-{kind.replace('_', '-')} 2.0" in part
    assert expected_of(kind).cause in part
    assert "repair:" in part
    assert expected_of(kind).repair in part


def test_both_distributions_of_one_name_are_named(done: Any) -> None:
    part = part_of("twin", done.stdout)
    assert "first-twin 2.0 and second-twin 2.0" in part
    assert "pip uninstall" in part


def test_a_good_plugin_among_bad_ones_is_fine(done: Any) -> None:
    assert part_of("good", done.stdout).split()[:4] == ["good", "ok", "good-plugin", "2.0"]


def test_a_plugin_that_changes_the_environment_is_fine_with_a_warning(done: Any) -> None:
    part = part_of("meddler", done.stdout)
    assert part.split()[1] == "ok"
    assert "warning: " in part
    assert "MEDDLER_WAS_HERE" in part


def test_versions_and_ops_are_named(done: Any) -> None:
    first, _, ops = done.stdout.partition("\nops")
    for package in ("python", "lightning-suite", "torch", "pytorch-lightning", "jsonargparse", "torchmetrics"):
        assert f"  {package} " in first
    assert "  dsa_routing  " in ops
    assert "compiled for CPU" in ops or "reference: " in ops or "(--timeout)" in ops  # 5 s is little on a busy machine


def test_the_first_screen_does_not_wait_for_the_plugins(site: Any, tmp_path: Any) -> None:
    site.add_bad("hang")
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "lightning_suite", "doctor", "--timeout", "60"],
        env={**os.environ, **site.env},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        assert any("torch" in line for line in lines)
        assert time.monotonic() - started < 20
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def no_extension(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine where the ops were not compiled."""
    hidden = "import sys; sys.modules['lightning_suite._C'] = None"
    (tmp_path / "sitecustomize.py").write_text(hidden, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "LIGHTNING_SUITE_REQUIRE_OPS": ""}


@pytest.fixture
def doctor_of_ops(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """``suite doctor`` where few plugins are installed, or none: what it says of the ops does not depend on them."""
    there = find.installed()

    def run(*words: str, plugins: Sequence[str] = (), **environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # A process of its own gets this one's search path.
        monkeypatch.setattr(sys, "path", [*environment.get("PYTHONPATH", "").split(os.pathsep), *sys.path])
        monkeypatch.setattr(find, "installed", lambda: [origin for origin in there if origin.name in plugins])
        status = doctor.run(list(words))
        return status, capfd.readouterr().out

    return run


def ops_part(output: str) -> str:
    return output.partition("\nops")[2].partition("\nplugins")[0]


def test_a_compiled_op_is_reported_with_its_self_test_and_both_times(
    doctor_of_ops: Callable[..., tuple[int, str]],
) -> None:
    if not importlib.util.find_spec("lightning_suite._C"):
        pytest.skip("the ops are not compiled here")
    status, output = doctor_of_ops()
    part = " ".join(ops_part(output).split())
    assert status == 0
    assert "compiled for CPU" in part
    assert re.search(r"on cpu: equals its reference .* ms forward and backward, reference [\d.]+ ms", part)


def test_an_op_that_is_not_compiled_is_reported_with_cause_and_repair(
    doctor_of_ops: Callable[..., tuple[int, str]], no_extension: dict[str, str]
) -> None:
    status, output = doctor_of_ops(**no_extension)
    part = " ".join(ops_part(output).split())
    assert status == 0
    assert "dsa_routing reference: lightning_suite._C was not compiled" in part
    assert "repair: compile them" in part
    assert "pip install" in part


def test_an_op_that_is_required_and_not_compiled_is_broken_and_no_plugin_is_blamed(
    doctor_of_ops: Callable[..., tuple[int, str]], no_extension: dict[str, str]
) -> None:
    status, output = doctor_of_ops(plugins=["dsa"], **no_extension | {"LIGHTNING_SUITE_REQUIRE_OPS": "1"})
    assert status == 1
    assert "LIGHTNING_SUITE_REQUIRE_OPS is 1, but" in " ".join(ops_part(output).split())
    assert "see the ops above" in output
    assert "correct suite_dsa" not in output


def test_a_self_test_that_takes_too_long_is_reported_with_the_limit(
    doctor_of_ops: Callable[..., tuple[int, str]],
) -> None:
    status, output = doctor_of_ops("--timeout", "0.1")
    assert status == 1
    assert "had not ended after 0.1 s (--timeout) and had to be killed" in " ".join(ops_part(output).split())


def test_json_holds_versions_ops_and_plugins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    test = {"agrees": True, "seconds": 0.1, "reference_seconds": 0.2, "difference": 0.0}
    reports = [
        json.dumps({"op": op, "implementation": "x", "repair": "", "tests": {"cpu": test}}) for op in ops.names()
    ]
    monkeypatch.setattr(isolated, "run", lambda *_: ("\n".join(reports), "by itself"))
    monkeypatch.setattr(find, "installed", tuple)
    assert doctor.run(["--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["versions"]["python"]
    assert [one["op"] for one in report["ops"]] == ops.names()
    assert report["plugins"] == []
    monkeypatch.setattr(isolated, "run", lambda *_: (reports[0], "killed"))
    assert doctor.run(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ops"][-1] == {"op": ops.names()[-1], "broken": "killed"}
