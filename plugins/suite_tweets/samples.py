"""samples.txt: tweets that were written while a model learnt (section 8 of the paper), for people to read."""

from collections.abc import Sequence
from pathlib import Path


def write_samples(path: Path, epoch: int, tweets: Sequence[str]) -> None:
    """Adds the sample tweets of an epoch to a file; those of later epochs, of a run that goes on, make way."""
    heading = "after epoch "
    before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for place, line in enumerate(before):
        if line.startswith(heading) and int(line.removeprefix(heading)) >= epoch:
            before = before[:place]
            break
    lines = [*before, f"{heading}{epoch}", *(f"  {' '.join(tweet.split())}" for tweet in tweets)]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)
