"""The operations: each file holds one public function, its formula and a plain-torch reference anyone can read."""

from pathlib import Path


def names() -> list[str]:
    """The ops of this release: one a file of this folder."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def implementations() -> dict[str, str]:
    """Which implementation of each op runs; in this release it is the plain-torch reference of every op."""
    return dict.fromkeys(names(), "reference")
