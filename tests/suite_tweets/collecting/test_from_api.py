"""Collecting an account from a local server of the X API."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import DataError, Interrupted, OutputError, UsageError
from suite_tweets.collecting.choice import Choice
from suite_tweets.collecting.from_api import collect_from_api
from suite_tweets.studies import accounts
from suite_tweets.x_api.failures import ApiError

NAME = "kosmos_ru"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "kosmos.csv"


@pytest.fixture
def api(x_api: Any, clock: Any) -> Any:
    return x_api


def partial_of(output: Path) -> Path:
    return output.with_name(output.name + ".partial.jsonl")


def ids(api: Any) -> list[str]:
    return [tweet["id"] for tweet in api.tweets]


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def ids_in(path: Path) -> list[str]:
    return [row[0] for row in rows(path)[1:]]


def pages_asked(api: Any) -> list[str]:
    return [request.query.get("pagination_token", "first") for request in api.requests if "tweets" in request.path]


def interrupted_after(api: Any, output: Path, pages: int, choice: Choice | None = None) -> None:
    """A collection that has got so many pages and ends there."""
    api.troubles = [None] * (1 + pages) + [api.problem(401, "Unauthorized", "Unauthorized")]
    with pytest.raises(ApiError, match="kept in"):
        collect_from_api(NAME, output, choice or Choice())
    api.requests.clear()


def replace_token(output: Path, old: str, new: str) -> None:
    """Change a token of the API in what was collected."""
    lines = partial_of(output).read_text(encoding="utf-8").replace(f'"{old}"', f'"{new}"')
    partial_of(output).write_text(lines, encoding="utf-8")


# What is meant


def test_a_bad_name_costs_no_request(api: Any) -> None:
    with pytest.raises(UsageError, match="is no account"):
        accounts.collect("two words")
    assert api.requests == []


def test_a_limit_above_what_the_api_gives_is_refused(api: Any, output: Path) -> None:
    with pytest.raises(UsageError, match="--limit 3201: expected at most 3200"):
        collect_from_api(NAME, output, Choice(limit=3201))
    assert api.requests == []


# A whole collection


def test_all_pages_are_in_the_file_newest_first(api: Any, output: Path) -> None:
    api.write(250)
    tweets = collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api) == [tweet.id for tweet in tweets]
    assert pages_asked(api) == ["first", "page-100", "page-200"]


def test_nothing_but_the_file_and_its_record_is_left(api: Any, output: Path) -> None:
    api.write(250)
    collect_from_api(NAME, output, Choice())
    assert sorted(path.name for path in output.parent.iterdir()) == ["kosmos.csv", "kosmos.csv.collected.json"]


@pytest.mark.parametrize(
    "text",
    [
        "Запуск «Союза» — в 7:00 🚀🇷🇺",
        'two\nlines\r\nand "quotes", commas; тест',
        "שלום עולם مرحبا",
        "&amp; stays as the API gives it",
        "👩‍🚀 zero-width joiners \u200d and \xa0 spaces ",
    ],
)
def test_a_text_is_in_the_file_as_it_was_written(api: Any, output: Path, text: str) -> None:
    api.write(1)
    api.tweets[0]["text"] = text
    collect_from_api(NAME, output, Choice())
    assert rows(output)[1] == ["1000000000000000001", "2024-01-01T01:00:00+00:00", text]


def test_the_file_is_utf8(api: Any, output: Path) -> None:
    api.write(1, text="Космос 🚀")
    collect_from_api(NAME, output, Choice())
    assert "Космос 🚀".encode() in output.read_bytes()


def test_not_more_than_3200_tweets_are_asked_for(api: Any, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.write(3350)
    assert len(collect_from_api(NAME, output, Choice())) == 3200
    assert ids_in(output) == ids(api)[:3200]
    assert len(pages_asked(api)) == 32
    assert "@kosmos_ru has written 3,350 tweets; the X API gives the newest 3,200" in capsys.readouterr().err


@pytest.mark.parametrize("limit", [1, 5, 100, 130])
def test_a_limit_is_held_exactly(api: Any, output: Path, limit: int) -> None:
    api.write(250)
    collect_from_api(NAME, output, Choice(limit=limit))
    assert ids_in(output) == ids(api)[:limit]


def test_replies_can_be_left_out(api: Any, output: Path) -> None:
    api.write(120)
    for tweet in api.tweets[::2]:
        tweet["in_reply_to_user_id"] = "5"
    collect_from_api(NAME, output, Choice(replies=False))
    assert ids_in(output) == ids(api)[1::2]
    assert all("exclude" not in request.query for request in api.requests)  # with it the API ends after 800


def test_retweets_can_be_left_out(api: Any, output: Path) -> None:
    api.write(4)
    api.tweets[1]["referenced_tweets"] = [{"type": "retweeted", "id": "77"}]
    collect_from_api(NAME, output, Choice(retweets=False))
    assert ids_in(output) == [ids(api)[i] for i in (0, 2, 3)]


def test_a_stretch_of_time_can_be_chosen(api: Any, output: Path) -> None:
    api.write(48)
    collect_from_api(
        NAME, output, Choice(since=datetime(2024, 1, 1, 10, tzinfo=UTC), until=datetime(2024, 1, 1, 20, tzinfo=UTC))
    )
    hours = [row[1][11:13] for row in rows(output)[1:]]
    assert set(hours) <= {f"{hour}" for hour in range(10, 21)} and len(hours) >= 10


def test_a_tweet_that_comes_twice_is_in_the_file_once(api: Any, output: Path) -> None:
    api.write(3)
    api.tweets.insert(1, api.tweets[0])
    collect_from_api(NAME, output, Choice())
    assert len(ids_in(output)) == 3


def test_an_account_without_tweets_leaves_no_file(api: Any, output: Path) -> None:
    with pytest.raises(ApiError, match="@kosmos_ru has no tweets: nothing was written"):
        collect_from_api(NAME, output, Choice())
    assert list(output.parent.iterdir()) == []


def test_an_account_of_replies_alone_is_said_to_be_so(api: Any, output: Path) -> None:
    api.write(1)
    api.tweets[0]["in_reply_to_user_id"] = "5"
    with pytest.raises(ApiError, match="no tweets that these options leave"):
        collect_from_api(NAME, output, Choice(replies=False))


def test_an_account_that_does_not_exist_leaves_no_file(api: Any, output: Path) -> None:
    with pytest.raises(ApiError, match="@nobody does not exist"):
        collect_from_api("nobody", output, Choice())
    assert list(output.parent.iterdir()) == []


def test_an_empty_page_in_between_is_not_the_end(api: Any, output: Path) -> None:
    api.write(150)
    empty = api.json({"meta": {"result_count": 0, "next_token": "page-100"}})
    api.troubles = [None, None, empty]
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_a_server_that_begins_again_does_not_keep_us(api: Any, output: Path) -> None:
    api.write(5)
    page = api.json({"data": api.tweets, "meta": {"result_count": 5, "next_token": "again"}})
    api.troubles = [None, page, page, page]
    assert len(collect_from_api(NAME, output, Choice())) == 5
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [("kosmos.txt", "ends in .csv"), ("nowhere/kosmos.csv", "there is no folder"), (".csv", "ends in")],
)
def test_a_wrong_output_costs_no_request(api: Any, tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        collect_from_api(NAME, tmp_path / name, Choice())
    assert api.requests == []


def test_a_rate_limit_between_pages_loses_nothing(
    api: Any, output: Path, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    api.write(150)
    reset = str(int(clock.now) + 2)
    limited = api.problem(429, "Too Many Requests", "Too Many Requests", x_rate_limit_reset=reset)
    api.troubles = [None, None, limited]
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)
    assert clock.slept == pytest.approx(3)
    assert "the rate limit of the X API is reached: going on in 3 s" in capsys.readouterr().err


# Going on


@pytest.mark.parametrize("trouble", ["401", "503", "cut", "json"], ids=["refused", "overloaded", "cut off", "not JSON"])
def test_an_error_keeps_what_was_collected(api: Any, output: Path, trouble: str) -> None:
    api.write(250)
    reply = {
        "401": api.problem(401, "Unauthorized", "Unauthorized"),
        "503": api.problem(503, "Service Unavailable", "Service Unavailable"),
        "cut": api.cut(),
        "json": api.raw(b"no"),
    }[trouble]
    api.troubles = [None, None] + [reply] * 5
    with pytest.raises(ApiError, match=r"\n100 tweets are kept in .*partial.jsonl; the same command goes on"):
        collect_from_api(NAME, output, Choice())
    assert not output.exists()
    assert len(partial_of(output).read_text(encoding="utf-8").splitlines()) == 2


def test_the_same_call_goes_on_without_duplicates(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2)
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)
    assert pages_asked(api) == ["page-200", "page-300"]
    assert len(api.requests) == 2  # the account is not asked for again
    assert not partial_of(output).exists()


def test_an_interruption_keeps_what_was_collected(api: Any, output: Path, clock: Any) -> None:
    api.write(250)

    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    clock.sleep = pressed
    api.troubles = [None, None, api.problem(429, "Too Many Requests", "Too Many Requests")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("suite_tweets.x_api.client.sleep", pressed)
        with pytest.raises(Interrupted, match="interrupted\n100 tweets are kept in"):
            collect_from_api(NAME, output, Choice())
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_a_token_that_the_server_has_forgotten_is_done_without(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2)
    replace_token(output, "page-200", "forgotten")
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)
    assert api.requests[1].query["until_id"] == ids(api)[199]


def test_a_page_that_cannot_be_written_is_told_with_its_file(
    api: Any, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.write(250)
    interrupted_after(api, output, 1)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    expected = r"kosmos.csv.partial.jsonl cannot be written: No space left on device\n100 tweets are kept"
    with pytest.raises(OutputError, match=expected):
        collect_from_api(NAME, output, Choice())


def test_going_on_without_the_forgotten_token_can_be_interrupted_too(api: Any, output: Path) -> None:
    api.write(450)
    interrupted_after(api, output, 2)
    replace_token(output, "page-200", "forgotten")
    api.troubles = [None, None, api.problem(401, "Unauthorized", "Unauthorized")]
    with pytest.raises(ApiError, match="300 tweets are kept"):
        collect_from_api(NAME, output, Choice())
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_tweets_written_in_the_meantime_come_with_the_next_call(api: Any, output: Path) -> None:
    api.write(250)
    interrupted_after(api, output, 1)
    before = ids(api)
    replace_token(output, "page-100", "page-101")  # the API's tokens keep their place; the test server's do not
    api.write(1, first=251)
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == before
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_a_line_that_was_not_finished_is_collected_again(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2)
    content = partial_of(output).read_bytes()
    partial_of(output).write_bytes(content[:-2000])
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)
    assert pages_asked(api)[0] == "page-100"


def test_after_a_line_that_was_not_finished_it_can_end_and_go_on_again(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2)
    partial_of(output).write_bytes(partial_of(output).read_bytes()[:-2000])
    api.troubles = [None, api.problem(401, "Unauthorized", "Unauthorized")]
    with pytest.raises(ApiError, match="200 tweets are kept"):
        collect_from_api(NAME, output, Choice())
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_a_damaged_line_is_an_error_that_says_where(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2)
    lines = partial_of(output).read_text(encoding="utf-8").splitlines()
    partial_of(output).write_text("\n".join([lines[0], lines[1][:-9], lines[2]]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"partial.jsonl:2: not a line of a collection"):
        collect_from_api(NAME, output, Choice())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(retweets=False), "--retweets false here, true there"),
        (Choice(replies=False), "--replies false here, true there"),
        (Choice(since=datetime(2024, 1, 1, tzinfo=UTC)), "--since 2024-01-01T00:00:00.00:00 here, not set there"),
    ],
)
def test_other_options_than_before_are_refused(api: Any, output: Path, choice: Choice, expected: str) -> None:
    api.write(250)
    interrupted_after(api, output, 1)
    with pytest.raises(UsageError, match=f"begun with other options: {expected}\n"):
        collect_from_api(NAME, output, choice)
    assert api.requests == []


def test_another_limit_may_end_it_earlier_or_later(api: Any, output: Path) -> None:
    api.write(350)
    interrupted_after(api, output, 2, Choice(limit=300))
    collect_from_api(NAME, output, Choice(limit=320))
    assert ids_in(output) == ids(api)[:320]


def test_another_account_than_before_is_refused(api: Any, output: Path) -> None:
    api.write(250)
    interrupted_after(api, output, 1)
    with pytest.raises(UsageError, match="is a collection of @kosmos_ru, not of @spacex"):
        collect_from_api("spacex", output, Choice())


# Newer tweets


def test_a_later_call_adds_the_newer_tweets(api: Any, output: Path) -> None:
    api.write(150)
    collect_from_api(NAME, output, Choice())
    api.requests.clear()
    api.write(30, first=151)
    tweets = collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api) == [tweet.id for tweet in tweets]
    assert [request.query["since_id"] for request in api.requests] == [str(10**18 + 150)]


def test_old_rows_stay_as_they_were(api: Any, output: Path) -> None:
    api.write(3, text='шли\nдни, "{}"')
    collect_from_api(NAME, output, Choice())
    before = output.read_bytes()
    api.write(1, first=4)
    collect_from_api(NAME, output, Choice())
    header, old = before.split(b"\r\n", 1)
    assert output.read_bytes().startswith(header) and output.read_bytes().endswith(old)


def test_a_call_that_finds_nothing_newer_changes_nothing(
    api: Any, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.write(150)
    collect_from_api(NAME, output, Choice())
    before = output.read_bytes(), output.stat().st_mtime_ns
    assert len(collect_from_api(NAME, output, Choice())) == 150
    assert (output.read_bytes(), output.stat().st_mtime_ns) == before
    assert "no newer tweets" in capsys.readouterr().err


def test_adding_newer_tweets_can_be_interrupted_too(api: Any, output: Path) -> None:
    api.write(10)
    collect_from_api(NAME, output, Choice())
    api.write(250, first=11)
    api.troubles = [None, api.problem(401, "Unauthorized", "Unauthorized")]
    with pytest.raises(ApiError, match="100 tweets are kept"):
        collect_from_api(NAME, output, Choice())
    assert len(ids_in(output)) == 10
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_the_earlier_version_of_an_edited_tweet_is_replaced(api: Any, output: Path) -> None:
    api.write(3)
    collect_from_api(NAME, output, Choice())
    replaced = api.tweets.pop(0)
    api.write(1, first=4, text="corrected")
    api.tweets[0]["edit_history_tweet_ids"] = [replaced["id"], api.tweets[0]["id"]]
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_a_reply_that_is_left_out_is_not_fetched_again(api: Any, output: Path) -> None:
    api.write(3)
    api.tweets[0]["in_reply_to_user_id"] = "5"
    collect_from_api(NAME, output, Choice(replies=False))
    api.requests.clear()
    collect_from_api(NAME, output, Choice(replies=False))
    assert api.requests[0].query["since_id"] == ids(api)[0]


def test_a_gap_that_the_limit_leaves_is_named(api: Any, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.write(5)
    collect_from_api(NAME, output, Choice())
    api.write(50, first=6)
    collect_from_api(NAME, output, Choice(limit=10))
    assert ids_in(output) == ids(api)[:10] + ids(api)[50:]
    assert "some in between may be missing" in capsys.readouterr().err


def test_newer_tweets_of_another_account_are_refused(api: Any, output: Path) -> None:
    api.write(5)
    collect_from_api(NAME, output, Choice())
    with pytest.raises(UsageError, match="has the tweets of @kosmos_ru"):
        collect_from_api("spacex", output, Choice())


def test_newer_tweets_of_another_kind_are_refused(api: Any, output: Path) -> None:
    api.write(5)
    collect_from_api(NAME, output, Choice())
    with pytest.raises(UsageError, match="collected with --retweets true --replies true"):
        collect_from_api(NAME, output, Choice(replies=False))


def test_a_file_that_is_no_collection_is_not_written_over(api: Any, output: Path) -> None:
    output.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"is there already, and without kosmos.csv.collected.json"):
        collect_from_api(NAME, output, Choice())
    assert output.read_text(encoding="utf-8") == "mine\n" and api.requests == []


def test_a_collection_with_other_columns_is_not_written_over(api: Any, output: Path) -> None:
    api.write(5)
    collect_from_api(NAME, output, Choice())
    output.write_text("id,text\n1,mine\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="expected the columns id, created_at, text that a collection has, got id, text"
    ):
        collect_from_api(NAME, output, Choice())


def test_an_end_between_the_file_and_its_record_is_mended(api: Any, output: Path) -> None:
    api.write(150)
    interrupted_after(api, output, 2 - 1)
    content = partial_of(output).read_bytes()
    collect_from_api(NAME, output, Choice())
    output.with_name("kosmos.csv.collected.json").unlink()
    partial_of(output).write_bytes(content)
    collect_from_api(NAME, output, Choice())
    assert ids_in(output) == ids(api)


def test_additions_to_a_file_that_is_gone_are_refused(api: Any, output: Path) -> None:
    api.write(10)
    collect_from_api(NAME, output, Choice())
    api.write(250, first=11)
    api.troubles = [None, api.problem(401, "Unauthorized", "Unauthorized")]
    with pytest.raises(ApiError):
        collect_from_api(NAME, output, Choice())
    output.unlink()
    with pytest.raises(UsageError, match="which is gone"):
        collect_from_api(NAME, output, Choice())


# Files


def test_column_names_are_for_files(api: Any) -> None:
    with pytest.raises(UsageError, match="are for files, and 'kosmos_ru' is none"):
        accounts.collect(NAME, text_column="text")


def test_a_file_in_the_place_of_an_account_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    with Path("in/kosmos.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["number", "said"], ["7", "Луна\nдни"], ["8", "RT @a: b"]])
    accounts.collect("in/kosmos.csv", text_column="said", id_column="number")
    assert rows(Path("kosmos.csv")) == [
        ["id", "created_at", "text"],
        ["7", "", "Луна\nдни"],
        ["8", "", "RT @a: b"],
    ]
    assert capsys.readouterr().out.splitlines()[-1] == "next: suite analyse kosmos.csv"


# The command


def test_the_command_collects_into_the_working_directory(suite: Callable[..., Any], x_api: Any, tmp_path: Path) -> None:
    x_api.write(150, text="Запуск {} 🚀")
    answer = suite("collect", "https://x.com/kosmos_ru", "--replies", "false", "--plugin", "suite_tweets:plugin")
    assert (answer.status, len(ids_in(tmp_path / "kosmos_ru.csv"))) == (0, 150), answer.stderr
    output = answer.stdout.splitlines()
    assert output[0].split() == ["tweets", "retweets", "replies", "from", "to", "file"]
    assert output[2].split() == ["150", "0", "0", "2024-01-01", "2024-01-07", "kosmos_ru.csv"]
    assert output[3] == "next: suite analyse kosmos_ru.csv"
    assert answer.stderr == ""


def test_ctrl_c_says_what_is_kept_and_the_token_is_nowhere(x_api: Any, tmp_path: Path) -> None:
    x_api.write(150)
    limited = x_api.problem(
        429, "Too Many Requests", "Too Many Requests", x_rate_limit_reset=str(int(time.time()) + 500)
    )
    x_api.troubles = [None, None, limited]
    call = subprocess.Popen(
        [sys.executable, "-m", "lightning_suite", "collect", NAME, "--plugin", "suite_tweets:plugin"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert call.stderr is not None
    said = ""
    while "going on in" not in said:
        line = call.stderr.readline()
        assert line, said
        said += line
    call.send_signal(signal.SIGINT)
    stdout, stderr = call.communicate(timeout=60)
    said += stderr
    assert call.returncode == 130
    assert "interrupted\n100 tweets are kept in kosmos_ru.csv.partial.jsonl; the same command goes on" in said
    files = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert list(files) == ["kosmos_ru.csv.partial.jsonl"]
    assert x_api.token not in stdout + said + "".join(files.values())


def test_what_is_remembered_holds_no_token(api: Any, output: Path) -> None:
    api.write(5)
    collect_from_api(NAME, output, Choice())
    record = json.loads(output.with_name("kosmos.csv.collected.json").read_text(encoding="utf-8"))
    assert set(record) == {"account", "user_id", "retweets", "replies", "newest_id"}


def test_an_error_of_the_api_shows_no_traceback(suite: Callable[..., Any], x_api: Any) -> None:
    x_api.always = x_api.problem(401, "Unauthorized", "Unauthorized")
    answer = suite("collect", NAME, "--plugin", "suite_tweets:plugin")
    assert answer.status == 1
    assert answer.stderr.splitlines()[0] == "the X API does not accept the bearer token (401: Unauthorized)"
    assert "Traceback" not in answer.stderr and x_api.token not in answer.stderr


def test_a_traceback_that_was_asked_for_has_no_token(suite: Callable[..., Any], x_api: Any) -> None:
    x_api.always = x_api.problem(401, "Unauthorized", "Unauthorized")
    answer = suite("collect", NAME, "--debug", "--plugin", "suite_tweets:plugin")
    assert "Traceback" in answer.stderr and x_api.token not in answer.stderr
