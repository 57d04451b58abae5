"""The token and the address of the X API: where the token goes, and where it never is."""

import logging
import traceback
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from suite_tweets.x_api.answers import Page, Timeline
from suite_tweets.x_api.client import XApi, connect
from suite_tweets.x_api.failures import ApiError
from suite_tweets.x_api.session import Session, api_address


@pytest.fixture
def api(x_api: Any, clock: Any) -> XApi:
    return connect(print)


def first_page(api: XApi, **options: Any) -> Page:
    return api.page(Timeline(user_id="4242", **options))


# The token


def test_the_token_goes_to_the_server(api: XApi, x_api: Any) -> None:
    first_page(api)
    assert x_api.requests[0].authorization == f"Bearer {x_api.token}"


def test_the_other_name_of_the_token_does_too(x_api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X_BEARER_TOKEN")
    monkeypatch.setenv("TWITTER_BEARER_TOKEN", f" {x_api.token}\n")
    assert first_page(connect(print)) == Page([], None)


@pytest.mark.parametrize("token", [None, "", "  "])
def test_a_missing_token_is_explained(x_api: Any, monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.delenv("X_BEARER_TOKEN")
    if token is not None:
        monkeypatch.setenv("X_BEARER_TOKEN", token)
    with pytest.raises(UsageError, match=r"X_BEARER_TOKEN is not set.*\n.*developer.x.com.*\n.*export X_BEARER_TOKEN"):
        connect(print)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ключ"])
def test_a_token_that_cannot_be_sent_is_refused_without_showing_it(
    x_api: Any, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", token)
    with pytest.raises(UsageError, match=f"X_BEARER_TOKEN holds {len(token)} characters") as caught:
        connect(print)
    assert token not in str(caught.value)


@pytest.mark.parametrize("trouble", ["cut", "401", "503", "json", "echo"])
def test_the_token_is_in_no_message_log_or_traceback(
    x_api: Any, clock: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    x_api.always = {
        "cut": x_api.cut(),
        "401": x_api.problem(401, "Unauthorized", "Unauthorized"),
        "503": x_api.problem(503, "Service Unavailable", "Service Unavailable"),
        "json": x_api.raw(b"no"),
        "echo": x_api.problem(403, "Forbidden", f"the header was 'Bearer {x_api.token}'"),
    }[trouble]
    with pytest.raises(ApiError) as caught:
        first_page(connect(print))
    written = capsys.readouterr()
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + written.out + written.err
    assert "Making API request" in caplog.text  # tweepy's log is there to be looked through
    assert x_api.token not in said
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert not any(hasattr(error, "response") or hasattr(error, "request") for error in chain)


def test_an_answer_does_not_keep_the_token(x_api: Any) -> None:
    url = "https://api.twitter.com/2/users/4242/tweets"
    answer = Session(x_api.address, x_api.token).request("GET", url, params={"max_results": 5})
    assert answer.status_code == 200
    assert "Authorization" not in answer.request.headers


def test_a_netrc_file_does_not_replace_the_token(
    x_api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    first_page(connect(print))
    assert x_api.requests[0].authorization == f"Bearer {x_api.token}"


def test_a_local_address_is_not_asked_through_a_proxy(x_api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert first_page(connect(print)) == Page([], None)


# The address


@pytest.mark.parametrize(
    "address", ["http://api.x.com", "http://127.0.0.1.example.org", "http://localhost.example.org:80/2"]
)
def test_the_token_is_not_sent_over_plain_http(x_api: Any, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_X_API", address)
    with pytest.raises(UsageError, match="over plain http"):
        connect(print)


@pytest.mark.parametrize(
    "address",
    ["api.x.com", "ftp://api.x.com", "http://127.0.0.1@example.org", "https://me:secret@example.org", "https://"],
)
def test_what_is_no_address_is_refused(x_api: Any, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_X_API", address)
    with pytest.raises(UsageError, match=r"expected an address such as https://api.x.com") as caught:
        connect(print)
    assert "secret" not in str(caught.value)


def test_the_address_of_the_public_api_is_the_default(x_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIGHTNING_SUITE_X_API")
    assert api_address() == "https://api.x.com"


def test_an_address_may_have_a_path(x_api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_X_API", f"{x_api.address}/proxy/")
    x_api.always = x_api.json({"meta": {"result_count": 0}})
    first_page(connect(print))
    assert x_api.requests[0].path == "/proxy/2/users/4242/tweets"
