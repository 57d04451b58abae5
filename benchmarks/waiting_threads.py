"""Seconds of training steps with one thread and with two, alone and beside busy programs, by how threads wait.

    python -m benchmarks.waiting_threads [--beside 2]

Each figure is of a process of its own: 6 passes of forward, backward and optimizer over 512 sentences, with the network
of sst2 in batches of 64. Threads that spin are OpenMP's default; that sleep (OMP_WAIT_POLICY=PASSIVE) is what ``suite``
chooses (lightning_suite/threads.py). The busy programs are of ordinary priority and do nothing but count. Prints one
table and writes benchmarks/results/waiting_threads.json.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import record

FORMS: dict[str, dict[str, str]] = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "two threads, spinning": {"OMP_NUM_THREADS": "2"},
    "two threads, sleeping": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
}
SENTENCES, BATCH, PASSES = 512, 64, 6


def steps() -> None:
    """Print the seconds of the clock and of the processor that the steps take."""
    import torch

    from benchmarks.dsa_network import batches, phrase_lengths
    from benchmarks.dsa_tables import step

    torch.manual_seed(0)
    train = step("sst2", "single DSA", batches(phrase_lengths(SENTENCES)[1], BATCH))
    train()
    wall, processor = time.monotonic(), time.process_time()
    for _ in range(PASSES):
        train()
    print(time.monotonic() - wall, time.process_time() - processor)


def measured(form: str, beside: int) -> list[float]:
    """Return the seconds of one form, beside so many busy programs."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(beside)]
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.waiting_threads", "--steps"],
            env={**environment, **FORMS[form]},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        for program in busy:
            program.kill()
            program.wait()
    return [round(float(seconds), 2) for seconds in done.stdout.split()]


def table(results: dict[str, Any]) -> str:
    """Return seconds of the clock, and of the processor, by form and company."""
    columns = ["s (CPU s)", *(f"beside {count} busy programs" for count in results["beside"])]
    rows = [
        [form, *(f"{wall:.1f} ({processor:.1f})" for wall, processor in values)]
        for form, values in results["seconds"].items()
    ]
    return markdown(columns, rows)


def main() -> None:
    """Measure all forms, taking turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=int, default=2)
    parser.add_argument("--steps", action="store_true", help="what each process does")
    chosen = parser.parse_args()
    if chosen.steps:
        return steps()
    company = [0, chosen.beside]
    results = {"beside": company, "seconds": {form: [measured(form, count) for count in company] for form in FORMS}}
    record("waiting_threads", results)
    print(table(results))
    return None


if __name__ == "__main__":
    main()
