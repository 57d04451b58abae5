"""A local server that speaks the published shapes of the X API v2, and a clock that its tests need not wait for."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from suite_tweets.x_api import client, failures

TOKEN = "AAAAsecret%2Btoken%3D"
USER = "4242"


@dataclass
class Request:
    """What came: the path, and the values of its query."""

    path: str
    query: dict[str, str]
    authorization: str


@dataclass
class Reply:
    """What goes back; ``cut`` closes the connection before the end of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Server:
    """Answers for one account, @kosmos_ru, newest tweet first; ``troubles`` go before the answers, one a request."""

    token = TOKEN
    user_id = USER

    def __init__(self) -> None:
        self.address = ""
        self.name = "kosmos_ru"
        self.tweets: list[dict[str, Any]] = []
        self.includes: list[dict[str, Any]] = []
        self.written: int | None = None  # what the account says that it has written, when not what is here
        self.account: dict[str, Any] | None = None  # an answer in the place of the account's own
        self.requests: list[Request] = []
        self.troubles: list[Reply | None] = []  # None: no trouble for this request
        self.always: Reply | None = None
        self.before: Callable[[], None] = lambda: None

    def write(self, count: int, *, first: int = 1, text: str = "твит {}") -> None:
        """The account writes tweets, first, first + 1 and so on, an hour apart."""
        start = datetime(2024, 1, 1, tzinfo=UTC)
        for number in range(first, first + count):
            time = (start + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            tweet = {"id": str(10**18 + number), "created_at": time, "text": text.format(number)}
            self.tweets.insert(0, {**tweet, "edit_history_tweet_ids": [tweet["id"]]})

    @staticmethod
    def json(answer: object, status: int = 200, **headers: str) -> Reply:
        """An answer; in the names of its headers _ stands for -."""
        body = json.dumps(answer).encode()
        return Reply(status, body, {key.replace("_", "-"): value for key, value in headers.items()})

    @staticmethod
    def problem(status: int, title: str, detail: str, **headers: str) -> Reply:
        """An error in the published form."""
        return Server.json(
            {"title": title, "detail": detail, "type": "about:blank", "status": status}, status, **headers
        )

    @staticmethod
    def raw(body: bytes, status: int = 200, content_type: str = "text/html") -> Reply:
        """An answer that is not JSON."""
        return Reply(status, body, {"Content-Type": content_type})

    @staticmethod
    def cut() -> Reply:
        """An answer whose connection ends in the middle of the body."""
        return Reply(200, b'{"data": [{"id": "1", "text": "' + b"x" * 2000, {}, cut=True)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        self.before()
        trouble = self.troubles.pop(0) if self.troubles else self.always
        if trouble is not None:
            return trouble
        if request.authorization != f"Bearer {TOKEN}":
            return self.problem(401, "Unauthorized", "Unauthorized")
        if request.path == f"/2/users/{USER}/tweets":
            return self._page(request.query)
        name = request.path.removeprefix("/2/users/by/username/")
        if self.account is not None:
            return self.json(self.account)
        if name.lower() != self.name:
            return self.json({"errors": [_not_found(name)]})
        count = len(self.tweets) if self.written is None else self.written
        return self.json(
            {
                "data": {
                    "id": USER,
                    "name": "Космос",
                    "username": self.name,
                    "protected": False,
                    "public_metrics": {"followers_count": 7, "tweet_count": count},
                }
            }
        )

    def _page(self, query: dict[str, str]) -> Reply:
        token = query.get("pagination_token", "page-0")
        if not token.startswith("page-"):
            return self.problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
        begin = int(token.removeprefix("page-"))
        chosen = [tweet for tweet in self.tweets if _between(tweet, query)]
        if query.get("exclude") == "retweets":
            chosen = [tweet for tweet in chosen if "retweeted" not in str(tweet.get("referenced_tweets"))]
        end = begin + int(query["max_results"])
        page = chosen[begin:end]
        meta: dict[str, Any] = {"result_count": len(page)}
        if not page:
            return self.json({"meta": meta})
        meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if end < len(chosen):
            meta["next_token"] = f"page-{end}"
        included = {"includes": {"tweets": self.includes}} if "expansions" in query and self.includes else {}
        return self.json({"data": page, **included, "meta": meta})


def _between(tweet: dict[str, Any], query: dict[str, str]) -> bool:
    number = int(tweet["id"])
    time = tweet["created_at"]
    return (
        int(query.get("since_id", 0)) < number < int(query.get("until_id", 10**20))
        and query.get("start_time", "") <= time
        and time <= query.get("end_time", "9")
    )


def _not_found(name: str) -> dict[str, str]:
    return {
        "value": name,
        "detail": f"Could not find user with username: [{name}].",
        "title": "Not Found Error",
        "resource_type": "user",
        "parameter": "username",
        "resource_id": name,
        "type": "https://api.twitter.com/2/problems/resource-not-found",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        reply = self.api.answer(Request(parts.path, query, self.headers.get("Authorization", "")))
        self.send_response(reply.status)
        for key, value in {"Content-Type": "application/json; charset=utf-8", **reply.headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        self.close_connection = reply.cut

    def log_message(self, format: str, *args: object) -> None:
        pass


class Clock:
    """The time and the sleep of what is tested: sleeping only moves the time on."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def x_server() -> Iterator[Server]:
    """The server on a free port, and nothing set in the environment yet."""
    api = Server()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    api.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()


@pytest.fixture
def x_api(x_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with the token and its address in the environment."""
    monkeypatch.delenv("TWITTER_BEARER_TOKEN", raising=False)
    monkeypatch.setenv("X_BEARER_TOKEN", TOKEN)
    monkeypatch.setenv("LIGHTNING_SUITE_X_API", x_server.address)
    return x_server


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In place of the time and the sleep of suite_tweets.x_api."""
    made = Clock()
    monkeypatch.setattr(client, "time", made.time)
    monkeypatch.setattr(client, "sleep", made.sleep)
    monkeypatch.setattr(failures, "time", made.time)
    return made
