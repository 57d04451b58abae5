"""The pictures that a run folder holds, as data URIs: a page shows them without a file beside it."""

import base64
from dataclasses import dataclass
from pathlib import Path

from lightning_suite.run_records import RunRecord

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml"}
OF_CURVES = "learning_curves.png"

LARGEST = 4 << 20
"""Bytes of a picture."""

MOST = 40
"""Pictures of one run."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of a run.

    Attributes:
        shown: name and data URI.
        left_out: name and why.
    """

    shown: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]


def pictures_of(record: RunRecord) -> Pictures:
    """Return the pictures in the folder ``figures`` of a run, in the order of their names; links are not followed.

    The learning curves are left out: a report draws its own.
    """
    folder = record.run.folder / "figures"
    if record.path != record.run.folder or folder.is_symlink() or not folder.is_dir():
        return Pictures((), ())
    shown: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in KINDS and file.name != OF_CURVES:
            name = file.relative_to(folder).as_posix()
            if reason := "there are too many" if len(shown) == MOST else _reason_against(file):
                left_out.append((name, reason))
            else:
                content = base64.b64encode(file.read_bytes()).decode()
                shown.append((name, f"data:{KINDS[file.suffix.lower()]};base64,{content}"))
    return Pictures(tuple(shown), tuple(left_out))


def _reason_against(file: Path) -> str:
    if file.is_symlink() or not file.is_file():
        return "it is a link, or no file"
    size = file.stat().st_size
    return f"it has {size >> 20} MiB" if size > LARGEST else ""
