"""How a check ends: it returns what it has to say, or raises one of the three exceptions here.

ContractFailure     the plugin does not keep this part of the contract
NotApplicable       the plugin has nothing that this part is about
NotRun              something that another check is for stands in the way
"""

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "expected failure", "not applicable", "not run"]


class ContractFailure(AssertionError):
    """A part of the contract that is not kept: what was expected, what came, and what to do."""

    def __init__(self, expected: str, came: str, repair: str) -> None:
        self.expected, self.came, self.repair = expected, came, repair
        super().__init__(f"expected: {expected}\ncame:     {came}\nto do:    {repair}")


class NotApplicable(Exception):
    """The reason why there is nothing to check."""


class NotRun(Exception):
    """A check could not begin, because what it needs is broken.

    Attributes:
        root: the name of the check that fails for that reason.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        super().__init__(f"needs {root}, which fails")


@dataclass(frozen=True)
class Outcome:
    """The end of one check.

    Attributes:
        check: its name.
        status: how it ended.
        says: the details, one line when all is well; for a failure what was expected, what came and what to do.
        seconds: how long it took.
        excused: whether it stands in nobody's way: all but failures, and what could not run because of one.
    """

    check: str
    status: Status
    says: str
    seconds: float
    excused: bool
