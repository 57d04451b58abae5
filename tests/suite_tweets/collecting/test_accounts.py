"""Accounts and files, as they are typed."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from suite_tweets.collecting.accounts import account_name, file_of


@pytest.mark.parametrize(
    "text",
    [
        "SpaceX",
        "@SpaceX",
        " SpaceX ",
        "https://x.com/SpaceX",
        "http://twitter.com/SpaceX/",
        "https://www.twitter.com/@SpaceX?lang=ru",
        "mobile.twitter.com/SpaceX",
        "x.com/SpaceX/status/12",
        "https://X.com/SpaceX#top",
    ],
)
def test_an_account_is_its_name_or_its_page(text: str) -> None:
    assert account_name(text) == "SpaceX"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "two words",
        "sixteen_letters_",
        "Газпром",
        "@@name",
        "a-b",
        "https://x.com/",
        "https://x.com/home",
        "x.com/i/lists/3",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no account: expected name, @name or https://x.com/name"):
        account_name(text)


@pytest.mark.parametrize("text", ["tweets.js", "folder/tweets.csv", "https://example.org/name"])
def test_what_looks_like_a_file_is_said_not_to_be_there(text: str) -> None:
    with pytest.raises(UsageError, match=f"there is no file '{text}'"):
        account_name(text)


def test_a_file_is_meant_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spacex").write_text("", encoding="utf-8")
    Path("kosmos").mkdir()
    assert file_of("spacex") == Path("spacex")
    assert file_of("@spacex") is None
    assert file_of("kosmos") is None
    assert file_of("./kosmos") == Path("kosmos")
    assert file_of("a\0b") is None
