"""The parsers of tweets: tables, JSON, archives of X, and what a collection writes."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from suite_tweets.collecting.choice import Choice as WantedTweets
from suite_tweets.collecting.pages import CollectedPages
from suite_tweets.collecting.record import CollectionRecord
from suite_tweets.sources.rated_tweets import rated_tweets
from suite_tweets.sources.reading import read as read_tweets
from tests.trust.parsers import Parser, Seed
from tests.trust.valid_files import TEXTS, lines, objects, packed, table


def _tweet_tables() -> list[Seed]:
    rows = "id,created_at,text\n" + "".join(
        f'{1000 + i},2018-10-10 20:19:{i:02d},"{text.replace(chr(34), chr(34) * 2)}"\n' for i, text in enumerate(TEXTS)
    )
    return [Seed("a.csv", rows.encode()), Seed("a.tsv", table("\t")), Seed("tweets", rows.encode())]


def _tweet_objects() -> list[dict[str, Any]]:
    when = "Wed Oct 10 20:19:24 +0000 2018"
    return [
        {"id_str": "7", "created_at": when, "full_text": "Lift-off &amp; away"},
        {"id": 8, "created_at": "2018-10-10T22:19:24.000Z", "text": "short", "note_tweet": {"text": "the whole"}},
        {"tweet": {"id_str": "9", "created_at": when, "full_text": "свет \ud83d"}},
    ]


def _tweet_jsons() -> list[Seed]:
    items = _tweet_objects()
    return [
        Seed("a.json", json.dumps(items).encode()),
        Seed("a.json", json.dumps({"data": items, "meta": {"result_count": 3}}, indent=1).encode()),
        Seed("a.jsonl", "".join(json.dumps(item) + "\n" for item in items).encode()),
        Seed("a.json", "".join(json.dumps(item) + "\n" for item in items).encode()),
        Seed("tweets.js", b"window.YTD.tweets.part0 = " + json.dumps(items, indent=1).encode()),
    ]


def _tweet_zips() -> list[Seed]:
    js = b"window.YTD.tweets.part0 = " + json.dumps(_tweet_objects()).encode()

    def archive(members: dict[str, bytes], method: int) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as packed:
            for name, content in members.items():
                packed.writestr(name, content)
        return file.getvalue()

    two = {"data/tweets.js": js, "data/tweets-part1.js": js, "assets/a.png": b"\x89PNG"}
    return [
        Seed("x.zip", archive(two, zipfile.ZIP_STORED)),
        Seed("x.zip", archive(two, zipfile.ZIP_DEFLATED)),
        Seed("x.zip", archive({"a.csv": table(",")}, zipfile.ZIP_BZIP2)),
        Seed("x.zip", archive({"a.jsonl": objects()}, zipfile.ZIP_LZMA)),
    ]


def _texts_of(tweets: Any) -> list[Any]:
    return [(tweet.id, tweet.created_at, tweet.text) for tweet in tweets]


def _collections() -> list[Seed]:
    heading = {"account": "rocket", "user_id": "1", "tweets": 3, "since_id": None, **WantedTweets().options()}
    tweet = {"id": "7", "created_at": "2018-10-10T20:19:24+00:00", "text": "Lift-off", "is_retweet": False}
    tweet |= {"is_reply": False, "versions": ["6"]}
    page = {"tweets": [tweet], "seen": ["7", "8"], "next_token": "t", "until_id": None}
    lines = [heading, page, page | {"seen": ["5"], "next_token": None}]
    return [Seed("a.pages.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())]


def _record_of_collection(path: Path) -> Any:
    return CollectionRecord.read(path.with_name("a.csv"), "rocket", WantedTweets(), unfinished=False)


def _collection_records() -> list[Seed]:
    record: dict[str, Any] = {"account": "rocket", "user_id": "1", "newest_id": "7"}
    record |= {"retweets": WantedTweets().retweets, "replies": WantedTweets().replies}
    return [
        Seed("a.csv.collected.json", json.dumps(record, indent=1).encode(), {"a.csv": b"id,created_at,text\n7,,a\n"})
    ]


PARSERS = (
    Parser("tweets: tables", read_tweets, _tweet_tables, _texts_of, 1),
    Parser("tweets: JSON", read_tweets, _tweet_jsons),
    Parser("tweets: archives", read_tweets, _tweet_zips),
    Parser("tweets: lines", read_tweets, lambda: packed("a.txt", lines()), _texts_of),
    Parser("tweets: rated lines", rated_tweets, lambda: [Seed("r.txt", b"1\t2.5\ta b\n2\t-1\tc\n")]),
    Parser("tweets: collected pages", CollectedPages.read, _collections),
    Parser("tweets: collection records", _record_of_collection, _collection_records),
)
