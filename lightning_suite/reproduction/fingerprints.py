"""What determines a result beside the settings, as short texts: the code, the versions and the content of files.

The commit of the repository around the current folder says nothing about the code that runs: it may be installed. The
files of the two packages are read instead, and neither their places nor their times count.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import source
from lightning_suite.run import versions
from lightning_suite.seed_groups import canonical

CODE = {".py", ".so", ".pyd"}
"""Suffixes of what runs."""

NOT_CODE = {"reproductions", "reproduction", "testing", "template"}
"""Folders of the packages in which nothing takes part in a training."""

CORE = __name__.partition(".")[0]

Digests = MutableMapping[str, Any]
"""Digests of files by path, size and time, so that a large file is read once."""


def key_of(*parts: Any) -> str:
    """Return a short text that is the same for plain values that are the same.

    Example:
        >>> key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}), key_of(1) == key_of(2)
        (True, False)
    """
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()[:16]


def code_fingerprint(plugin: Plugin) -> str:
    """Return a text that changes with the source of the core or of the plugin, or with what they were installed with.

    Example:
        >>> from lightning_suite.plugins import find
        >>> plugin = find.get(find.names()[0])
        >>> code_fingerprint(plugin) == code_fingerprint(plugin)
        True
    """
    digest = hashlib.sha256()
    paths = (plugin.module, plugin.data, *plugin.commands.values())
    for package in dict.fromkeys((CORE, *(path.partition(":")[0].partition(".")[0] for path in paths))):
        for name, file in _code_of(package):
            digest.update(f"{package}/{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    ours = {"lightning-suite", plugin.origin.distribution}  # the version of a working copy changes with every commit
    others = {name: version for name, version in versions().items() if name not in ours}
    return key_of(digest.hexdigest(), others)


def content_of(path: str | Path, digests: Digests) -> str:
    """Return a text that changes with the content of a file, or of the files below a folder, and not with its place.

    Args:
        path: of the file or folder.
        digests: those that are known; new ones are added.
    """
    path = Path(path)
    if path.is_file():
        return _digest(path, digests)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return key_of([(file.relative_to(path).as_posix(), _digest(file, digests)) for file in files])


def read_digests(file: Path) -> dict[str, Any]:
    """Return the digests that an earlier call wrote; none where the file is missing or damaged."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _digest(file: Path, digests: Digests) -> str:
    about = file.stat()
    name = f"{file.resolve()} {about.st_size} {about.st_mtime_ns}"
    if not isinstance(digests.get(name), str):
        with file.open("rb") as content:
            digests[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return str(digests[name])


def _code_of(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package that run, by their names in it; of a plain module the one file."""
    spec = source.locate(package)
    if spec is None:
        return
    if not spec.submodule_search_locations:
        if spec.origin:
            yield Path(spec.origin).name, Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        for file in _sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if file.suffix in CODE and not NOT_CODE & set(inside.parts[:-1]):
                yield inside.as_posix(), file


def _sorted(files: Iterable[Path]) -> list[Path]:
    return sorted(file for file in files if file.is_file())
