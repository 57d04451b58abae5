"""Where a plugin comes from: a distribution's entry point, or a path that was typed."""

from dataclasses import dataclass
from typing import NamedTuple

from lightning_suite.plugin import Plugin


@dataclass(frozen=True)
class Installed:
    """What is known of a plugin before anything of it is imported.

    Attributes:
        name: what it is called by: the entry point's name, or the path that was typed.
        value: ``module:attribute`` of its record.
        distribution: the distribution that brings it; empty when it was given by a path.
        version: of the distribution.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if not self.distribution:
            return self.value
        return f"{self.distribution} {self.version}, entry point {self.name} = {self.value}"

    @property
    def upgrade(self) -> str:
        """What its user can do when its author has to mend it."""
        if not self.distribution:
            return ""
        return f", or try a newer one: pip install --upgrade {self.distribution}"


def remember(plugin: Plugin, entry: Installed, undone: tuple[str, ...] = ()) -> None:
    """Keep where a record came from; a module is imported once, so only the first time shows what its import did."""
    _known[id(plugin)] = _Known(plugin, entry, undone or undone_by(plugin))


def origin_of(plugin: Plugin) -> Installed:
    """Where a record came from."""
    known = _known.get(id(plugin))
    return known.entry if known else Installed(plugin.name, f"a record named {plugin.name!r}")


def undone_by(plugin: Plugin) -> tuple[str, ...]:
    """The environment variables that the import of a record had changed, and that were put back."""
    known = _known.get(id(plugin))
    return known.undone if known else ()


class _Known(NamedTuple):
    plugin: Plugin  # kept, so that nothing else gets its identity
    entry: Installed
    undone: tuple[str, ...]


# Records by identity: a record is a value that its plugin keeps, and equal records may come from different places.
_known: dict[int, _Known] = {}
