"""Decides what a run folder, a checkpoint or a config file may cause to be imported without asking.

An installed plugin that is named by its name, and classes within ``LISTED`` or the plugin's own package, may always be
imported. Anything else is imported when the user asks for it, by ``--trust`` or by naming the plugin in ``--plugin``,
and for a run that this user trained: its settings are signed with a key that lies in the user's state folder and never
leaves it, so nobody else can make such a run. Without a key (no home folder) every run is one from elsewhere.

``lightning_internals.imports_limited`` holds jsonargparse, which imports what a value names, to ``listed_for``.
"""

import contextlib
import itertools
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin

FRAMEWORKS = {"lightning", "lightning_fabric", "pytorch_lightning", "torch", "torchmetrics"}

LISTED = (
    *(
        f"{package}.{part}"
        for package in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")
        for part in ("accelerators", "callbacks", "loggers", "plugins", "profilers", "strategies")
    ),
    *("torch.distributed.fsdp", "torch.nn", "torch.optim", "torch.utils.data"),
    "torchmetrics",
)
"""Where the classes are defined that settings may name. Not all of these packages: they also have functions that load
pickles, download or compile."""

DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


class Asked(NamedTuple):
    """What the user asked for: trust in what a run names, the plugin of ``--plugin``, and the command."""

    trust: bool = False
    plugin: str = ""
    command: str = ""


NOTHING = Asked()
_asked: ContextVar[Asked] = ContextVar("_asked", default=NOTHING)


@contextlib.contextmanager
def asked(trust: bool, words: Sequence[str] = (), *, plugin: str | None = None) -> Iterator[None]:
    """Trust what runs name, where that is wanted, until the end of the block; ``suite --trust`` is this.

    Args:
        trust: whether it is wanted; inside a block that trusts, False changes nothing.
        words: the command line without ``suite`` and ``--trust``.
        plugin: what a call in Python named.
    """
    outer = _asked.get()
    named = [] if plugin is None else [plugin]
    named += [second for first, second in itertools.pairwise(words) if first == "--plugin"]
    named += [word.partition("=")[2] for word in words if word.startswith("--plugin=")]
    again = shlex.join(["suite", *words, "--trust"]) if words else outer.command
    token = _asked.set(Asked(trust or outer.trust, (named or [outer.plugin])[-1], again))
    try:
        yield
    finally:
        _asked.reset(token)


def signature(settings: Mapping[str, Any]) -> str | None:
    """Return the user's signature of what settings can name: their plugin, and every text among the options.

    None where the user's key can be neither read nor made.
    """
    import hmac  # here, because the light verbs import this module

    key = _key()
    texts = {str(settings.get("plugin"))} | {value for _, value in _values(settings) if isinstance(value, str)}
    return None if key is None else hmac.new(key, json.dumps(sorted(texts)).encode(), "sha256").hexdigest()


def is_trusted(settings: Mapping[str, Any], signed: object) -> bool:
    """Return whether the user asked for trust, or signed what these settings name by training with them."""
    if _asked.get().trust:
        return True
    import hmac

    expected = signature(settings) if isinstance(signed, str) else None
    return expected is not None and hmac.compare_digest(expected.encode(), str(signed).encode("utf-8", "replace"))


def refuse_plugin(plugin: str, where: str | Path) -> None:
    """Refuse the plugin that settings, which are not trusted, name by its path; nothing is imported.

    Raises:
        UsageError: they do, and the user did not name it.
    """
    if is_path(plugin) and not is_named(plugin):
        refuse([("plugin", plugin)], where)


def unlisted_classes(settings: Mapping[str, Any], plugin: Plugin) -> list[tuple[str, str]]:
    """Return place and value of every ``class_path`` in the settings of a plugin's run that is not listed."""
    listed = listed_for(plugin)
    return [
        (place.removesuffix(".class_path"), path)
        for place, path in _values(settings)
        if place.endswith(".class_path") and isinstance(path, str) and "." in path
        if not any(f"{path}.".startswith(f"{one}.") for one in listed)
    ]


def refuse(unlisted: Sequence[tuple[str, str]], where: str | Path) -> None:
    """Raise the error of what settings name and may not import, each with its place in them; nothing for nothing.

    Raises:
        UsageError: there is something.
    """
    if not unlisted:
        return
    lines = [f"  {place}: {path}"[:200] for place, path in unlisted[:2]]
    more = [f"  and {len(unlisted) - 2} more"] if unlisted[2:] else []
    raise UsageError(
        "\n".join(
            [
                f"{where} names code that would be imported, and is not from a run that you trained here:",
                *lines,
                *more,
                f"Only if you trust whoever made it: {command()}",
            ]
        )
    )


def command() -> str:
    """Return how to say that one trusts what a run names: the present command with ``--trust``."""
    return _asked.get().command or "trust=True in Python, --trust after a command"


def listed_for(plugin: Plugin) -> list[str]:
    """Return the packages and modules whose classes the settings of a plugin's run may name."""
    roots = {_root(plugin.origin.value), _root(plugin.module), _root(plugin.data)}
    return [*LISTED, *sorted(root for root in roots if root.isidentifier() and root not in FRAMEWORKS)]


def typed_names(words: Sequence[str]) -> list[str]:
    """Return what looks like a class path on a command line: what the user types may be imported.

    Example:
        >>> typed_names(["--trainer.callbacks=mine.Stop", "--model.width", "3"])
        ['mine.Stop']
    """
    values = [word.partition("=")[2] if word.startswith("--") else word for word in words]
    return [name for value in values for name in DOTTED.findall(value)]


def is_path(plugin: str) -> bool:
    """Return whether a plugin is named by the path of its record, not by its name."""
    return ":" in plugin or plugin.endswith(".py")


def is_named(plugin: str) -> bool:
    """Return whether the user named this plugin, by name or path, in ``--plugin``."""
    named = _asked.get().plugin
    return bool(named) and _absolute(named) == _absolute(plugin)


def _values(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the place and value of everything in the options, each object once."""
    waiting = [(group, settings[group]) for group in ("model", "data", "trainer") if group in settings]
    seen = set()
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, Mapping | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            inner = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += [(f"{place}.{name}", one) for name, one in inner]


def _absolute(plugin: str) -> str:
    path, colon, attribute = plugin.rpartition(":")
    return f"{os.path.realpath(path)}{colon}{attribute}" if path.endswith(".py") else plugin


def _root(path: str) -> str:
    """Return the outermost package of ``package.module:attribute``, the stem of ``path/to/file.py:attribute``."""
    module = path.partition("[")[0].strip().rpartition(":")[0] or path
    return Path(module).stem if module.endswith(".py") else module.split(".")[0]


def _key() -> bytes | None:
    """Return the user's key, which the first training makes."""
    home = os.environ.get("XDG_STATE_HOME")
    try:
        file = (Path(home) if home else Path.home() / ".local" / "state") / "lightning-suite" / "key"
        with contextlib.suppress(FileNotFoundError):
            return file.read_bytes() or None
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".key-{os.urandom(6).hex()}")
        unfinished.touch(0o600, exist_ok=False)
        unfinished.write_bytes(os.urandom(32).hex().encode())
        with contextlib.suppress(FileExistsError):  # another process was first
            os.link(unfinished, file)
        unfinished.unlink()
        return file.read_bytes() or None
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        return None
