"""Takes a record from the source of its module, where it is written in literals, so that nothing has to be imported.

That is so for ordinary plugins: ``plugin = Plugin(name="echo", ...)`` among imports, functions and classes. A module
that does more when it is imported, such as to call something, or that imports what is not there, is not taken: only its
import shows whether it has a record.
"""

import ast
from importlib.util import resolve_name

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import source

LONGEST = 100_000
"""Characters of a module that is read: to parse them takes a fifth of a second."""

_HOMES = {"lightning_suite", "lightning_suite.plugin"}


def record(module: str, attribute: str) -> Plugin | None:
    """Return the record that a module holds under a name; None where its source does not tell."""
    spec = source.locate(module)
    code = source.text(spec)
    if spec is None or code is None or len(code) > LONGEST:
        return None
    tree = source.tree(code)
    if tree is None:
        return None
    made = [node for node in tree.body if isinstance(node, ast.Assign) and _is_record(node, attribute)]
    others = [node for node in tree.body if node not in made]
    if len(made) != 1 or not _imports_class(others) or not all(_is_inert(node, spec.parent) for node in others):
        return None
    if any(attribute in _names(node) for node in others):
        return None
    assert isinstance(made[0].value, ast.Call)
    try:
        return Plugin(**{word.arg or "": ast.literal_eval(word.value) for word in made[0].value.keywords})
    except (TypeError, ValueError, RecursionError):  # no literal, or a word that Plugin does not know
        return None


def _is_record(node: ast.Assign, attribute: str) -> bool:
    """Return whether a statement is ``attribute = Plugin(word=..., ...)``."""
    return (
        _names(node) == {attribute}
        and isinstance(node.value, ast.Call)
        and not node.value.args
        and ast.unparse(node.value.func) == "Plugin"
    )


def _imports_class(nodes: list[ast.stmt]) -> bool:
    """Return whether some statements import ``Plugin`` from this package."""
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module in _HOMES and not node.level]
    return any(alias.name == "Plugin" and alias.asname is None for node in imports for alias in node.names)


def _names(node: ast.stmt) -> set[str]:
    """Return the names that an assignment, or a definition, binds."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {ast.unparse(target) for target in targets}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    return {getattr(node, "name", "")}


def _is_inert(node: ast.stmt, package: str) -> bool:
    """Return whether a statement of a module does nothing but define names, of what can be found."""
    match node:
        case ast.Import():
            return all(source.locate(alias.name) for alias in node.names)
        case ast.ImportFrom():
            module = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            return bool(module and source.locate(module))
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return not any(map(_does_something, [node.args, *node.decorator_list]))
        case ast.ClassDef():
            head = [*node.bases, *node.keywords, *node.decorator_list]
            return not any(map(_does_something, head)) and all(_is_inert(inside, package) for inside in node.body)
        case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=[]) | ast.Pass():
            return True
        case ast.Assign() | ast.AnnAssign():
            return not _does_something(node)
        case ast.Expr():
            return isinstance(node.value, ast.Constant)  # a docstring
    return False


def _does_something(node: ast.AST) -> bool:
    """Return whether an expression calls or computes."""
    return any(
        isinstance(part, ast.Call | ast.BinOp | ast.Await | ast.Yield | ast.comprehension) for part in ast.walk(node)
    )
