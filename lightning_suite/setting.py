"""Settings that several entrances have, each stated once: name, type, default, range and meaning.

A method that is a LightningModule, an estimator and a verb says in three signatures what it can be told. Here a frozen
dataclass states each setting; the signatures take their defaults from its instance, their docstrings the meanings, and
``lightning_suite.constraints.check`` the ranges.

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        n_clusters: int | None = setting(None, Interval(int, 1), meaning="how many clusters; null: as many as ...")
        weights: Literal["equal", "gaussian"] = setting("equal", meaning="of the edges.")

    DEFAULTS = Settings()

    @with_meanings(Settings)
    class Clusterer(LightningModule):
        '''Clusters of points.

        Args:
            {settings}
        '''

        def __init__(self, n_clusters: int | None = DEFAULTS.n_clusters, ...) -> None:
            check(constraints_of(Settings), locals(), where="--model.")
"""

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from lightning_suite.constraints import ListOf

PLACE = "{settings}"
"""Where the meanings go in a docstring, a line of its own under ``Args``."""

Table = TypeVar("Table")
Target = TypeVar("Target", bound=Callable[..., Any])


def setting(default: Any, *ranges: Any, meaning: str) -> Any:
    """Return the field of a dataclass for one setting.

    Args:
        default: its value where nothing is said.
        ranges: what a number or a list must be beyond its type; the annotation says the rest.
        meaning: what it is, as help and docstrings say it.

    Example:
        >>> from dataclasses import dataclass
        >>> from lightning_suite.constraints import Interval
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Settings:
        ...     n_init: int = setting(10, Interval(int, 1), meaning="starts of k-means")
        >>> Settings().n_init
        10
    """
    return field(default=default, metadata={"meaning": meaning, "ranges": ranges})


def constraints_of(table: type) -> dict[str, list[Any]]:
    """Return the constraints of all settings of a table, for ``lightning_suite.constraints.check``.

    Example:
        >>> from dataclasses import make_dataclass
        >>> from lightning_suite.constraints import Interval
        >>> Settings = make_dataclass("Settings", [("n_init", int, setting(10, Interval(int, 1), meaning="starts"))])
        >>> constraints_of(Settings)["n_init"][0].expected
        'a whole number of 1 or more'
    """
    hints = get_type_hints(table)
    return {one.name: _alternatives(hints[one.name], one.metadata["ranges"]) for one in _settings(table)}


def settings_from(table: type[Table], values: Mapping[str, Any]) -> Table:
    """Return the settings of a table with the values that a signature has taken: ``settings_from(Settings, locals())``.

    Args:
        table: of the settings.
        values: by name; those that are no settings are left out, and settings that are not among them have their
            default.

    Example:
        >>> from dataclasses import make_dataclass
        >>> Settings = make_dataclass("Settings", [("n_init", int, setting(10, meaning="starts"))])
        >>> settings_from(Settings, {"n_init": 3, "other": 1})
        Settings(n_init=3)
    """
    return table(**{one.name: values[one.name] for one in _settings(table) if one.name in values})


def with_meanings(
    *tables: type, names: Mapping[str, str] | None = None, null: str = "null"
) -> Callable[[Target], Target]:
    """Write what the parameters of a class or function mean into its docstring.

    The line ``{settings}`` of the docstring gives way to a line for each parameter that is a setting of a table and not
    described already.

    Args:
        tables: of the settings.
        names: parameters that are called otherwise than their setting, with the name of that.
        null: what None is called.

    Example:
        >>> from dataclasses import make_dataclass
        >>> Settings = make_dataclass("Settings", [("n_init", int, setting(10, meaning="starts"))])
        >>> @with_meanings(Settings)
        ... def cluster(n_init: int) -> None:
        ...     '''Cluster points.
        ...
        ...     Args:
        ...         {settings}
        ...     '''
        >>> cluster.__doc__.splitlines()[3].strip()
        'n_init: starts'
    """
    meanings = {one.name: one.metadata["meaning"].replace("null", null) for table in tables for one in _settings(table)}

    def document(target: Target) -> Target:
        if target.__doc__ is None:  # python -OO
            return target
        indent = re.search(rf"^( *){re.escape(PLACE)}$", target.__doc__, re.MULTILINE)
        if indent is None:
            raise ValueError(f"{target.__name__}: expected a line {PLACE} in the docstring")
        lines = []
        for parameter in inspect.signature(target).parameters:
            name = (names or {}).get(parameter, parameter)
            if name in meanings and not re.search(rf"^ +{parameter}: ", target.__doc__, re.MULTILINE):
                lines += textwrap.wrap(
                    f"{parameter}: {meanings[name]}",
                    width=120,
                    initial_indent=indent[1],
                    subsequent_indent=f"{indent[1]}    ",
                    break_on_hyphens=False,
                )
        target.__doc__ = target.__doc__.replace(indent[0], "\n".join(lines))
        return target

    return document


def _settings(table: type) -> list[Field[Any]]:
    return [one for one in fields(table) if "meaning" in one.metadata]


def _alternatives(annotation: Any, ranges: tuple[Any, ...]) -> list[Any]:
    """Return what a value may be: the parts of its type, with the ranges in place of plain numbers and lists."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    of_lists = [one for one in ranges if isinstance(one, ListOf)]
    of_numbers = [one for one in ranges if not isinstance(one, ListOf)]
    alternatives: list[Any] = []
    for part in parts:
        if get_origin(part) is list:
            alternatives += of_lists or [ListOf(_alternatives(get_args(part)[0], ()))]
        elif part in (int, float):
            alternatives += of_numbers or [part]
        else:
            alternatives.append(None if part is NoneType else part)
    return alternatives
