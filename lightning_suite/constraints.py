"""What the values of options may be, as a table: one line an option, one check, one wording of the message.

    CONSTRAINTS = {
        "hidden_dim": [Interval(int, 1)],
        "dropout": [Interval(float, 0, 1, closed="left")],
        "learning_rate": [Interval(float, 0, closed="neither"), None],
        "affinity": [Literal["rbf", "cosine"]],
        "kernels": [ListOf([Condition("an odd number above 0", lambda size: size > 0 and size % 2 == 1)], least=1)],
    }

    def __init__(self, hidden_dim: int = 300, ...) -> None:
        check(CONSTRAINTS, locals(), where="--model.")

An option may be any of what its list names: None, a plain type (``str``, ``bool``, ``int``, ``float``), a ``Literal``
of typing, or an object with ``expected``, words for the message, and ``accepts``, such as the classes below. The idea
is that of scikit-learn's ``_parameter_constraints``. A rule for two options together does not belong here: the plugin
checks it in words of its own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, Protocol, get_args, get_origin

from lightning_suite.errors import UsageError
from lightning_suite.spelling import did_you_mean


class Constraint(Protocol):
    """One thing that a value may be."""

    @property
    def expected(self) -> str:
        """What is expected, as the message says it: "a number above 0"."""

    def accepts(self, value: Any) -> bool:
        """Return whether the value is such a thing."""


def check(
    constraints: Mapping[str, Sequence[Any]],
    values: Mapping[str, Any],
    *,
    where: str = "",
    error: Callable[[str], Exception] = UsageError,
) -> None:
    """Raise an error for the first value that is none of what its constraints allow.

    Example:
        >>> check({"heads": [Interval(int, 1)]}, {"heads": 0}, where="--model.")
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: --model.heads: expected a whole number of 1 or more, got 0
        >>> check({"affinity": [Literal["rbf", "cosine"], None]}, {"affinity": "cosin"}, error=ValueError)
        Traceback (most recent call last):
        ValueError: affinity: expected one of rbf, cosine, or None, got 'cosin'. Did you mean 'cosine'?

    Args:
        constraints: what each option may be, any of several.
        values: of the options; others may be among them, so that ``locals()`` and ``vars(self)`` will do.
        where: what the message says before the name.
        error: makes the exception of a message.

    Raises:
        UsageError: or what ``error`` makes: a value is not allowed.
    """
    for name, alternatives in constraints.items():
        value, allowed = values[name], [_constraint(one) for one in alternatives]
        if not any(one.accepts(value) for one in allowed):
            choices = [str(choice) for one in allowed if isinstance(one, Choice) for choice in one.choices]
            hint = did_you_mean(value, choices) if isinstance(value, str) else ""
            message = f"{where}{name}: expected {_either(allowed)}, got {value!r}"
            if where.startswith("--"):
                message = message.replace("None", "null")  # as it is written there
            raise error(f"{message}{hint and f'. {hint}'}")


@dataclass(frozen=True)
class Interval:
    """A finite number between two bounds, also one of numpy's; a bool is not a number.

    Example:
        >>> Interval(float, 0, 1, closed="left").expected
        'a number from 0 to below 1'
        >>> Interval(int, 2).accepts(2.0), Interval(float, 2).accepts(2)
        (False, True)

    Attributes:
        kind: int for whole numbers, float for all.
        least: the lower bound; None means that there is none.
        most: the upper bound; None means that there is none.
        closed: which of the bounds are themselves allowed.
    """

    kind: type[int] | type[float]
    least: float | None = None
    most: float | None = None
    closed: Literal["both", "left", "right", "neither"] = "both"

    @property
    def expected(self) -> str:
        number = "a whole number" if self.kind is int else "a number"
        if self.least is None and self.most is None:
            return number
        least, most = (None if bound is None else f"{bound:,}" for bound in (self.least, self.most))
        if least is None:
            return f"{number} {'of at most' if self._with_most else 'below'} {most}"
        if most is None:
            return f"{number} of {least} or more" if self._with_least else f"{number} above {least}"
        if self._with_least:
            return f"{number} from {least} to {'' if self._with_most else 'below '}{most}"
        return f"{number} above {least}, at most {most}" if self._with_most else f"{number} between {least} and {most}"

    def accepts(self, value: Any) -> bool:
        kind: Any = Integral if self.kind is int else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        above = value > (-math.inf if self.least is None else self.least) or (self._with_least and value == self.least)
        below = value < (math.inf if self.most is None else self.most) or (self._with_most and value == self.most)
        return bool(above and below)

    @property
    def _with_least(self) -> bool:
        return self.closed in ("both", "left")

    @property
    def _with_most(self) -> bool:
        return self.closed in ("both", "right")


@dataclass(frozen=True)
class Choice:
    """One of some values; a ``Literal`` of typing says the same.

    Example:
        >>> Choice(("rbf", "cosine")).expected
        'one of rbf, cosine'
    """

    choices: tuple[Any, ...]

    @property
    def expected(self) -> str:
        words = ", ".join(map(str, self.choices))
        return f"one of {words}" if len(self.choices) > 1 else words

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, str | Real):  # an array would be compared number by number
            return value is None and None in self.choices
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in self.choices)


@dataclass(frozen=True)
class Condition:
    """Whatever a function returns true for.

    Example:
        >>> Condition("a power of 2", lambda number: number.bit_count() == 1).accepts(64)
        True
    """

    expected: str
    test: Callable[[Any], bool]

    def accepts(self, value: Any) -> bool:
        try:
            return bool(self.test(value))
        except (ArithmeticError, AttributeError, TypeError, ValueError):  # of another type than the function is for
            return False


@dataclass(frozen=True)
class ListOf:
    """A list or tuple whose items all satisfy a constraint.

    Example:
        >>> ListOf([int, str], least=1).expected
        'a list of at least 1 item, each a whole number or text'

    Attributes:
        items: what an item may be, any of several.
        least: how many items there are at least.
        distinct: whether no two items may be equal.
    """

    items: Sequence[Any]
    least: int = 0
    distinct: bool = False

    @property
    def expected(self) -> str:
        many = f" of at least {self.least} item{'s' * (self.least > 1)}" if self.least else ""
        kinds = " or ".join(one.expected for one in self._allowed)
        return f"a list{many}, {'all different, ' * self.distinct}each {kinds}"

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, list | tuple) or len(value) < self.least:
            return False
        if not all(any(one.accepts(item) for one in self._allowed) for item in value):
            return False
        return not self.distinct or len(set(value)) == len(value)

    @property
    def _allowed(self) -> list[Constraint]:
        return [_constraint(one) for one in self.items]


_TYPES: dict[Any, Constraint] = {
    None: Choice((None,)),
    bool: Choice((True, False)),
    int: Interval(int),
    float: Interval(float),
    str: Condition("text", lambda value: isinstance(value, str)),
}


def _constraint(allowed: Any) -> Constraint:
    if get_origin(allowed) is Literal:
        return Choice(get_args(allowed))
    if isinstance(allowed, type) or allowed is None:
        return _TYPES[allowed]
    constraint: Constraint = allowed
    return constraint


def _either(allowed: Sequence[Constraint]) -> str:
    *others, last = (one.expected for one in allowed)
    return ", or ".join([", ".join(others), last] if others else [last])
