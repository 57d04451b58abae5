"""A missing package is said with what it is for and how it is installed."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.needs import needs


def test_a_missing_package_is_said_with_its_purpose_and_the_command() -> None:
    expected = "reading images needs the package 'not_there'. Install it with: pip install 'lightning-suite[spectral]'"
    with pytest.raises(UsageError) as raised, needs("reading images", "lightning-suite[spectral]"):
        import not_there.part  # type: ignore[import-not-found]  # noqa: F401
    assert str(raised.value) == expected


def test_what_can_be_done_without_it_is_said() -> None:
    with (
        pytest.raises(UsageError, match=r"pip install 'faiss-cpu'; or take search='blocked'$"),
        needs("searching", "faiss-cpu", instead="take search='blocked'"),
    ):
        import not_there  # noqa: F401


def test_a_package_that_is_installed_and_broken_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(UsageError, match=r"'broken_package', which is installed and cannot be imported \(cannot import"),
        needs("drawing", "broken-package"),
    ):
        from broken_package import name  # type: ignore[import-not-found]  # noqa: F401


def test_other_errors_pass_through() -> None:
    with pytest.raises(ValueError, match="other"), needs("drawing", "matplotlib"):
        raise ValueError("other")


def test_nothing_happens_where_the_package_is_there() -> None:
    with needs("reading", "json"):
        import json
    assert json.loads("1") == 1
