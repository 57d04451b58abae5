"""Long posts and retweets that are cut where they usually stand, in every layout of X."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import DataError
from suite_tweets.sources.reading import read

LONG = "Наш новый завод открыт. " + "Он делает ракеты и спутники для всех. " * 12 + "Приходите!"
CUT = LONG[:270] + "… https://t.co/aB1cD2"
TIME = "Tue Jun 03 19:32:20 +0000 2025"


def written(folder: Path, name: str, value: object, assigned: str = "") -> Path:
    """A file of JSON, or of a script that assigns it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{assigned} = {json.dumps(value)};" if assigned else json.dumps(value), encoding="utf-8")
    return path


def archive(folder: Path, tweet: dict[str, Any], note: dict[str, Any], tweets: str = "tweets.js") -> Path:
    """An archive's folder with a post and a long post."""
    other = {"tweet": {"id_str": "5", "created_at": TIME, "full_text": "Коротко и ясно"}}
    written(folder, f"data/{tweets}", [{"tweet": tweet}, other], "window.YTD.tweets.part0")
    written(folder, "data/note-tweet.js", [{"noteTweet": note}], "window.YTD.note_tweet.part0")
    return folder


def texts(path: Path) -> list[str]:
    return [tweet.text for tweet in read(path)]


@pytest.mark.parametrize("tweets", ["tweets.js", "tweet.js", "tweets-part1.js"])
def test_a_long_post_of_an_archive_is_whole(tmp_path: Path, tweets: str) -> None:
    tweet = {"id_str": "1929990000000000001", "created_at": TIME, "full_text": CUT}
    note = {"noteTweetId": tweet["id_str"], "createdAt": "2025-06-03T19:32:20.000Z", "core": {"text": LONG}}
    folder = archive(tmp_path / "archive", tweet, note, tweets)
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for path in folder.rglob("*.js"):
            file.write(path, path.relative_to(tmp_path))
    for source in (folder, folder / "data" / tweets, zipped):
        assert texts(source) == [LONG, "Коротко и ясно"]


def test_a_long_post_with_a_number_of_its_own_is_found_by_its_second_and_beginning(tmp_path: Path) -> None:
    tweet = {"id_str": "1929990000000000001", "created_at": TIME, "full_text": f"@anna {CUT}"}
    note = {"noteTweetId": "1929989999999999999", "createdAt": "2025-06-03T19:32:20.417Z", "core": {"text": LONG}}
    assert texts(archive(tmp_path, tweet, note)) == [LONG, "Коротко и ясно"]


def test_a_long_post_that_is_no_tweets_changes_none(tmp_path: Path) -> None:
    tweet = {"id_str": "1", "created_at": TIME, "full_text": "Нечто другое"}
    note = {"noteTweetId": "2", "createdAt": "2025-06-03T19:32:20.000Z", "core": {"text": LONG}}
    assert texts(archive(tmp_path, tweet, note)) == ["Нечто другое", "Коротко и ясно"]


def test_long_posts_that_are_no_archive_are_an_error(tmp_path: Path) -> None:
    archive(tmp_path, {"full_text": "a"}, {"createdAt": "some day", "core": {"text": LONG}})
    with pytest.raises(DataError, match=r"note-tweet\.js: a long post's createdAt is no time"):
        read(tmp_path)
    (tmp_path / "data/note-tweet.js").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match=r"note-tweet\.js: expected an assignment"):
        read(tmp_path)


def test_archives_of_before_2019_are_read_month_by_month(tmp_path: Path) -> None:
    for month in ("2016_10", "2016_11"):
        tweet = {"id_str": "7", "created_at": "2016-11-22 22:36:51 +0000", "text": month}
        written(tmp_path, f"data/js/tweets/{month}.js", [tweet], f"Grailbird.data.tweets_{month}")
    written(tmp_path, "data/js/user_details.js", {}, "var user_details")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for path in tmp_path.rglob("*.js"):
            file.write(path, path.relative_to(tmp_path))
    for source in (tmp_path, tmp_path / "a.zip"):
        assert texts(source) == ["2016_11", "2016_10"]


def test_an_archive_without_the_word_window_is_read(tmp_path: Path) -> None:
    assert texts(written(tmp_path, "tweets.js", [{"tweet": {"full_text": "Пуск"}}], "YTD.tweets.part0")) == ["Пуск"]


RETWEET = f"RT @anna: {LONG[:130]}…"
WHOLE = f"RT @anna: {LONG}"
NOTE = {"note_tweet_results": {"result": {"text": LONG}}}
SHAPES: dict[str, tuple[Any, str]] = {
    "a long post of X's pages": ({"rest_id": "7", "legacy": {"full_text": CUT}, "note_tweet": NOTE}, LONG),
    "the same within its answer": (
        {"tweet_results": {"result": {"tweet": {"rest_id": "7", "legacy": {"full_text": CUT}, "note_tweet": NOTE}}}},
        LONG,
    ),
    "a long post, nested note": ({"id_str": "7", "text": CUT, "note_tweet": NOTE}, LONG),
    "a short post of X's pages": ({"rest_id": "7", "legacy": {"full_text": "Пуск"}}, "Пуск"),
    "a retweet of the API v1.1": (
        {"id_str": "7", "full_text": RETWEET, "retweeted_status": {"full_text": LONG}},
        WHOLE,
    ),
    "a retweet of a stream": (
        {"id_str": "7", "text": RETWEET, "retweeted_status": {"text": CUT, "extended_tweet": {"full_text": LONG}}},
        WHOLE,
    ),
    "a retweet of X's pages": (
        {
            "rest_id": "7",
            "legacy": {
                "full_text": RETWEET,
                "retweeted_status_result": {
                    "result": {"rest_id": "6", "legacy": {"full_text": CUT}, "note_tweet": NOTE}
                },
            },
        },
        WHOLE,
    ),
    "a retweet, referenced whole": (
        {"id": "7", "text": RETWEET, "referenced_tweets": [{"type": "retweeted", "id": "6", "text": LONG}]},
        WHOLE,
    ),
    "a page with what it includes": (
        {
            "data": [{"id": "7", "text": RETWEET, "referenced_tweets": [{"type": "retweeted", "id": "6"}]}],
            "includes": {"tweets": [{"id": "6", "text": CUT, "note_tweet": {"text": LONG}}]},
        },
        WHOLE,
    ),
    "a retweet whose whole is not there": (
        {"id": "7", "text": RETWEET, "referenced_tweets": [{"type": "retweeted", "id": "6"}]},
        RETWEET,
    ),
    "other keys of that name": ({"id": "7", "text": "Пуск", "result": {"text": "нет"}}, "Пуск"),
    "a quotation": ({"id": "7", "text": "Да: так и есть", "retweeted_status": {"text": LONG}}, "Да: так и есть"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "list.json"])
def test_what_is_cut_is_read_whole(tmp_path: Path, shape: str, name: str) -> None:
    value, expected = SHAPES[shape]
    path = written(tmp_path, name, [value] if name.startswith("list") else value)
    (tweet,) = read(path)
    assert (tweet.id, tweet.text) == ("7", expected)


def test_a_column_that_was_asked_for_is_read_as_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", {"full_text": RETWEET, "retweeted_status": {"full_text": LONG}})
    assert [tweet.text for tweet in read(path, text_column="full_text")] == [RETWEET]
