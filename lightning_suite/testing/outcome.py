"""How a check ends: it returns details in one line, or raises one of the three exceptions here.

ContractFailure     the plugin breaks this part of the contract
NotApplicable       this part does not apply to the plugin
NotRun              the check needs something that another check reports as broken
"""

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "expected failure", "not applicable", "not run"]


class ContractFailure(AssertionError):
    """A plugin breaks a part of the contract.

    Example:
        >>> print(ContractFailure("finite weights", "NaN in head.weight", "lower the learning rate"))
        expected: finite weights
        got:      NaN in head.weight
        to do:    lower the learning rate
    """

    def __init__(self, expected: str, got: str, repair: str) -> None:
        self.expected: str = expected
        self.got: str = got
        self.repair: str = repair
        super().__init__(f"expected: {expected}\ngot:      {got}\nto do:    {repair}")


class NotApplicable(Exception):
    """A check does not apply to the plugin; the message says why."""


class NotRun(Exception):
    """A check needs something that is broken.

    Attributes:
        root: the name of the check that reports it.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        super().__init__(f"needs {root}, which fails")


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Attributes:
        check: name of the check.
        status: how it ended.
        message: details in one line; for a failure what was expected, what was there and what to do.
        seconds: how long it took.
        excused: False for a failure, and for a check that could not run because of one.
    """

    check: str
    status: Status
    message: str
    seconds: float
    excused: bool
