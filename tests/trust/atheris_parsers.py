"""Fuzzes the parsers that are written in Python with inputs that atheris finds by what code they reach.

    python -m tests.trust.atheris_parsers RUNS [NAME ...]

atheris is no dependency: pip install atheris. One line is printed for each parser: its name, and what is wrong if
anything is; the input then lies in the current folder.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lightning_suite", "suite_dsa", "suite_spectral", "suite_tweets"]):
    from tests.trust.batches import MEMORY, SECONDS, complaint
    from tests.trust.parsers import Parser, parsers, seeds_of

    parsers()

IN_PYTHON = ("text:", "dsa:", "tweets:", "spectral: matrices", "spectral: edges", "spectral: lines", "runs: --config")


def main(words: Sequence[str]) -> int:
    """Fuzz each parser in a process of its own, as libFuzzer ends its process, and return how many had findings."""
    runs, names = int(words[0]), words[1:] or IN_PYTHON
    wrong = 0
    for parser in parsers():
        if not parser.name.startswith(tuple(names)):
            continue
        sys.stdout.flush()
        child = os.fork()
        if not child:
            fuzz(parser, runs)
        _, status = os.waitpid(child, 0)
        wrong += status != 0
        print(f"{parser.name}: {'ok' if not status else f'a finding (status {status})'}", flush=True)
    return wrong


def fuzz(parser: Parser, runs: int) -> None:
    """Read so many inputs, from the valid files on, and end the process."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, place = Path(folder, "corpus"), Path(folder, "input")
        corpus.mkdir()
        place.mkdir()
        seeds = seeds_of(parser.name)
        for number, seed in enumerate(seeds):
            (corpus / f"{number}").write_bytes(bytes([number]) + seed.content)

        def try_one(content: bytes) -> None:
            """The first byte says whose name and neighbours the others get."""
            seed = seeds[content[0] % len(seeds)] if content else seeds[0]
            for name, other in seed.beside.items():
                (place / name).write_bytes(other)
            (place / seed.name).write_bytes(content[1:])
            what = complaint(parser.read, place / seed.name)[1]
            if what:
                print(f"{parser.name}, {seed.name}: {what}", flush=True)
                os.abort()

        limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={2 * MEMORY >> 20}", "-max_len=4096"]
        options = [f"-runs={runs}", "-seed=1", "-verbosity=0", *limits, str(corpus)]
        atheris.Setup([sys.argv[0], *options], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
