"""All checks, in the order of their report, and the two ways to run them."""

import atexit
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.plugins.explain import location
from lightning_suite.spelling import did_you_mean
from lightning_suite.tables import one_line
from lightning_suite.testing.learning import CHECKS as LEARNING
from lightning_suite.testing.machines import CHECKS as MACHINES
from lightning_suite.testing.outcome import ContractFailure, NotApplicable, NotRun, Outcome, Status
from lightning_suite.testing.predicting import CHECKS as PREDICTING
from lightning_suite.testing.record import CHECKS as RECORD
from lightning_suite.testing.silence import mute, silence
from lightning_suite.testing.subject import Subject
from lightning_suite.testing.using import CHECKS as USING

if TYPE_CHECKING:
    import pytest

Check = Callable[[Subject], str]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.__name__: check for check in (*RECORD, *LEARNING, *USING, *PREDICTING, *MACHINES)}
)
"""Every check by its name."""

NONE: Mapping[str, str] = MappingProxyType({})

_STANDARD_LIBRARY = sysconfig.get_path("stdlib")


def ensures(check: str) -> str:
    """Return what a check ensures: the first line of its docstring.

    Example:
        >>> ensures("runs_on_every_device")
        'It trains on every kind of device that this machine has.'
    """
    return (CHECKS[check].__doc__ or "").strip().splitlines()[0].replace("``", "`")


def check_plugin(
    plugin: str,
    *,
    only: Sequence[str] = (),
    expected_failures: Mapping[str, str] = NONE,
    before: Callable[[str], None] = lambda check: None,
    after: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Run the checks on a plugin and return their outcomes.

    Args:
        plugin: name, module:attribute or path/to/file.py:attribute.
        only: names of checks; all without any.
        expected_failures: reasons by the names of checks that are known to fail. One that passes is a failure.
        before: called with the name of a check before it runs.
        after: called with the outcome of a check after it ran.

    Raises:
        UsageError: there is no such plugin, or no such check.
        PluginError: its record cannot be used.
    """
    refuse_unknown([*only, *expected_failures])
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="suite-check-") as folder:
        subject = Subject(plugin, Path(folder))
        _ = subject.plugin
        for name in CHECKS:
            if only and name not in only:
                continue
            before(name)
            outcome = run_check(name, subject, expected_failures, muted=True)
            after(outcome)
            outcomes.append(outcome)
    return outcomes


def run_check(
    name: str, subject: Subject, expected_failures: Mapping[str, str] = NONE, *, muted: bool = False
) -> Outcome:
    """Run one check and return its outcome; whatever the plugin raises is its failure."""
    started = time.monotonic()
    status: Status
    excused = True
    with silence(), mute() if muted else nullcontext():
        try:
            status, message = "passed", CHECKS[name](subject)
        except NotApplicable as error:
            status, message = "not applicable", str(error)
        except NotRun as blocked:
            status, message, excused = "not run", str(blocked), blocked.root in expected_failures
        except Exception as error:
            failure = error if isinstance(error, ContractFailure) else _foreign(name, error)
            status, message, excused = "failed", str(failure), False
    if name in expected_failures and status == "failed":
        status, message, excused = "expected failure", expected_failures[name], True
    elif name in expected_failures and status == "passed":
        reason = expected_failures[name]
        status, excused = "failed", False
        message = str(
            ContractFailure(f"a failure, because: {reason}", "it passed", "take it out of the expected failures")
        )
    return Outcome(name, status, message, time.monotonic() - started, excused)


def parametrize_with_checks(plugin: str, *, expected_failures: Mapping[str, str] = NONE) -> "pytest.MarkDecorator":
    """Return the decorator that calls a test function with every check of a plugin as its parameter ``check``.

        @parametrize_with_checks("hello", expected_failures={"ddp_equals_one_process": "draws its noise itself"})
        def test_contract(check):
            check()

    Raises:
        UsageError: a check of ``expected_failures`` does not exist.
    """
    import pytest

    refuse_unknown(list(expected_failures))

    @cache
    def subject() -> Subject:
        folder = tempfile.mkdtemp(prefix="suite-check-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Subject(plugin, Path(folder))

    def case(name: str) -> Callable[[], None]:
        def check() -> None:
            __tracebackhide__ = True
            outcome = run_check(name, subject(), expected_failures)
            if outcome.status == "not applicable":
                pytest.skip(outcome.message)
            if outcome.status == "expected failure" or (outcome.status == "not run" and outcome.excused):
                pytest.xfail(outcome.message)
            if outcome.status != "passed":
                pytest.fail(f"{name}: {ensures(name)}\n{outcome.message}", pytrace=False)

        return check

    return pytest.mark.parametrize("check", [pytest.param(case(name), id=name) for name in CHECKS])


def contract_tests(plugin: str, *, expected_failures: Mapping[str, str] = NONE) -> Callable[..., None]:
    """Return a test function that runs all checks of a plugin: ``test_contract = contract_tests("hello")``.

    Raises:
        UsageError: a check of ``expected_failures`` does not exist.
    """

    @parametrize_with_checks(plugin, expected_failures=expected_failures)
    def test_contract(check: Callable[[], None]) -> None:
        __tracebackhide__ = True
        check()

    return test_contract


def refuse_unknown(names: Sequence[str]) -> None:
    """Check that all names are those of checks.

    Raises:
        UsageError: one is not.
    """
    for name in names:
        if name not in CHECKS:
            near = did_you_mean(name, CHECKS)
            raise UsageError(f"there is no check {name!r}. {near}".rstrip() + "\nsuite check --list names them all")


def _foreign(check: str, error: Exception) -> ContractFailure:
    """Return the failure of a check whose plugin raised something, with the plugin's line that is nearest to it."""
    kind = "" if isinstance(error, SuiteError) else f"{type(error).__name__}: "
    return ContractFailure(
        ensures(check),
        f"{one_line(f'{kind}{error}')}{location(error, _is_not_the_plugins)}",
        "correct that line; suite check NAME --only CHECK runs it again",
    )


def _is_not_the_plugins(file: str) -> bool:
    parts = Path(file).parts
    libraries = {"torch", "pytorch_lightning", "lightning_fabric", "lightning_utilities", "jsonargparse"}
    of_python = file.startswith(_STANDARD_LIBRARY) and not {"site-packages", "dist-packages"} & set(parts)
    ours = str(Path(__file__).parent.parent) in file
    return file.startswith("<") or ours or of_python or bool(libraries & set(parts))
