"""Reads the defaults of a class's options from its source, as far as it shows them plainly; nothing is imported."""

import ast
import contextlib
from typing import Any

from lightning_suite.plugins import source

DEEPEST = 5
"""Modules that a name is followed through."""


def defaults(path: str) -> dict[str, Any]:
    """Return the defaults of the parameters of a class, or of the fields of a dataclass; those that are literals.

    A default may also be a name for a literal, of another module too, or an attribute of a table of
    settings: `lightning_suite.setting`.

    Args:
        path: of the class, ``package.module:Class``.

    Example:
        >>> defaults("lightning_suite.options.settings:Settings")["monitor"]
        'val_loss'
    """
    module, _, name = path.partition(":")
    return _of_class(module, name, DEEPEST)


def _of_class(module: str, name: str, deepest: int) -> dict[str, Any]:
    tree = _tree(module)
    node = source.definition(tree, name)
    if node is None:
        home = _imported_from(tree, name)
        return _of_class(home, name, deepest - 1) if home and deepest else {}
    values = {}
    for parameter, value in _written(node):
        with contextlib.suppress(ValueError):
            values[parameter] = _value(module, value, deepest)
    return values


def _written(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """Return the parameters of a class that have defaults, with these; for a class without constructor its fields."""
    body: list[ast.stmt] = getattr(node, "body", [])
    for inner in body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            given = inner.args
            by_place = [*given.posonlyargs, *given.args]
            pairs = [*zip(by_place[len(by_place) - len(given.defaults) :], given.defaults, strict=True)]
            pairs += [(one, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value]
            return [(one.arg, value) for one, value in pairs]
    return [
        (inner.target.id, inner.value)
        for inner in body
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.value
    ]


def _value(module: str, node: ast.expr, deepest: int) -> Any:
    """Return the value of an expression of a module.

    Raises:
        ValueError: the source does not show it plainly.
    """
    match node:
        case ast.Name(id=name) if deepest:
            return _value(*_assigned(module, name), deepest - 1)
        case ast.Attribute(value=ast.Name(id=table), attr=name) if deepest:
            inner = f"{_imported_from(_tree(module), table)}.{table}"
            if not inner.startswith(".") and source.locate(inner):
                return _value(*_assigned(inner, name), deepest - 1)
            home, made = _assigned(module, table)
            if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and not (made.args or made.keywords):
                fields = _of_class(home, made.func.id, deepest - 1)
                if name in fields:
                    return fields[name]
        case ast.Call(func=ast.Name("setting"), args=[first, *_]):
            return _value(module, first, deepest)
    try:
        return ast.literal_eval(node)
    except (TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(ast.unparse(node)) from error


def _assigned(module: str, name: str) -> tuple[str, ast.expr]:
    """Return what a name of a module stands for, and the module that assigns it.

    Raises:
        ValueError: the source does not show it.
    """
    for _ in range(DEEPEST):
        tree = _tree(module)
        for node in tree.body if tree else ():
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    return module, value
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                    return module, value
        module = _imported_from(tree, name)
    raise ValueError(name)


def _imported_from(tree: ast.Module | None, name: str) -> str:
    """Return the module that a module imports a name from, under the same name; "" if it does not."""
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom) and not node.level:
            if_there = [node.module for alias in node.names if alias.name == name and alias.asname is None]
            if if_there:
                return if_there[0] or ""
    return ""


def _tree(module: str) -> ast.Module | None:
    return source.tree(source.text(source.locate(module))) if module else None
