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


def record(module: str, attribute: str) -> Plugin | None:
    """Return the record that a module holds under a name; None where its source does not tell."""
    spec = source.locate(module)
    code = source.text(spec)
    if spec is None or code is None or len(code) > LONGEST:
        return None
    tree = source.tree(code)
    if tree is None:
        return None
    bound = [name for node in tree.body for name in _names(node)]
    made = next((node for node in tree.body if _is_record(node, attribute)), None)
    others = [node for node in tree.body if node is not made]
    if bound.count(attribute) != 1 or bound.count("Plugin") != 1 or not any(map(_imports_class, others)):
        return None
    if made is None or not all(_is_inert(node, spec.parent or "") for node in others):
        return None
    try:
        return Plugin(**{word.arg or "": ast.literal_eval(word.value) for word in made.value.keywords})  # type: ignore[attr-defined]
    except (TypeError, ValueError, RecursionError):  # no literal, or a word that Plugin does not know
        return None


def _is_record(node: ast.stmt, attribute: str) -> bool:
    """Return whether a statement is ``attribute = Plugin(word=..., ...)``."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name("Plugin"), args=[])):
            return bool(name == attribute)
    return False


def _imports_class(node: ast.stmt) -> bool:
    """Return whether a statement imports ``Plugin`` from this package."""
    match node:
        case ast.ImportFrom(module="lightning_suite" | "lightning_suite.plugin", level=0):
            return any(alias.name == "Plugin" and alias.asname is None for alias in node.names)
    return False


def _names(node: ast.stmt) -> list[str]:
    """Return the names that an assignment to names, an import or a definition binds."""
    match node:
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Import() | ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names]
    return [getattr(node, "name", "")]


def _is_inert(node: ast.stmt, package: str) -> bool:
    """Return whether a statement of a module does nothing but define names, of what can be found."""
    match node:
        case ast.Import():
            return all(source.locate(alias.name) for alias in node.names)
        case ast.ImportFrom():
            return _is_there(node, package)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return not any(map(_does_something, [node.args, *node.decorator_list]))
        case ast.ClassDef():
            head = [*node.bases, *node.keywords, *node.decorator_list]
            return not any(map(_does_something, head)) and all(_is_inert(inside, package) for inside in node.body)
        case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=[]) | ast.Pass():
            return True
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return all(isinstance(target, ast.Name) for target in targets) and not _does_something(node)
        case ast.Expr():
            return isinstance(node.value, ast.Constant)  # a docstring
    return False


def _is_there(node: ast.ImportFrom, package: str) -> bool:
    """Return whether the module exists from which names are imported, each by its name."""
    try:
        module = resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:  # above the topmost package
        return False
    return source.locate(module) is not None and all(alias.name != "*" for alias in node.names)


def _does_something(node: ast.AST) -> bool:
    """Return whether an expression calls, computes or binds."""
    kinds = ast.Call | ast.BinOp | ast.Await | ast.Yield | ast.NamedExpr | ast.comprehension
    return any(isinstance(part, kinds) for part in ast.walk(node))
