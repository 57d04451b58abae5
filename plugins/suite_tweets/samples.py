"""samples.txt: tweets that were written while a model learnt (section 8 of the paper), for people to read."""

from collections.abc import Sequence
from pathlib import Path

from lightning_suite.files import write_text


def write_samples(path: Path, epoch: int, tweets: Sequence[str]) -> None:
    """Add the sample tweets of an epoch to a file; those of later epochs, of a run that goes on, make way.

    Raises:
        OutputError: the file cannot be written.
    """
    heading = "after epoch "
    before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(before):
        if line.startswith(heading) and int(line.removeprefix(heading)) >= epoch:
            before = before[:number]
            break
    lines = [*before, f"{heading}{epoch}", *(f"  {' '.join(tweet.split())}" for tweet in tweets)]
    write_text(path, "\n".join(lines) + "\n")
