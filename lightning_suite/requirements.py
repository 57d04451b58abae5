"""What a distribution needs, read from its own metadata (core metadata specification, ``Requires-Dist``).

Only the light verbs' needs are served here: is it installed at all, which extra brings it. Versions are compared by
``packaging``, which is imported when a marker or a version asks for it.
"""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

_REQUIRES = re.compile(
    r"^Requires-Dist:\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?P<versions>[^;\n]*?)\s*"
    r"(?:;\s*(?P<marker>.*?)\s*)?$",
    re.MULTILINE,
)
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)[\"']")


def identity(found: Distribution) -> tuple[str, str]:
    """Name and version, read from the two lines that hold them: a tenth of the cost of the whole metadata."""
    fields = dict(re.findall(r"^(Name|Version):\s*(.*?)\s*$", _headers(found), re.MULTILINE))
    return fields.get("Name", "a distribution without a name"), fields.get("Version", "without a version")


def version(name: str) -> str | None:
    """Version of an installed distribution, None when it is not installed."""
    return _version(name, tuple(sys.path))


def required(name: str, extra: str) -> "list[Requirement]":
    """What an extra of a distribution brings on this machine; for the extra ``""``, what is needed always."""
    try:
        headers = _headers(distribution(name))
    except (PackageNotFoundError, ValueError):
        return []
    return [
        Requirement(found["name"], "" if found["versions"].startswith("@") else found["versions"].strip("()"))
        for found in _REQUIRES.finditer(headers)
        if _applies(found["marker"] or "", extra)
    ]


def absent(name: str, extra: str) -> list[str]:
    """Names of what an extra brings and is not installed."""
    return [need.name for need in required(name, extra) if version(need.name) is None]


def unsatisfied(name: str, extra: str) -> list[str]:
    """What an extra brings and is not installed in a version that serves, one phrase each."""
    from packaging.specifiers import SpecifierSet

    phrases = []
    for need in required(name, extra):
        found = version(need.name)
        if found is None:
            phrases.append(f"{need.name} is not installed")
        elif not SpecifierSet(need.versions).contains(found, prereleases=True):
            phrases.append(f"{need.name} is {found}, needed is {need.versions}")
    return phrases


def extra_with(name: str, module: str) -> str | None:
    """The extra of a distribution that brings a package of this name, if one does."""
    try:
        headers = _headers(distribution(name))
    except (PackageNotFoundError, ValueError):
        return None
    for found in _REQUIRES.finditer(headers):
        extra = _EXTRA.search(found["marker"] or "")
        if extra and _normal(found["name"]) == _normal(module):
            return extra[1]
    return None


@dataclass(frozen=True)
class Requirement:
    """One needed distribution and the versions of it that serve (``">=1,<3"``; empty for any)."""

    name: str
    versions: str


@cache
def _version(name: str, _path: tuple[str, ...]) -> str | None:
    """The version that a search path gives; many plugins ask for the same few distributions."""
    try:
        return identity(distribution(name))[1]
    except PackageNotFoundError:
        return None


def _headers(found: Distribution) -> str:
    written = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    return written.partition("\n\n")[0]


def _applies(marker: str, extra: str) -> bool:
    named = {_normal(name) for name in _EXTRA.findall(marker)}
    if named != ({_normal(extra)} if extra else set()):
        return False
    if not marker or _EXTRA.fullmatch(marker.strip("() ")):
        return True
    from packaging.markers import Marker

    return bool(Marker(marker).evaluate({"extra": next(iter(_EXTRA.findall(marker)), "")}))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
