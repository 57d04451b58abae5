"""samples.txt: tweets that a model wrote while it was trained (section 8 of the paper), for people to read."""

from collections.abc import Sequence
from pathlib import Path

from lightning_suite.files import write_text


def write_samples(path: Path, epoch: int, tweets: Sequence[str]) -> None:
    """Add the sample tweets of an epoch to a file; those that are there of this epoch and later ones go.

    A run that is resumed writes these again.

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
