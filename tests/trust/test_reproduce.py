"""Kill: a table that is killed at any moment, with or without its trainings, ends as one that was never interrupted.

The command runs in a fork, and so do the trainings that it starts: the plugin sees to it when its record is read. What
it writes is compared byte for byte.
"""

import time
from pathlib import Path
from typing import Any

import tiny_table
from forked import Started, run_suite, start_suite

TABLE = {
    "title": "Losses of widths",
    "place": "Table 1",
    "cost": {"minutes": 1, "disk": 1},
    "seeds": 2,
    "metric": "test_loss",
    "margin": 0.5,
    "options": {"trainer.max_epochs": 4, "trainer.accelerator": "cpu"},
    "columns": {"loss": {}},
    "rows": {"wide": {"options": {"model.hidden": 16}}},
    "cells": {"narrow": {"loss": 0.5}, "wide": {"loss": 0.5}},
}
FORKED = '''

class _Forked:
    """Stands in for subprocess.Popen: a fork of this process runs ``suite``."""

    def __init__(self, words, *, stdin, stdout, stderr, env, pass_fds):
        self.returncode, self.pid = None, os.fork()
        if self.pid == 0:
            status = 1
            try:
                nothing = os.open(os.devnull, os.O_RDONLY)
                for number, descriptor in enumerate((nothing, stdout.fileno(), stdout.fileno())):
                    os.dup2(descriptor, number)
                from lightning_suite import cli

                status = cli.main(words[3:])
                sys.stdout.flush()
            finally:
                os._exit(status)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout):
        end = time.monotonic() + timeout
        while self.poll() is None and time.monotonic() < end:
            time.sleep(0.01)

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    kill = terminate


import sys, time
from lightning_suite.reproduction import local

if "reproduce" in sys.argv:
    local.subprocess = type("subprocess", (), {"Popen": _Forked, "DEVNULL": None, "STDOUT": None})
    local.BETWEEN = 0.01
'''


def make(folder: Path) -> None:
    """Write the plugin into a folder."""
    folder.mkdir()
    tiny_table.write(folder, TABLE, more=FORKED)


def start(folder: Path) -> Started:
    return start_suite(["reproduce", "./tiny.py:plugin:widths"], cwd=folder, env={"OMP_NUM_THREADS": "1"})


def written(folder: Path) -> dict[str, bytes]:
    """Return what a table ended as."""
    return {file.name: file.read_bytes() for file in (folder / "reproductions" / "tiny" / "widths").iterdir()}


def test_a_table_that_is_killed_ends_as_one_that_was_not(trust: Any, tmp_path: Path) -> None:
    run_suite(["list"], cwd=tmp_path)  # the process that is forked has started then
    make(tmp_path / "uninterrupted")
    began = time.monotonic()
    answer = start(tmp_path / "uninterrupted").wait()
    lasted = time.monotonic() - began
    assert answer.status == 0, answer
    expected = written(tmp_path / "uninterrupted")
    assert set(expected) == {"table.md", "table.csv", "table.json"}
    failures = []
    trials, kills = trust.size(small=1, full=5), 4
    killed = 0
    for number in range(trials):
        folder = tmp_path / f"trial{number}"
        make(folder)
        for kill in range(kills):
            command = start(folder)
            time.sleep(trust.random.uniform(0.02, 0.25) * lasted)
            killed += command.is_running
            if kill % 2:
                command.kill_all()
            else:
                command.kill()  # its training goes on alone
        answer = start(folder).wait()
        if answer.status or written(folder) != expected:
            failures.append(f"{folder}: {answer}")
    note = f"{killed} kills of the command, every second one of its training as well"
    held = trials - len(failures)
    assert killed > 0
    trust.outcome("Kill", "a table of four runs", trials=trials, held=held, note=note, failures=failures)
