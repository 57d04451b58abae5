"""Asks the X API for accounts and timelines through tweepy, as often as it takes."""

from collections.abc import Callable
from math import ceil
from time import sleep, time
from typing import Any
from urllib.parse import urlsplit

from lightning_suite.needs import needs
from lightning_suite.progress import duration, say
from suite_tweets.x_api.answers import Page, Timeline, User, page_of
from suite_tweets.x_api.failures import ApiError, Explanations, Failure, connection_problem, protected
from suite_tweets.x_api.session import Session, api_address, bearer_token

MOST = 3200
"""Tweets of an account that the API gives, the newest."""

PAGE = 100
"""Tweets of a page, at most."""

_SMALLEST_PAGE = 5  # the API refuses to be asked for fewer
_PAUSES = (2.0, 5.0, 15.0, 30.0)  # seconds before each further try
_FIELDS = ("id", "created_at", "text", "note_tweet", "in_reply_to_user_id", "referenced_tweets")


def connect(stage: Callable[[str], None]) -> "XApi":
    """Return the API, with the token and the address that the environment names.

    Args:
        stage: shows what is waited for at present; an empty text when it is over.

    Raises:
        UsageError: there is no token, or one that cannot be sent; or the address is none to send it to.
    """
    token, address = bearer_token(), api_address()
    with needs("collecting tweets", "lightning-suite[tweets]"):
        return XApi(address, token, stage)


class XApi:
    """Asks the API, and waits where waiting helps."""

    def __init__(self, address: str, token: str, stage: Callable[[str], None]) -> None:
        import tweepy

        self._host = urlsplit(address).hostname or address
        self._explanations = Explanations(self._host, token)
        self._stage = stage
        self._client = tweepy.Client(return_type=dict)
        self._client.session = Session(address, token)

    def user(self, name: str) -> User:
        """Return the account of a name.

        Raises:
            ApiError: there is none, it is suspended or protected, or the API cannot be reached.
        """
        answer = self._ask(
            lambda: self._client.get_user(username=name, user_fields=["id", "username", "protected", "public_metrics"])
        )
        data = answer.get("data")
        if not data:
            raise ApiError(self._explanations.no_account(f"@{name}", answer))
        if data.get("protected"):
            raise ApiError(protected(f"@{name}"))
        try:
            return User(str(data["id"]), str(data["username"]), data.get("public_metrics", {}).get("tweet_count"))
        except (AttributeError, KeyError, TypeError):
            raise ApiError(self._explanations.not_the_api(f"an account without id or username for @{name}")) from None

    def page(
        self, timeline: Timeline, *, count: int = PAGE, token: str | None = None, until_id: str | None = None
    ) -> Page:
        """Return one page of a timeline.

        Args:
            timeline: whose, and which tweets.
            count: of tweets that are still wanted; a page has 5 to 100.
            token: where the page begins: the next_token of the page before; None for the first.
            until_id: only tweets before this one.

        Raises:
            ApiError: the API refuses, or cannot be reached.
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
            raise ApiError(self._explanations.no_account("the account", answer))
        try:
            return page_of(answer, timeline.user_id)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ApiError(
                self._explanations.not_the_api(f"a page that cannot be read ({type(error).__name__}: {error})")
            ) from None

    def _ask(self, request: Callable[[], Any]) -> dict[str, Any]:
        """Return what the API answers, after as many tries as it takes, or as make sense."""
        tries = 0
        while True:
            answer = self._try(request)
            if isinstance(answer, dict):
                return answer
            if answer.wait is not None:
                self._wait("the rate limit of the X API is reached", answer.wait)
                continue
            if not answer.temporary:
                raise ApiError(answer.what, answer.status)
            if tries == len(_PAUSES):
                raise ApiError(f"{answer.what}; that was try {tries + 1}, try again later", answer.status)
            pause = _PAUSES[tries]
            tries += 1
            say(f"{answer.what}; try {tries + 1} of {len(_PAUSES) + 1} in {pause:.0f} s")
            sleep(pause)

    def _try(self, request: Callable[[], Any]) -> dict[str, Any] | Failure:
        """Return the answer to one try; a failure as a value: an exception would keep the request and so the token."""
        import requests
        import tweepy

        try:
            answer = request()
        except tweepy.HTTPException as error:
            return self._explanations.refusal(error.response)
        except requests.JSONDecodeError:
            return Failure(self._explanations.not_the_api("something that is not JSON"), temporary=True)
        except requests.RequestException as error:
            return Failure(f"{connection_problem(error)} {self._host}", temporary=True)
        except (AttributeError, TypeError, ValueError):  # tweepy's, of an error that is JSON but not an object
            return Failure(self._explanations.not_the_api("an error in another form"), temporary=True)
        if isinstance(answer, dict):
            return answer
        return Failure(
            self._explanations.not_the_api(f"a JSON {type(answer).__name__}, expected an object"), temporary=True
        )

    def _wait(self, why: str, seconds: float) -> None:
        """Wait with a countdown of seconds begun, by the clock on the wall: a computer that slept has waited too."""
        end = time() + seconds
        say(f"{why}: going on in {duration(ceil(seconds))}; Ctrl-C keeps what is there")
        while (left := end - time()) > 0:
            self._stage(f"going on in {duration(ceil(left))}")
            sleep(min(1.0, left))
        self._stage("")
