"""Which jets a condition on their columns selects: ``contained``, or ``jet_pt > 550 and jet_pt < 650``.

The condition is one expression in Python's syntax, but nothing of Python runs: its syntax tree may only hold what
`_value` names, which numpy computes for all jets at once. (``numexpr`` and ``pandas.eval`` would be dependencies more,
and reach Python's attributes, calls and variables, where a run from elsewhere may bring the expression.)
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import no_such

Values = NDArray[Any]

GRAMMAR = (
    "names of columns, numbers and 'texts', and or not, < <= > >= == != in, + - * / ** %, abs, sqrt, log, isfinite"
)

_FUNCTIONS: Mapping[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "isfinite": np.isfinite,
}
_OPERATORS: Mapping[type, Callable[..., Values]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.float_power,
    ast.Mod: np.mod,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.In: np.isin,
    ast.NotIn: lambda values, among: ~np.isin(values, among),
}
_LOGICAL: Mapping[type, Callable[..., Values]] = {
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
}


def selected(expression: str, columns: Mapping[str, Values], path: Path) -> NDArray[np.bool_]:
    """Return which jets fulfil a condition, (jet,). A comparison with nan is false, but for ``!=``.

    Args:
        expression: the condition; see `GRAMMAR`. A column of 0 and 1 is a condition too.
        columns: (jet,) values by name.
        path: of the file, for messages.

    Raises:
        UsageError: the expression is no condition.
        DataError: the file lacks a column, or a column cannot be compared like this.

    Example:
        >>> columns = {"jet_pt": np.array([520.0, 600.0, 640.0]), "sample": np.array(["w", "w", "qcd"])}
        >>> selected("550 < jet_pt < 650 and sample == 'w'", columns, Path("w.parquet")).tolist()
        [False, True, False]
    """
    tree = _parsed(expression)
    for name in names_in(expression):
        if name not in columns:
            missing = no_such("column", name, sorted(columns), "there are")
            raise DataError(f"--data.select {expression!r}: {missing}\n--data.select null takes all jets", path)
    try:
        with np.errstate(all="ignore"):  # log(0), 1 / 0
            chosen = _condition(_value(tree, expression, columns), expression)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"--data.select {expression!r} cannot be computed of these columns: {reason}", path) from error
    return np.broadcast_to(chosen, len(next(iter(columns.values()))))


def names_in(expression: str) -> list[str]:
    """Return the columns that a condition names, in the order in which they come.

    Raises:
        UsageError: the expression is no condition.

    Example:
        >>> names_in("abs(jet_eta) < 1.5 and contained")
        ['jet_eta', 'contained']
    """
    found: list[str] = []

    def visit(node: ast.AST) -> None:
        if (name := _dotted(node)) is not None:
            found.append(name)
            return
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.Call) and child is node.func):
                visit(child)

    visit(_parsed(expression))
    return list(dict.fromkeys(found))


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # of zero bytes; nested too deeply
        reason = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        raise UsageError(f"--data.select {expression!r} is no condition: {reason}; expected {GRAMMAR}") from error


def _value(node: ast.expr, expression: str, columns: Mapping[str, Values]) -> Values:
    """Return what a part of the expression is for each jet, (jet,), or for all."""

    def value(part: ast.expr) -> Values:
        return _value(part, expression, columns)

    def condition(part: ast.expr) -> Values:
        return _condition(value(part), expression)

    name = _dotted(node)
    if name is not None:
        return _widened(columns[name])
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as constant):
            return np.asarray(float(constant) if isinstance(constant, int) and abs(constant) > 2**53 else constant)
        case ast.Tuple() | ast.List() | ast.Set() if all(isinstance(part, ast.Constant) for part in node.elts):
            return np.array([value(part).item() for part in node.elts])
        case ast.BoolOp():
            return reduce(_LOGICAL[type(node.op)], map(condition, node.values))
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return np.logical_not(condition(node.operand))
        case ast.UnaryOp():
            return _OPERATORS[type(node.op)](value(node.operand))
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return _LOGICAL[type(node.op)](condition(node.left), condition(node.right))
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        case ast.Compare() if all(type(operator) in _OPERATORS for operator in node.ops):
            sides = [value(side) for side in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
            return reduce(np.logical_and, [_compared(operator, *two) for operator, *two in pairs])
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _FUNCTIONS:
            return _FUNCTIONS[function](value(argument))
    part = ast.get_source_segment(expression.strip(), node) or type(node).__name__
    raise UsageError(f"--data.select {expression!r}: {part!r} is not understood; expected {GRAMMAR}")


def _widened(values: Values) -> Values:
    """Return whole numbers in 64 bits with a sign: the difference of two counts of 32 bits may be below 0."""
    if values.dtype.kind in "iu" and values.max(initial=0) < 2**63:
        return values.astype(np.int64, copy=False)
    return values


def _compared(operator: ast.cmpop, left: Values, right: Values) -> Values:
    if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
        raise TypeError("a text is compared with a number")
    return _OPERATORS[type(operator)](left, right)


def _condition(values: Values, expression: str) -> NDArray[np.bool_]:
    """Return values as true or false; 1 and 0 are these too, as files write them."""
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise UsageError(
            f"--data.select {expression!r}: expected conditions, such as jet_pt > 550, joined by and, or, not; "
            f"got values such as {values.flat[0].item()!r}"
        )
    return values.astype(np.bool_)


def _dotted(node: ast.AST) -> str | None:
    """Return the name of a column, whose dots (``EFlow.PT``) Python reads as attributes; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def left_out(names: Sequence[str], labels: NDArray[np.int64], chosen: NDArray[np.bool_]) -> str:
    """Return how many jets of each class a selection leaves out: "9 of 100 w, 3 of 80 qcd".

    Args:
        names: of the classes, by label.
        labels: (jet,) below 0 for jets of no class, which are not counted.
        chosen: (jet,) the selection.
    """
    of_class = [(name, labels == label) for label, name in enumerate(names)]
    counts = [(np.count_nonzero(of & ~chosen), np.count_nonzero(of), name) for name, of in of_class if of.any()]
    return ", ".join(f"{out:,} of {jets:,} {name}" for out, jets, name in counts) or "none"
