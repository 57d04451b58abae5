"""Reads the options of a class from its source: names, defaults, choices and meanings; nothing is imported."""

import ast
import contextlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

from lightning_suite.plugins import source

DEEPEST = 5
"""Modules that a name is followed through."""

_ENTRY = re.compile(r" {4}(\w+)(?: \([^)]*\))?: *(.*)")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a class as its source shows it.

    Attributes:
        default: its value, or the source of it where that is no literal; None for a required one too.
        is_required: whether it has no default.
        choices: the texts that it may be, where the annotation lists them.
        meaning: what the docstring says of it, on one line.
        kinds: all that it may be: these texts, null, and the names of Python's types; none where it may be more.
    """

    default: Any
    is_required: bool
    choices: tuple[str, ...]
    meaning: str
    kinds: tuple[str, ...] = ()


def parameters(path: str) -> dict[str, Parameter] | None:
    """Return the parameters of a class by name, or None where its source does not show all of them.

    It does not where a base class or ``**kwargs`` may add some.

    Args:
        path: of the class, ``package.module:Class``.

    Example:
        >>> parameters("lightning_suite.options.settings:Settings")["mode"]
        Parameter(default='min', is_required=False, choices=('min', 'max'), meaning='whether its smallest or its \
largest value is best', kinds=('min', 'max'))
    """
    module, _, name = path.partition(":")
    home, node = _home_of_class(module, name)
    if node is None or (arguments := _arguments(node)) is None:
        return None
    meanings, known = _meanings(node), dict(_written(node))
    found = {}
    for argument in arguments:
        written = known.get(argument.arg)
        try:
            default = None if written is None else _value(home, written, DEEPEST)
        except ValueError:
            default = ast.unparse(written) if written else None
        meaning = meanings.get(argument.arg) or _meaning_of_setting(home, written)
        choices, kinds = (tuple(read(home, argument.annotation)) for read in (_choices, _kinds))
        found[argument.arg] = Parameter(default, written is None, choices, meaning, kinds if all(kinds) else ())
    return found


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
    home, node = _home_of_class(module, name)
    values = {}
    for parameter, value in _written(node) if node else ():
        with contextlib.suppress(ValueError):
            values[parameter] = _value(home, value, deepest)
    return values


def _home_of_class(module: str, name: str) -> tuple[str, ast.ClassDef | None]:
    """Return the module that defines a class, which another may import, and the definition; None without one."""
    for _ in range(DEEPEST):
        tree = _tree(module)
        node = source.definition(tree, name)
        if node is not None:
            return module, node if isinstance(node, ast.ClassDef) else None
        module = _imported_from(tree, name)
    return module, None


def _arguments(node: ast.ClassDef) -> list[ast.arg] | None:
    """Return the parameters of a class, of one without constructor its fields; None where there may be others."""
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            given = inner.args
            if given.vararg or given.kwarg:
                return None
            return [*given.posonlyargs, *given.args, *given.kwonlyargs][1:]
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        fields = [inner for inner in node.body if isinstance(inner, ast.AnnAssign)]
        return [ast.arg(one.target.id, one.annotation) for one in fields if isinstance(one.target, ast.Name)]
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return [] if bases and bases <= source.LIGHTNING_CLASSES else None


def _meanings(node: ast.ClassDef) -> dict[str, str]:
    """Return what the docstring of a class, or of its constructor, says of the parameters, each on one line."""
    found: dict[str, str] = {}
    inside = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    parts: list[ast.ClassDef | ast.FunctionDef] = [node, *inside]
    for part in parts:
        docstring = inspect.cleandoc(ast.get_docstring(part) or "")
        for section in re.findall(r"^(?:Args|Attributes):\n((?: +.*\n?|\n(?= ))+)", docstring, re.MULTILINE):
            name = ""
            for line in section.splitlines():
                if entry := _ENTRY.fullmatch(line):
                    name, found[entry[1]] = entry[1], entry[2]
                elif name and not re.fullmatch(r" *\{\w+\}", line):  # a place that is filled when the class is made
                    found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _meaning_of_setting(module: str, written: ast.expr | None) -> str:
    """Return the meaning of the setting that a default names: `lightning_suite.setting`; empty for any other."""
    match written:
        case ast.Attribute(value=ast.Name(id=table), attr=name):
            with contextlib.suppress(ValueError):
                home, made = _assigned(module, table)
                if isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
                    node = _home_of_class(home, made.func.id)[1]
                    match dict(_written(node)).get(name) if node else None:
                        case ast.Call(func=ast.Name("setting"), keywords=[*keywords]):
                            texts = [one.value for one in keywords if one.arg == "meaning"]
                            return str(ast.literal_eval(texts[0])) if texts else ""
    return ""


def _choices(module: str, annotation: ast.expr | None) -> list[str]:
    """Return the texts that an annotation lists as ``Literal``, also under a name and among other types."""
    match annotation:
        case ast.Subscript(value=ast.Name("Literal") | ast.Attribute(attr="Literal"), slice=listed):
            parts = listed.elts if isinstance(listed, ast.Tuple) else [listed]
            return [str(part.value) for part in parts if isinstance(part, ast.Constant)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_choices(module, left), *_choices(module, right)]
        case ast.Name(id=name) if name not in ("int", "float", "str", "bool"):
            with contextlib.suppress(ValueError):
                return _choices(*_assigned(module, name))
        case ast.Name("bool"):
            return ["true", "false"]
    return []


def _kinds(module: str, annotation: ast.expr | None) -> list[str]:
    """Return all that an annotation lists, as one types it; an empty text for what is no plain type of Python."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_kinds(module, left), *_kinds(module, right)]
        case ast.Constant(None):
            return ["null"]
        case ast.Subscript(value=ast.Name("Literal") | ast.Attribute(attr="Literal")):
            return _choices(module, annotation)
        case ast.Subscript(value=ast.Name("list" | "tuple" | "dict" as name), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            kinds = ["..." if ast.unparse(part) == "..." else " or ".join(_kinds(module, part)) for part in parts]
            return [f"{name}[{', '.join(kinds)}]" if all(kinds) else ""]
        case ast.Name("int" | "float" | "str" | "bool" as name):
            return [name]
        case ast.Name(id=name):
            with contextlib.suppress(ValueError):
                return _kinds(*_assigned(module, name))
    return [""]


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
