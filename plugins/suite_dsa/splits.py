"""Which files train, validate and test, and how one set of examples is split when there are no such files.

A folder in the layout in which a data set is published is recognised; otherwise files are named. Where validation or
test have no file, they are cut from the training examples by a hash of their first sentence: the cut does not depend on
the order of the files, and all examples that share the sentence (a premise, a repeated text) fall into one part.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import COMPRESSIONS
from suite_dsa.sources.examples import Example
from suite_dsa.sources.hub import HUB

PARTS = ("train", "validation", "test")

LAYOUTS = (
    *("snli_1.0_{}.jsonl", "snli_1.0_{}.txt", "multinli_1.0_{}.jsonl", "multinli_1.0_{}.txt"),
    *("SICK_{}.txt", "msr_paraphrase_{}.txt", "s1.{}", "trees.{}.txt", "{}.txt", "stsa.{}"),
    *("{}.tsv", "{}.csv", "{}.jsonl"),
)
"""Names of files, in the order in which they are looked for; a part stands in for the braces."""

VALIDATION_NAMES = ("dev", "validation", "valid", "val", "dev_matched", "trial")
TEST_NAMES = ("test", "test_matched", "dev_mismatched", "test_annotated")
"""What the parts are called; of MultiNLI, whose own test has no labels, the mismatched pairs are the test."""


class Files(NamedTuple):
    """The files of each part; a part without files is cut from the training examples."""

    train: list[Path]
    validation: list[Path]
    test: list[Path]


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name in the folder, as it is or compressed."""
    paths = (folder / f"{name}{suffix}" for suffix in ("", *COMPRESSIONS))
    return next((path for path in paths if path.is_file()), None)


def named_files(path: str | None, train: Sequence[str], validation: Sequence[str], test: Sequence[str]) -> Files:
    """Return the files that options name, relative to the folder ``path``; for a data set of the hub its splits.

    Raises:
        DataError: a file does not exist.
    """
    if path is not None and path.startswith(HUB):
        return Files(*([Path(f"{path}:{split}") for split in part] for part in (train, validation, test)))
    folder = Path(path or ".").expanduser()
    if not folder.is_dir():
        raise DataError(
            "no such folder; expected that of the files of --data.train, validation and test",
            folder,
        )
    return Files(*([_named_file(folder, name) for name in part] for part in (train, validation, test)))


def _named_file(folder: Path, name: str) -> Path:
    path = find(folder, name)
    if path is None:
        raise DataError(
            f"no such file, nor one with {', '.join(COMPRESSIONS)} appended. In the folder: {_listing(folder)}. "
            "Correct --data.train, --data.validation and --data.test, or leave out all three to use a published layout",
            folder / name,
        )
    return path


def recognised_files(path: str, classes: int | None, phrases: bool) -> Files:
    """Return the files of a published layout, or the one file that ``path`` is.

    Folders, in this order: SNLI and MultiNLI (``snli_1.0_train.jsonl`` or .txt ...), SICK, the Microsoft paraphrases,
    InferSent (``s1.train`` ...), the trees of SST (``trees.train.txt`` or ``train.txt`` ...), ``stsa.fine.train`` or
    ``stsa.binary.train`` ... with ``derived.*.phrases.train``, and ``train``, ``dev``, ``test`` as .tsv, .csv or
    .jsonl, as in GLUE.

    Raises:
        UsageError: the path does not exist.
        DataError: the folder has none of these layouts.
    """
    if path.startswith(HUB):
        return Files([Path(f"{path}:train")], [Path(f"{path}:validation")], [Path(f"{path}:test")])
    folder = Path(path).expanduser()
    if folder.is_file():
        return Files([folder], [], [])
    if not folder.is_dir():
        beside = [path.name for path in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise UsageError(f"--data.path: no file or folder is at {path}. {did_you_mean(folder.name, beside)}".rstrip())
    granularity = "binary" if classes == 2 else "fine"
    for layout in LAYOUTS:
        is_stsa = layout.startswith("stsa.")
        layout = layout.replace("stsa.", f"stsa.{granularity}.")

        def first(names: Sequence[str], layout: str = layout) -> list[Path]:
            """Return the first of these files that is there."""
            paths = (find(folder, layout.format(name)) for name in names)
            return [path for path in paths if path][:1]

        train = first(["train"])
        if train:
            more = first([f"derived.{granularity}.phrases.train"], "{}") if is_stsa and phrases else []
            return Files([*train, *more], first(VALIDATION_NAMES), first(TEST_NAMES))
    raise DataError(
        "no layout of SNLI, MultiNLI, InferSent or SST is recognised, nor train.tsv, .csv or .jsonl. In the folder: "
        f"{_listing(folder)}. Name the files with --data.train, --data.validation and --data.test",
        folder,
    )


def part_of(example: Example, seed: int, validation_fraction: float, test_fraction: float) -> str:
    """Return the part that an example falls into, by the hash of its first sentence."""
    digest = hashlib.sha256(f"{seed}\n{example.texts[0]}".encode("utf-8", "surrogatepass")).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < validation_fraction:
        return "validation"
    return "test" if share < validation_fraction + test_fraction else "train"


def _listing(folder: Path) -> str:
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in folder.iterdir())
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "nothing"
