"""The X API v2, as far as a collection needs it: who an account is, and its timeline page by page; through tweepy.

Two requests are made (X API v2 reference): GET /2/users/by/username/NAME, and GET /2/users/ID/tweets, whose answer is

    {"data": [{"id", "created_at", "text", ...}], "includes": {...}, "meta": {"result_count", "next_token"}}

newest first, at most 100 a page, and no more than the account's newest 3,200 in all. What goes wrong and passes (rate
limits, overloaded servers, cut connections) is waited for here; all else ends in an ApiError that says what to do.

The bearer token is read from the environment and stands in the header of a request, nowhere else: tweepy, which writes
headers into its log, is not given it.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import sleep, time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lightning_suite.errors import SuiteError, UsageError
from suite_tweets.progress import Display
from suite_tweets.tweets import Tweet, is_retweet

MOST = 3200
"""Tweets of an account that the API gives, the newest."""

PAGE = 100
"""Tweets of a page, at most."""

TOKENS = ("X_BEARER_TOKEN", "TWITTER_BEARER_TOKEN")
ADDRESS = "LIGHTNING_SUITE_X_API"

_SMALLEST_PAGE = 5  # the API refuses to be asked for fewer
_PUBLIC = "https://api.x.com"
_PORTAL = "https://developer.x.com"
_PAUSES = (2.0, 5.0, 15.0, 30.0)  # seconds before each further try
_WINDOW = 15 * 60.0  # seconds; rate limits are counted in windows of this length
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte
_FIELDS = ("id", "created_at", "text", "note_tweet", "in_reply_to_user_id", "referenced_tweets")
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


def connect(display: Display) -> "XApi":
    """The API, with the token and the address that the environment names.

    Raises:
        UsageError: there is no token, or one that cannot be sent; or the address is none to send it to.
    """
    token = _token()
    address = _address()
    try:
        return XApi(address, token, display)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"collecting tweets needs the package {error.name!r}. Install it with: pip install lightning-suite[tweets]"
        ) from error


class ApiError(SuiteError):
    """The X API could not be reached, or refused; the message says what to do.

    Attributes:
        status: of the answer (HTTP); None when there was none, or none that was an error.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class User(NamedTuple):
    """An account.

    Attributes:
        id: stays when the account changes its name.
        name: as its owner writes it, without @.
        tweets: how many it has written; None when the API does not say.
    """

    id: str
    name: str
    tweets: int | None


class Found(NamedTuple):
    """A tweet of a timeline, and what the API knows of it.

    Attributes:
        tweet: with its whole text.
        is_retweet: somebody else's tweet, passed on.
        is_reply: an answer to somebody else; a thread continues the account's own tweets and is none.
        versions: ids that it had before it was edited.
    """

    tweet: Tweet
    is_retweet: bool
    is_reply: bool
    versions: tuple[str, ...]


class Page(NamedTuple):
    """A page of a timeline, newest first; next_token leads to the one after it, None after the last."""

    found: list[Found]
    next_token: str | None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Which tweets of an account are asked for.

    Attributes:
        user_id: of the account.
        retweets: whether the API gives retweets. (It could leave out replies too, but gives only the newest 800 then.)
        since: not older than this.
        until: not newer than this.
        since_id: only tweets after this one.
    """

    user_id: str
    retweets: bool = True
    since: datetime | None = None
    until: datetime | None = None
    since_id: str | None = None


class XApi:
    """Asks the API, and waits where waiting helps."""

    def __init__(self, address: str, token: str, display: Display) -> None:
        import tweepy

        self._host = urlsplit(address).hostname
        self._token = token
        self._display = display
        self._client = tweepy.Client(return_type=dict)
        self._client.session = _Session(address, token)

    def user(self, name: str) -> User:
        """The account of a name.

        Raises:
            ApiError: there is none, it is suspended or protected, or the API cannot be had.
        """
        answer = self._ask(
            lambda: self._client.get_user(username=name, user_fields=["id", "username", "protected", "public_metrics"])
        )
        data = answer.get("data")
        if not data:
            raise ApiError(self._no_account(f"@{name}", answer))
        if data.get("protected"):
            raise ApiError(_protected(f"@{name}"))
        try:
            return User(str(data["id"]), str(data["username"]), data.get("public_metrics", {}).get("tweet_count"))
        except (AttributeError, KeyError, TypeError):
            raise ApiError(self._no_api(f"an account without id or username for @{name}")) from None

    def page(
        self, timeline: Timeline, *, count: int = PAGE, token: str | None = None, until_id: str | None = None
    ) -> Page:
        """One page of a timeline.

        Args:
            timeline: whose, and which tweets.
            count: of tweets that are still wanted; a page has 5 to 100.
            token: where the page begins: the next_token of the page before; None for the first.
            until_id: only tweets before this one.

        Raises:
            ApiError: the API refuses, or cannot be had.
        """
        answer = self._ask(
            lambda: self._client.get_users_tweets(
                timeline.user_id,
                max_results=max(_SMALLEST_PAGE, min(PAGE, count)),
                tweet_fields=list(_FIELDS),
                # A retweet's own text is cut after 140 characters; the tweet it passes on is whole.
                expansions=["referenced_tweets.id"] if timeline.retweets else None,
                exclude=None if timeline.retweets else ["retweets"],
                start_time=timeline.since,
                end_time=timeline.until,
                since_id=timeline.since_id,
                until_id=until_id,
                pagination_token=token,
            )
        )
        if "data" not in answer and "meta" not in answer:
            raise ApiError(self._no_account("the account", answer))
        try:
            return _page(answer, timeline.user_id)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ApiError(self._no_api(f"a page that cannot be read ({type(error).__name__}: {error})")) from None

    def _ask(self, request: Callable[[], Any]) -> dict[str, Any]:
        """What the API answers, after as many tries as it takes, or as make sense."""
        tries = 0
        while True:
            answer = self._try(request)
            if isinstance(answer, dict):
                return answer
            if answer.wait is not None:
                self._wait("the rate limit of the X API is reached", answer.wait)
                continue
            if not answer.passes:
                raise ApiError(answer.what, answer.status)
            if tries == len(_PAUSES):
                raise ApiError(f"{answer.what}; that was try {tries + 1}, try again later", answer.status)
            pause = _PAUSES[tries]
            tries += 1
            self._display.say(f"{answer.what}; try {tries + 1} of {len(_PAUSES) + 1} in {pause:.0f} s")
            sleep(pause)

    def _try(self, request: Callable[[], Any]) -> "dict[str, Any] | _Failure":
        """One try. Failures are values: an exception would keep the request, which has the token, in its chain."""
        import requests
        import tweepy

        try:
            answer = request()
        except tweepy.HTTPException as error:
            return self._refusal(error.response)
        except requests.JSONDecodeError:
            return _Failure(self._no_api("something that is not JSON"), passes=True)
        except requests.RequestException as error:
            return _Failure(f"{_connection(error)} {self._host}", passes=True)
        except (AttributeError, TypeError, ValueError):  # tweepy's, of an error that is JSON but not an object
            return _Failure(self._no_api("an error in another form"), passes=True)
        if isinstance(answer, dict):
            return answer
        return _Failure(self._no_api(f"a JSON {type(answer).__name__}, expected an object"), passes=True)

    def _refusal(self, response: Any) -> "_Failure":
        """What an answer means whose status is not 200."""
        status = int(response.status_code)
        said = self._printable(_problem(response))
        reason = f"({status}{f': {said}' if said else ''})"
        if status == 429 and "cap" not in said.lower():
            return _Failure(f"too many requests {reason}", status, wait=_until_reset(response.headers))
        if status >= 500:
            return _Failure(f"{self._host} cannot answer now {reason}", status, passes=True)
        names = " or ".join(TOKENS)
        what = {
            400: f"the X API finds the request wrong {reason}",
            401: f"the X API does not accept the bearer token {reason}\n"
            f"see that {names} holds the whole token of an app that still exists, or make a new one at {_PORTAL}",
            402: f"the X API wants to be paid {reason}\nthe plan and credits of your account are shown at {_PORTAL}",
            403: f"the X API does not allow this app to read tweets {reason}\n"
            f"the app must belong to a project whose plan includes reading timelines: {_PORTAL}",
            404: f"the X API has nothing at this address {reason}\n"
            f"when {ADDRESS} is set, see that it is right; else the account may be gone",
            429: f"the plan of the app allows no more tweets for now {reason}\n"
            f"wait for the next period, or see the plans at {_PORTAL}",
        }
        if 300 <= status < 400:
            return _Failure(
                f"{self._host} points to another address ({status}); set {ADDRESS} to the right one", status
            )
        return _Failure(what.get(status, f"the X API refuses {reason}"), status)

    def _no_account(self, name: str, answer: Mapping[str, Any]) -> str:
        """The message for an answer that has errors in the place of an account or its tweets."""
        errors = answer.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        title, detail = f"{first.get('title', '')}", f"{first.get('detail', '')}"
        said = self._printable(detail or title)
        if "suspended" in detail:
            return f"{name} is suspended: X gives none of its tweets ({said})"
        if title == "Authorization Error":
            return _protected(name)
        if title == "Not Found Error":
            return f"{name} does not exist on X, or no more: see how it is spelt ({said})"
        if first:
            return f"X gives no tweets of {name} ({said})"
        return self._no_api("neither data nor errors")

    def _no_api(self, what: str) -> str:
        where = f"; is {ADDRESS} the address of the X API?" if os.environ.get(ADDRESS) else ""
        return f"{self._host} answers with {self._printable(what)}{where}"

    def _printable(self, text: str) -> str:
        """A foreign text in one short line that holds neither the token nor signs that move a terminal's cursor."""
        line = "".join(sign if sign.isprintable() else " " for sign in text.replace(self._token, "[token]"))
        return line if len(line) <= 300 else f"{line[:299]}…"

    def _wait(self, why: str, seconds: float) -> None:
        """Waits with a countdown, by the clock on the wall: a computer that slept has waited too."""
        end = time() + seconds
        while (left := end - time()) > 0:
            self._display.wait(why, left)
            sleep(min(1.0, left))
        self._display.wait(why, 0)


@dataclass(frozen=True)
class _Failure:
    """A try that failed.

    Attributes:
        what: for the user.
        status: of the answer; None without one.
        passes: whether a later try may succeed.
        wait: seconds until the API allows the next one; None when that is not what failed.
    """

    what: str
    status: int | None = None
    passes: bool = False
    wait: float | None = None


class _Session:
    """What tweepy sends its requests with: to our address, with the token, and following no redirect."""

    def __init__(self, address: str, token: str) -> None:
        import requests

        def sign(request: Any) -> Any:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        self._address = address
        self._token = token.encode()
        self._sign = sign  # not a header: requests would let the user's .netrc win over that
        self._session = requests.Session()
        if address.startswith("http:"):
            self._session.trust_env = False  # a proxy would be another host that reads the token

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> Any:
        response = self._session.request(
            method,
            self._address + urlsplit(url).path,
            params=params,
            json=json,
            headers={key: value for key, value in (headers or {}).items() if key != "Authorization"},
            auth=self._sign,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        response.request.headers.pop("Authorization", None)
        if self._token in response.content:  # a proxy that repeats what it was sent; tweepy logs whole bodies
            response._content = response.content.replace(self._token, b"[token]")
        return response


def _token() -> str:
    name, token = next(((name, value) for name in TOKENS if (value := os.environ.get(name, "").strip())), ("", ""))
    if not token:
        raise UsageError(
            f"{TOKENS[0]} is not set: the X API wants the bearer token of an app\n"
            f"get one at {_PORTAL}: your project, your app, Keys and tokens, Bearer token\n"
            f"set it for this terminal with: read -rs {TOKENS[0]} && export {TOKENS[0]}\n"
            "without one, give the file of an X archive, a JSONL or a CSV in the place of the account"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError(f"{name} holds {len(token)} characters with spaces or signs among them that no token has")
    return token


def _address() -> str:
    """The address of the API, without a slash at its end."""
    address = os.environ.get(ADDRESS, "").strip().rstrip("/") or _PUBLIC
    parts = re.fullmatch(r"(https?)://([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?(/[\w./~-]*)?", address, re.ASCII)
    if parts is None:
        raise UsageError(f"{ADDRESS}: expected an address such as {_PUBLIC}, without name or password")
    scheme, host = parts[1], parts[2]
    if scheme == "http" and host not in _LOCAL:
        raise UsageError(
            f"{ADDRESS}: the token is not sent to {host} over plain http, where others can read it\n"
            "give an https address; http is for 127.0.0.1 and localhost"
        )
    return address


def _page(answer: Mapping[str, Any], user_id: str) -> Page:
    whole = {str(one["id"]): one for one in answer.get("includes", {}).get("tweets", [])}
    found = [_found(one, whole, user_id) for one in answer.get("data", [])]
    return Page(found, answer.get("meta", {}).get("next_token"))


def _found(one: Mapping[str, Any], whole: Mapping[str, Mapping[str, Any]], user_id: str) -> Found:
    number = str(one["id"])
    if not number.isdecimal():
        raise ValueError(f"the id {number!r}")
    passed_on = [str(other["id"]) for other in one.get("referenced_tweets", []) if other["type"] == "retweeted"]
    text = _text(one)
    head, colon, _ = text.partition(": ")
    if passed_on and passed_on[0] in whole and is_retweet(head):
        text = head + colon + _text(whole[passed_on[0]])
    answered = one.get("in_reply_to_user_id")
    return Found(
        Tweet(number, _time(one.get("created_at")), text),
        is_retweet=bool(passed_on),
        is_reply=answered is not None and str(answered) != user_id,
        versions=tuple(str(version) for version in one.get("edit_history_tweet_ids", []) if str(version) != number),
    )


def _text(one: Mapping[str, Any]) -> str:
    """The whole text: of a tweet longer than 280 characters, ``text`` is but the beginning."""
    text = one.get("note_tweet", {}).get("text") or one["text"]
    # Half of a surrogate pair, where a text was cut, can be in JSON but in no file.
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _protected(name: str) -> str:
    return f"{name} is protected: X shows its tweets to its followers only. Its owner can give you an X archive of them"


def _problem(response: Any) -> str:
    """What an error says of itself, in the API's published form; else the name of its status."""
    try:
        said = response.json()
    except ValueError:
        return str(response.reason or "")
    if not isinstance(said, dict):
        return str(response.reason or "")
    errors = said.get("errors")
    words = [said.get("title"), said.get("detail")]
    words += [one.get("message") for one in (errors if isinstance(errors, list) else []) if isinstance(one, dict)]
    return "; ".join(_distinct([str(word) for word in words if word])) or str(response.reason or "")


def _distinct(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _until_reset(headers: Mapping[str, str]) -> float:
    """Seconds until the API counts anew; a whole window where it does not say, or says what is past."""
    reset = headers.get("x-rate-limit-reset", "")
    left = int(reset) - time() + 1 if reset.isdecimal() else _WINDOW
    return left if left > 0 else 60.0  # the two clocks differ; asking at once again would be refused


def _connection(error: Exception) -> str:
    """What happened to a connection, in words that end before the name of the host; the error's own may hold more."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "no trustworthy certificate from"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy gives no connection to"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time to"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time from"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "an answer was cut off, from"
    return "no connection to"
