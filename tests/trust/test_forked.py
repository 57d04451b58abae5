"""Commands that are run in forks behave as those that the shell starts."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from forked import run_suite, start_suite, wait_for


def test_a_fork_answers_as_a_command_does(tmp_path: Path) -> None:
    status, stdout, stderr = run_suite(["list"], cwd=tmp_path)
    assert (status, stderr) == (0, "")
    assert "dsa" in stdout
    status, stdout, stderr = run_suite(["fit", "--plugin", "dsaa"], cwd=tmp_path)
    assert (status, stdout) == (2, "")
    assert "Did you mean 'dsa'?" in stderr


def test_a_fork_has_its_own_folder_environment_and_input(tmp_path: Path) -> None:
    (tmp_path / "marked.py").write_text(
        "import os, sys\n"
        "from lightning_suite import Plugin\n"
        "def say(): print(os.getcwd(), os.environ['MARK'], 'HOME' in os.environ, sys.stdin.read())\n"
        "plugin = Plugin(name='marked', summary='Marks', module='marked:A', data='marked:B',\n"
        "                commands={'say': 'marked:say'})\n"
    )
    env = {"PYTHONPATH": str(tmp_path), "MARK": "mine", "HOME": None}
    said = run_suite(["say", "--plugin", "marked:plugin"], cwd=tmp_path, env=env, stdin="typed")
    assert said == (0, f"{tmp_path} mine False typed\n", "")
    assert "MARK" not in os.environ


def test_a_fork_can_be_killed_while_it_trains(tmp_path: Path) -> None:
    fit = start_suite(["fit", "--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs", "500"], cwd=tmp_path)
    wait_for(lambda: list(tmp_path.glob("runs/dsa/*/checkpoints/last.ckpt")), "its first checkpoint")
    assert fit.is_running
    fit.kill()
    assert fit.wait(10).status == -signal.SIGKILL
    assert not fit.is_running


def test_what_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    fit = start_suite(["fit", "--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs", "500"], cwd=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        fit.wait(0.5)
    assert not fit.is_running


def test_standard_files_can_be_pipes_or_closed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    started = start_suite(["--version"], cwd=tmp_path, stdout=writer)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read().startswith("lightning-suite ")
    assert started.wait().status == 0
    assert start_suite(["no-such-verb"], cwd=tmp_path, closed=[0, 1]).wait().status == 2
