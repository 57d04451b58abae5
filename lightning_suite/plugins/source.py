"""Reads Python modules without importing them: where one lies, what it defines, what a function is for.

``importlib.util.find_spec("package.module")`` would import ``package``, and with it perhaps torch. The finders are
therefore asked one level at a time. What a module defines is read from its syntax tree, and whatever the tree does not
show plainly is taken to be right.
"""

import ast
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

LIGHTNING_CLASSES = {"LightningModule", "LightningDataModule"}

# Bases that are known to be no classes of Lightning's.
_OTHER_BASES = {
    "object", "ABC", "abc.ABC", "Protocol", "Enum", "dict", "nn.Module", "torch.nn.Module", "nn.Sequential",
    "Dataset", "IterableDataset", "torch.utils.data.Dataset", "torch.utils.data.IterableDataset", "DataLoader",
}  # fmt: skip

# A module that uses one of these may define any name.
_DEFINES_ANYTHING = {"__getattr__", "exec", "globals", "locals", "setattr", "vars"}

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def locate(module: str) -> ModuleSpec | None:
    """Return where a module lies, without importing it or its parents; None when it does not exist.

    Example:
        >>> locate("no_such_package.module") is None
        True
    """
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
    """Return the folder of a package, or the one that a plain module lies in."""
    spec = locate(module)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin).parent if spec.origin else None


def text(spec: ModuleSpec | None) -> str | None:
    """Return the source of a module that was located; None when it does not exist or is not written in Python."""
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        return Path(spec.origin).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


@cache
def tree(code: str | None) -> ast.Module | None:
    """Return the syntax tree of some code; None when there is none, or it is no Python of this version."""
    try:
        return None if code is None else ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None


def names(module: ast.Module) -> list[str]:
    """Return the classes and functions that a module defines at its top level.

    Example:
        >>> names(ast.parse("def fold(): ..."))
        ['fold']
    """
    return [node.name for node in module.body if isinstance(node, _Definition)]


def may_define(module: ast.Module, name: str) -> bool:
    """Return whether a module can have an attribute; False only where its tree shows that it cannot."""
    return any(_defined_by(node) in {name, "*"} | _DEFINES_ANYTHING for node in ast.walk(module))


def wrong_bases(module: ast.Module, name: str, lightning_class: str) -> str:
    """Describe a class whose tree shows that it does not derive from ``pytorch_lightning``; return "" where in doubt.

    Args:
        module: the module that defines the class.
        name: of the class.
        lightning_class: what it should be, ``LightningModule`` or ``LightningDataModule``.
    """
    bases = _bases(module, name, seen=set())
    last_words = {base.rpartition(".")[2] for base in bases}
    if lightning_class in last_words:
        return ""
    if bases and all(base in _OTHER_BASES or base.rpartition(".")[2] in LIGHTNING_CLASSES for base in bases):
        return f"a class derived from {', '.join(sorted(bases))}"
    return ""


def help_line(module: ast.Module | None, function: str = "") -> str:
    """Return the first line of the docstring of a function or, without a name, of the module; "" without docstring."""
    node = module if not function else definition(module, function)
    docstring = ast.get_docstring(node) if node else None
    return docstring.strip().partition("\n")[0].rstrip() if docstring else ""


def help_line_of(path: str) -> str:
    """Return the same of the function at a path, ``module:function``."""
    module, _, function = path.partition(":")
    return help_line(tree(text(locate(module))), function)


def first_parameter(module: ast.Module | None, function: str) -> str:
    """Return the name of a function's first positional parameter; "" without one, or without the function."""
    node = definition(module, function)
    if node is None or isinstance(node, ast.ClassDef):
        return ""
    return next((argument.arg for argument in [*node.args.posonlyargs, *node.args.args]), "")


def takes_a_run(path: str) -> bool:
    """Return whether the first parameter of the function at a path, ``module:function``, is a run."""
    module, _, function = path.partition(":")
    return first_parameter(tree(text(locate(module))), function) == "run"


def keywords(path: str) -> list[str]:
    """Return the names of the keyword-only parameters of the function at a path, ``module:function``.

    Example:
        >>> keywords("textwrap:wrap")
        []
    """
    module, _, function = path.partition(":")
    node = definition(tree(text(locate(module))), function)
    return [] if node is None or isinstance(node, ast.ClassDef) else [one.arg for one in node.args.kwonlyargs]


def definition(module: ast.Module | None, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    """Return the class or function that a module defines under a name at its top level."""
    body = [] if module is None else module.body
    return next((node for node in body if isinstance(node, _Definition) and node.name == name), None)


def _ask_finders(name: str, inside: list[str] | None) -> ModuleSpec | None:
    specs = (finder.find_spec(name, inside) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next(filter(None, specs), None)


def _defined_by(node: ast.AST) -> str:
    """Return the name that a statement or an assignment defines; also that of a function which may define any name."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Store) or node.id in _DEFINES_ANYTHING else ""
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    return node.name if isinstance(node, _Definition) else ""


def _bases(module: ast.Module, name: str, seen: set[str]) -> set[str]:
    """Return the bases of a class, those of the module's own classes replaced by theirs; empty when it is unknown."""
    seen.add(name)
    node = definition(module, name)
    if not isinstance(node, ast.ClassDef):
        return set()
    bases: set[str] = set()
    for base in map(ast.unparse, node.bases):
        bases |= (set() if base in seen else _bases(module, base, seen)) or {base}
    return bases or {"object"}
