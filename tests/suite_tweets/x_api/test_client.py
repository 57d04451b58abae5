"""Questions to the X API, as a local server speaks it: what is asked again, what is waited for, what is an error."""

from datetime import UTC, datetime
from typing import Any

import pytest

from suite_tweets.x_api.answers import Page, Timeline
from suite_tweets.x_api.client import XApi, connect
from suite_tweets.x_api.failures import ApiError


@pytest.fixture
def stages() -> list[str]:
    """What is shown that the API waits for."""
    return []


@pytest.fixture
def api(x_api: Any, clock: Any, stages: list[str]) -> XApi:
    return connect(stages.append)


def first_page(api: XApi, **options: Any) -> Page:
    return api.page(Timeline(user_id="4242", **options))


def test_an_account_is_found_by_its_name(api: XApi, x_api: Any) -> None:
    x_api.write(3)
    assert api.user("Kosmos_RU") == ("4242", "kosmos_ru", 3)


def test_an_account_that_does_not_exist_is_an_error(api: XApi) -> None:
    with pytest.raises(ApiError, match=r"@kosmos_ur does not exist.*\n?.*\[kosmos_ur\]"):
        api.user("kosmos_ur")


def test_a_suspended_account_is_an_error(api: XApi, x_api: Any) -> None:
    detail = "User has been suspended: [kosmos_ru]."
    x_api.account = {"errors": [{"title": "Forbidden", "detail": detail, "parameter": "username"}]}
    with pytest.raises(ApiError, match="@kosmos_ru is suspended"):
        api.user("kosmos_ru")


def test_a_protected_account_is_an_error(api: XApi, x_api: Any) -> None:
    x_api.account = {"data": {"id": "4242", "username": "kosmos_ru", "protected": True}}
    with pytest.raises(ApiError, match=r"@kosmos_ru is protected.*X archive"):
        api.user("kosmos_ru")


def test_a_timeline_that_is_not_shown_is_an_error(api: XApi, x_api: Any) -> None:
    detail = "Sorry, you are not authorized to see the user with id: [4242]."
    x_api.always = x_api.json({"errors": [{"title": "Authorization Error", "detail": detail, "value": "4242"}]})
    with pytest.raises(ApiError, match="protected"):
        first_page(api)


def test_a_page_leads_to_the_next(api: XApi, x_api: Any) -> None:
    x_api.write(130)
    first = first_page(api)
    second = api.page(Timeline(user_id="4242"), token=first.next_token)
    ids = [one.tweet.id for one in first.tweets + second.tweets]
    assert ids == [tweet["id"] for tweet in x_api.tweets]
    assert second.next_token is None


def test_an_account_without_tweets_has_an_empty_page(api: XApi) -> None:
    assert first_page(api) == Page([], None)


def test_what_is_wanted_is_asked_of_the_server(api: XApi, x_api: Any) -> None:
    since, until = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    timeline = Timeline(user_id="4242", retweets=False, since=since, until=until, since_id="12")
    api.page(timeline, count=3, until_id="99")
    query = x_api.requests[0].query
    assert query["exclude"] == "retweets" and "expansions" not in query
    assert query["max_results"] == "5"  # the fewest that the API gives
    assert (query["start_time"], query["end_time"]) == ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z")
    assert (query["since_id"], query["until_id"]) == ("12", "99")


# Temporary failures


def test_a_rate_limit_is_waited_for_with_a_countdown(
    api: XApi, x_api: Any, clock: Any, stages: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    x_api.write(1)
    reset = str(int(clock.now) + 2)
    x_api.troubles = [x_api.problem(429, "Too Many Requests", "Too Many Requests", x_rate_limit_reset=reset)]
    assert len(first_page(api).tweets) == 1
    assert clock.slept == pytest.approx(3)  # a second more, for the reset is told in whole ones
    assert stages == ["going on in 3 s", "going on in 2 s", "going on in 1 s", ""]
    expected = "the rate limit of the X API is reached: going on in 3 s; Ctrl-C keeps what is there\n"
    assert capsys.readouterr().err == expected


def test_a_second_that_has_begun_counts_in_a_countdown(api: XApi, x_api: Any, clock: Any, stages: list[str]) -> None:
    reset = str(int(clock.now) + 2)
    clock.now += 0.7
    x_api.troubles = [x_api.problem(429, "Too Many Requests", "Too Many Requests", x_rate_limit_reset=reset)]
    first_page(api)
    assert stages == ["going on in 3 s", "going on in 2 s", "going on in 1 s", ""]


def test_a_rate_limit_without_a_time_is_waited_for_a_window_long(api: XApi, x_api: Any, clock: Any) -> None:
    x_api.troubles = [x_api.problem(429, "Too Many Requests", "Too Many Requests")]
    first_page(api)
    assert clock.slept == pytest.approx(900)


def test_a_reset_in_the_past_is_not_asked_again_at_once(api: XApi, x_api: Any, clock: Any) -> None:
    x_api.troubles = [x_api.problem(429, "Too Many Requests", "Too Many Requests", x_rate_limit_reset="12")]
    first_page(api)
    assert clock.slept == pytest.approx(60)


def test_a_used_up_plan_is_not_waited_for(api: XApi, x_api: Any, clock: Any) -> None:
    x_api.always = x_api.problem(429, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap")
    with pytest.raises(ApiError, match="Monthly product cap"):
        first_page(api)
    assert clock.slept == 0


@pytest.mark.parametrize("status", [500, 503])
def test_an_overloaded_server_is_asked_again(
    api: XApi, x_api: Any, clock: Any, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    x_api.write(1)
    x_api.troubles = [x_api.problem(status, "Service Unavailable", "Service Unavailable")] * 2
    assert len(first_page(api).tweets) == 1
    assert clock.slept == 2 + 5
    assert [line.split("; ")[-1] for line in capsys.readouterr().err.splitlines()] == [
        "try 2 of 5 in 2 s",
        "try 3 of 5 in 5 s",
    ]


def test_a_server_that_stays_overloaded_is_an_error_after_five_tries(api: XApi, x_api: Any, clock: Any) -> None:
    x_api.always = x_api.problem(503, "Service Unavailable", "Service Unavailable")
    with pytest.raises(ApiError, match=r"127.0.0.1 cannot answer now \(503: Service Unavailable\).*try 5"):
        first_page(api)
    assert len(x_api.requests) == 5 and clock.slept == 2 + 5 + 15 + 30


def test_a_connection_that_is_cut_within_the_body_is_tried_again(
    api: XApi, x_api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x_api.write(1)
    x_api.troubles = [x_api.cut()]
    assert len(first_page(api).tweets) == 1
    assert "cut off" in capsys.readouterr().err


def test_a_body_that_is_not_json_is_tried_again_and_then_an_error(api: XApi, x_api: Any) -> None:
    x_api.always = x_api.raw(b"<html>Welcome to the hotel's network</html>")
    with pytest.raises(ApiError, match=r"not JSON.*LIGHTNING_SUITE_X_API"):
        first_page(api)
    assert len(x_api.requests) == 5


@pytest.mark.parametrize("body", [b"[1, 2]", b"null", b'"text"'])
def test_json_that_is_no_object_is_an_error(api: XApi, x_api: Any, body: bytes) -> None:
    x_api.always = x_api.raw(body, content_type="application/json")
    with pytest.raises(ApiError, match="expected an object"):
        first_page(api)


def test_an_error_that_is_json_but_no_object_is_an_error_too(api: XApi, x_api: Any) -> None:
    x_api.always = x_api.raw(b"[1, 2]", status=400, content_type="application/json")
    with pytest.raises(ApiError, match="another form"):
        first_page(api)


@pytest.mark.parametrize(
    "answer",
    [{"data": 7, "meta": {}}, {"data": [{"text": "no id"}]}, {"data": [{"id": "one", "text": ""}]}, {"data": [[]]}, {}],
)
def test_a_page_in_another_form_is_an_error(api: XApi, x_api: Any, answer: object) -> None:
    x_api.always = x_api.json(answer)
    with pytest.raises(ApiError, match=r"127.0.0.1 answers with"):
        first_page(api)


def test_a_server_that_is_not_there_is_an_error(api: XApi, x_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_X_API", "http://127.0.0.1:9")
    with pytest.raises(ApiError, match=r"no connection to 127.0.0.1.*try 5"):
        connect(print).user("kosmos_ru")


# What does not pass


@pytest.mark.parametrize(
    ("status", "title", "expected"),
    [
        (400, "Invalid Request", r"calls the request invalid \(400: Invalid Request; because\)"),
        (401, "Unauthorized", "does not accept the bearer token.*\n.*X_BEARER_TOKEN.*https://developer.x.com"),
        (402, "CreditsDepleted", "demands payment.*\n.*credits"),
        (403, "Client Forbidden", "does not allow this app.*\n.*plan"),
        (404, "Not Found", "has nothing at this address.*\n.*LIGHTNING_SUITE_X_API"),
        (418, "Teapot", r"refuses \(418: Teapot; because\)"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_repeated(
    api: XApi, x_api: Any, status: int, title: str, expected: str
) -> None:
    x_api.always = x_api.problem(status, title, "because")
    with pytest.raises(ApiError, match=expected) as caught:
        first_page(api)
    assert caught.value.status == status
    assert len(x_api.requests) == 1


def test_what_was_wrong_with_a_request_is_shown(api: XApi, x_api: Any) -> None:
    errors = [{"parameters": {"start_time": ["1999"]}, "message": "The `start_time` query parameter is too early"}]
    answer = {"errors": errors, "title": "Invalid Request", "detail": "One or more parameters was invalid."}
    x_api.always = x_api.json(answer, 400)
    with pytest.raises(ApiError, match=r"start_time.*too early"):
        first_page(api)


def test_a_redirect_is_not_followed(api: XApi, x_api: Any) -> None:
    x_api.always = x_api.json({}, 302, Location=f"{x_api.address}/elsewhere")
    with pytest.raises(ApiError, match="redirects to another address"):
        first_page(api)
    assert len(x_api.requests) == 1


def test_a_foreign_message_cannot_move_the_cursor(api: XApi, x_api: Any) -> None:
    x_api.always = x_api.problem(403, "Forbidden", "\x1b[2Jgone\r\nnext")
    with pytest.raises(ApiError) as caught:
        first_page(api)
    assert "\x1b" not in str(caught.value) and "[2Jgone  next" in str(caught.value)
