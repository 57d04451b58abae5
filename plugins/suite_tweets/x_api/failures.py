"""What can go wrong with the X API, explained in messages that say what to do."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

from lightning_suite.errors import SuiteError
from suite_tweets.x_api.session import ADDRESS, PORTAL, TOKENS

_WINDOW = 15 * 60.0  # seconds; rate limits are counted in windows of this length


def protected(name: str) -> str:
    """Return the message for an account whose tweets only its followers see."""
    return f"{name} is protected: X shows its tweets to its followers only. Its owner can give you an X archive of them"


def connection_problem(error: Exception) -> str:
    """Return what happened to a connection, to be followed by the name of the host; the error's own words say more."""
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


def _problem(response: Any) -> str:
    """Return what an error says of itself, in the API's published form; else the name of its status."""
    try:
        said = response.json()
    except ValueError:
        return str(response.reason or "")
    if not isinstance(said, dict):
        return str(response.reason or "")
    errors = said.get("errors")
    words = [said.get("title"), said.get("detail")]
    words += [entry.get("message") for entry in (errors if isinstance(errors, list) else []) if isinstance(entry, dict)]
    return "; ".join(dict.fromkeys(str(word) for word in words if word)) or str(response.reason or "")


def _until_reset(headers: Mapping[str, str]) -> float:
    """Return seconds until the API counts anew; a whole window where it does not say, or says what is past."""
    reset = headers.get("x-rate-limit-reset", "")
    left = int(reset) - time() + 1 if reset.isdecimal() else _WINDOW
    return left if left > 0 else 60.0  # the two clocks differ; asking at once again would be refused


class ApiError(SuiteError):
    """The X API could not be reached, or refused; the message says what to do.

    Attributes:
        status: of the answer (HTTP); None when there was none, or none that was an error.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Failure:
    """A try that failed.

    Attributes:
        what: for the user.
        status: of the answer; None without one.
        temporary: whether a later try may succeed.
        wait: seconds until the API allows the next one; None when that is not what failed.
    """

    what: str
    status: int | None = None
    temporary: bool = False
    wait: float | None = None


@dataclass(frozen=True)
class Explanations:
    """Explains answers that are no success.

    Attributes:
        host: that answers.
        token: that no message may hold.
    """

    host: str
    token: str = field(repr=False)

    def refusal(self, response: Any) -> "Failure":
        """Return what an answer means whose status is not 200."""
        status = int(response.status_code)
        said = self.printable(_problem(response))
        reason = f"({status}{f': {said}' if said else ''})"
        if status == 429 and "cap" not in said.lower():
            return Failure(f"too many requests {reason}", status, wait=_until_reset(response.headers))
        if status >= 500:
            return Failure(f"{self.host} cannot answer now {reason}", status, temporary=True)
        names = " or ".join(TOKENS)
        explanations = {
            400: f"the X API calls the request invalid {reason}",
            401: f"the X API does not accept the bearer token {reason}\n"
            f"see that {names} holds the whole token of an app that still exists, or make a new one at {PORTAL}",
            402: f"the X API demands payment {reason}\nthe plan and credits of your account are shown at {PORTAL}",
            403: f"the X API does not allow this app to read tweets {reason}\n"
            f"the app must belong to a project whose plan includes reading timelines: {PORTAL}",
            404: f"the X API has nothing at this address {reason}\n"
            f"when {ADDRESS} is set, see that it is right; else the account may be gone",
            429: f"the plan of the app allows no more tweets for now {reason}\n"
            f"wait for the next period, or see the plans at {PORTAL}",
        }
        if 300 <= status < 400:
            return Failure(
                f"{self.host} redirects to another address ({status}); set {ADDRESS} to the right one", status
            )
        return Failure(explanations.get(status, f"the X API refuses {reason}"), status)

    def no_account(self, name: str, answer: Mapping[str, Any]) -> str:
        """Return the message for an answer that has errors in place of an account or its tweets."""
        errors = answer.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        title, detail = f"{first.get('title', '')}", f"{first.get('detail', '')}"
        said = self.printable(detail or title)
        if "suspended" in detail:
            return f"{name} is suspended: X gives none of its tweets ({said})"
        if title == "Authorization Error":
            return protected(name)
        if title == "Not Found Error":
            return f"{name} does not exist on X, or no more: see how it is spelt ({said})"
        if first:
            return f"X gives no tweets of {name} ({said})"
        return self.not_the_api("neither data nor errors")

    def not_the_api(self, what: str) -> str:
        """Return the message for an answer that the X API does not give."""
        where = f"; is {ADDRESS} the address of the X API?" if os.environ.get(ADDRESS) else ""
        return f"{self.host} answers with {self.printable(what)}{where}"

    def printable(self, text: str) -> str:
        """Return a foreign text in one short line, without the token and without what moves a terminal's cursor."""
        line = "".join(
            character if character.isprintable() else " " for character in text.replace(self.token, "[token]")
        )
        return line if len(line) <= 300 else f"{line[:299]}…"
