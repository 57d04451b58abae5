"""Compares what a distribution needs (``Requires-Dist`` of its metadata) with what is installed."""

import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.requirements import Requirement


def identity(dist: Distribution) -> tuple[str, str]:
    """Return name and version of a distribution."""
    fields = dist.metadata
    name, version = ("".join(fields.get_all(field) or []) for field in ("Name", "Version"))
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
    from packaging.requirements import InvalidRequirement, Requirement

    dist = _distribution(name, tuple(sys.path))
    needs = []
    for line in [] if dist is None else dist.requires or []:
        if not extra or "extra" in line:  # the others need not be parsed
            with suppress(InvalidRequirement):  # written by an old tool; pip ignores it as well
                needs.append(Requirement(line))
    return [need for need in needs if _applies(need.marker, extra)]


def absent(name: str, extra: str) -> list[str]:
    """Return the names of what an extra brings and is not installed."""
    path = tuple(sys.path)
    return [need.name for need in required(name, extra) if _distribution(need.name, path) is None]


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
    from packaging.utils import canonicalize_name

    dist = _distribution(name, tuple(sys.path))
    offered = [] if dist is None else dist.metadata.get_all("Provides-Extra") or []
    for extra in offered:
        if canonicalize_name(module) in {canonicalize_name(need.name) for need in required(name, extra)}:
            return str(extra)
    return None


@cache
def _distribution(name: str, _path: tuple[str, ...]) -> Distribution | None:
    """Return a distribution on ``sys.path``; many plugins ask for the same few."""
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


def _applies(marker: "Marker | None", extra: str) -> bool:
    """Return whether a requirement with this marker is brought by the extra, or needed always for the extra ``""``."""
    if marker is None:
        return not extra
    return ("extra" in str(marker)) == bool(extra) and marker.evaluate({"extra": extra})
