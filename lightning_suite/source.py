"""Reads Python modules as text: where a module is, what it defines, what a function is for. Imports none of them.

``importlib.util.find_spec("package.module")`` would import ``package``, and with it perhaps torch. The finders are
therefore asked one level at a time. What the text does not show plainly is taken to be right: a regular expression
may accuse only where there is no doubt.
"""

import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

_FOREIGN = {
    "object", "ABC", "abc.ABC", "Protocol", "Enum", "dict", "nn.Module", "torch.nn.Module", "nn.Sequential",
    "Dataset", "IterableDataset", "torch.utils.data.Dataset", "torch.utils.data.IterableDataset", "DataLoader",
}  # fmt: skip

_CLASS = re.compile(r"^class\s+(?P<name>\w+)(?:\[[^\]]*\])?\s*(?:\((?P<bases>[^)]*)\))?\s*:", re.MULTILINE)
_DEFINED = re.compile(r"^(?:class|def|async\s+def)\s+(\w+)", re.MULTILINE)


def locate(module: str) -> ModuleSpec | None:
    """Find a module without importing it or its parents; None when there is none."""
    spec: ModuleSpec | None = None
    name = ""
    for part in module.split("."):
        inside = None if spec is None else spec.submodule_search_locations
        if spec is not None and inside is None:
            return None  # a module that is no package has nothing inside
        name = f"{name}.{part}" if name else part
        loaded = sys.modules.get(name)
        spec = getattr(loaded, "__spec__", None) or _ask_finders(name, list(inside) if inside is not None else None)
        if spec is None:
            return None
    return spec


def folder(module: str) -> Path | None:
    """The folder of a package, or the one that a plain module lies in."""
    spec = locate(module)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin).parent if spec.origin else None


def text(module: str) -> str | None:
    """The source of a module; None when it is not there or not in Python."""
    spec = locate(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        return Path(spec.origin).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def may_define(source: str, name: str) -> bool:
    """Whether a module can have an attribute; False only where its text shows that it cannot."""
    if name in names(source):  # the common case; a pattern of its own for every name takes long to compile
        return True
    word = re.escape(name)
    return bool(
        re.search(
            rf"^[ \t]*(?:class|def|async\s+def|type)\s+{word}\b"
            rf"|^[^#\n]*\b{word}\b[^=\n]*=(?!=)"
            rf"|\bimport\b[^#\n]*\b{word}\b"
            rf"|\bimport\s*\([^)]*\b{word}\b"
            rf"|\bas\s+{word}\b"
            r"|\bimport\s*\*|\b__getattr__\b|\bglobals\(\)|\bsetattr\(",
            source,
            re.MULTILINE,
        )
    )


def names(source: str) -> list[str]:
    """The classes and functions that a module defines at its top level."""
    return _DEFINED.findall(source)


def plainly_not(source: str, name: str, lightning_class: str) -> str:
    """What a class derives from, when its text shows that it is not from ``pytorch_lightning``; otherwise nothing.

    Args:
        source: text of the module that defines the class.
        name: of the class.
        lightning_class: what it should be, ``LightningModule`` or ``LightningDataModule``.
    """
    bases = _bases(source, name, seen=set())
    if bases is None:
        return ""
    if lightning_class in {base.rpartition(".")[2] for base in bases}:
        other = re.search(r"^\s*(?:import|from)\s+(lightning(?:\.pytorch)?)\b(?!_)", source, re.MULTILINE)
        return f"{lightning_class} of the package 'lightning'" if other and "pytorch_lightning" not in source else ""
    lightning_classes = {"LightningModule", "LightningDataModule"}
    if all(base in _FOREIGN or base.rpartition(".")[2] in lightning_classes for base in bases):
        return ", ".join(sorted(bases)) or "object"
    return ""


def help_line(source: str | None, function: str) -> str:
    """First line of the docstring of a function or, for an empty name, of the module; empty when there is none."""
    if source is None:
        return ""
    start, end = 0, len(source)
    if function:
        found = re.search(rf"^(?:async\s+)?(?:def|class)\s+{re.escape(function)}\b", source, re.MULTILINE)
        if found is None:
            return ""
        following = re.compile(r"^\S", re.MULTILINE)
        # The closing parenthesis of a long signature also stands in the first column: it opens no new statement.
        start = found.end()
        end = next((next_.start() for next_ in following.finditer(source, start) if next_[0] not in ")]#"), end)
    quoted = re.search(r"(?:^|:)\s*[rR]?(\"\"\"|''')\s*(.*?)\s*(?:\n|\1)", source[start:end])
    return quoted[2] if quoted else ""


def first_parameter(source: str | None, function: str) -> str:
    """The name of a function's first parameter; empty when it has none that is positional, or is not to be found."""
    found = re.search(rf"^(?:async\s+)?def\s+{re.escape(function)}\s*\(\s*(\w+)", source or "", re.MULTILINE)
    return found[1] if found else ""


def _ask_finders(name: str, inside: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, inside) if hasattr(finder, "find_spec") else None
        if spec is not None:
            return spec
    return None


def _bases(source: str, name: str, seen: set[str]) -> set[str] | None:
    """Bases of a class of this module, those of the module's own classes replaced by theirs; None when unknown."""
    seen.add(name)
    classes = {found["name"]: found["bases"] or "" for found in _CLASS.finditer(source)}
    if name not in classes:
        return None
    result: set[str] = set()
    for written in classes[name].split(","):
        base = written.strip()
        if not base or base.startswith(("metaclass=", "#")):
            continue
        inherited = None if base in seen else _bases(source, base, seen)
        result |= {base} if inherited is None else inherited
    return result or {"object"}
