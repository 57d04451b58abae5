"""Compares what a distribution needs (``Requires-Dist`` of its metadata) with what is installed."""

import re
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.requirements import Requirement

_AFTER_NAME = re.compile(r"[^\w.-]")


def identity(dist: Distribution) -> tuple[str, str]:
    """Return name and version of a distribution."""
    name, version = ("".join(_values(dist, field)) for field in ("Name", "Version"))
    return name or "a distribution without a name", version or "without a version"


def version(name: str) -> str | None:
    """Return the version of an installed distribution, None when it is not installed.

    Example:
        >>> version("no-such-distribution") is None
        True
    """
    dist = _distribution(name, tuple(sys.path))
    return None if dist is None else identity(dist)[1]


def required(name: str, extra: str) -> "list[Requirement]":
    """Return what an extra of a distribution brings on this machine; for the extra ``""``, what is needed always."""
    return _parse(_lines(name, extra), extra)


def absent(name: str, extra: str) -> list[str]:
    """Return the names of what an extra brings and is not installed."""
    path = tuple(sys.path)
    # What is installed is not absent, whatever the rest of its line says; where all is, `packaging` is not imported.
    lines = [line for line in _lines(name, extra) if _distribution(_AFTER_NAME.split(line, 1)[0], path) is None]
    return [need.name for need in _parse(lines, extra)] if lines else []


def unsatisfied(name: str, extra: str) -> list[str]:
    """Return a phrase for everything that an extra brings and is not installed in a version that serves."""
    phrases = []
    for need in required(name, extra):
        installed = version(need.name)
        if installed is None:
            phrases.append(f"{need.name} is not installed")
        elif not need.specifier.contains(installed, prereleases=True):
            phrases.append(f"{need.name} is {installed}, needed is {need.specifier}")
    return phrases


def extra_with(name: str, module: str) -> str | None:
    """Return the extra of a distribution that brings a package of this name, None when there is none."""
    dist = _distribution(name, tuple(sys.path))
    for extra in [] if dist is None else _values(dist, "Provides-Extra"):
        if _normal(module) in {_normal(need.name) for need in required(name, extra)}:
            return extra
    return None


@cache
def _distribution(name: str, path: tuple[str, ...]) -> Distribution | None:
    """Return a distribution on ``sys.path``; many plugins ask for the same few."""
    return next(iter(Distribution.discover(name=name, path=_existing(path))), None) if name else None


@cache
def _existing(path: tuple[str, ...]) -> list[str]:
    """Return the entries of ``sys.path`` that exist: importlib.metadata looks into the others again for every name."""
    return [str(entry) for entry in map(Path, path) if entry.exists()]


def _values(dist: Distribution, field: str) -> list[str]:
    """Return the values of a field of a distribution's metadata."""
    return [line.partition(":")[2].strip() for line in _headers(dist) if line.startswith(f"{field}:")]


@cache
def _headers(dist: Distribution) -> list[str]:
    """Return the lines of the metadata above the description, which ``dist.metadata`` would parse too, every time."""
    text = next(filter(None, map(dist.read_text, ("METADATA", "PKG-INFO", ""))), "")
    return text.partition("\n\n")[0].splitlines()


def _lines(name: str, extra: str) -> list[str]:
    """Return the requirements of a distribution, as they are written, that name an extra; for the extra "", all."""
    dist = _distribution(name, tuple(sys.path))
    lines = [] if dist is None else _values(dist, "Requires-Dist")
    return [line for line in lines if _normal(extra) in _normal(line)]


def _parse(lines: list[str], extra: str) -> "list[Requirement]":
    from packaging.requirements import InvalidRequirement, Requirement

    needs = []
    for line in lines:
        with suppress(InvalidRequirement):  # written by an old tool; pip ignores it as well
            needs.append(Requirement(line))
    return [need for need in needs if _applies(need.marker, extra)]


def _normal(name: str) -> str:
    """Return a name in the one spelling of all that mean the same: ``Data.Tools`` and ``data_tools`` are data-tools."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _applies(marker: "Marker | None", extra: str) -> bool:
    """Return whether a requirement with this marker is brought by the extra, or needed always for the extra ``""``."""
    if marker is None:
        return not extra
    return ("extra" in str(marker)) == bool(extra) and marker.evaluate({"extra": extra})
