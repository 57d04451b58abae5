"""Commands that stand in for SLURM's: they really run the jobs, one process group for each.

What a job is and does stands in the folder FAKE_SLURM: ``1.sh``, ``1.pid``, ``1.step`` (the process that srun has
started) and ``1.state``. While there is a file ``hold``, jobs stay pending.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lightning_suite.reproduction import slurm

COMMANDS = {
    "sbatch": """
if grep -q partition=none "$1"; then echo "sbatch: error: invalid partition specified: none" >&2; exit 1; fi
id=$(($(ls | grep -c '[.]sh$') + 1)); cp "$1" $id.sh
bin/state $id PENDING
cd "$OLDPWD"
setsid bash "$FAKE_SLURM/bin/run" $id < /dev/null > /dev/null 2>&1 &
echo $! > "$FAKE_SLURM/$id.pid"
echo "Submitted batch job $id"
""",
    "run": """
export SLURM_JOB_ID=$1 SLURM_NTASKS=1 SLURM_CPUS_PER_TASK=3
cd "$OLDPWD"
while [ -e "$FAKE_SLURM/hold" ]; do sleep 0.02; done
while true; do
    "$FAKE_SLURM/bin/state" $1 RUNNING
    if bash "$FAKE_SLURM/$1.sh"; then state=COMPLETED; else state=FAILED; fi
    if ! grep -q REQUEUED "$FAKE_SLURM/$1.state"; then break; fi
done
"$FAKE_SLURM/bin/state" $1 $state
""",
    "srun": """
log=$(echo "$3" | sed "s/%j/$SLURM_JOB_ID/; s/%t/0/")
echo $$ > $SLURM_JOB_ID.step
cd "$OLDPWD"
shift 3
exec "$@" >> "$log" 2>&1
""",
    "sacct": """
echo "JobID|State|NodeList"
for file in *.state; do echo "${file%.state}|$(cat $file)|here"; done
""",
    "scancel": """
bin/state $1 "CANCELLED by 0"
kill -9 -- -$(cat $1.pid)
""",
    "scontrol": "bin/state $2 REQUEUED",
    "state": 'echo "$2" > $1.new; mv $1.new $1.state',  # so that nobody reads half of it
}


@contextmanager
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put the commands on the PATH, and end all jobs after the block; yields FAKE_SLURM."""
    submitit = pytest.importorskip("submitit", reason="the extra 'cluster' is not installed")
    (folder / "bin").mkdir(parents=True)
    for name, lines in COMMANDS.items():
        file = folder / "bin" / name
        file.write_text(f'#!/bin/bash\ncd "$FAKE_SLURM"\n{lines}')
        file.chmod(0o755)
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(slurm, "BETWEEN", 0.02)
    monkeypatch.setattr(slurm, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0.1)
    try:
        yield folder
    finally:
        for file in folder.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.killpg(int(file.read_text()), signal.SIGKILL)
