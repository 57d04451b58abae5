"""Requests to the X API: to the right address, with the token, which is nowhere else."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lightning_suite.errors import UsageError

TOKENS = ("X_BEARER_TOKEN", "TWITTER_BEARER_TOKEN")
"""Variables of the environment that hold the bearer token; the first that is set counts."""

ADDRESS = "LIGHTNING_SUITE_X_API"
"""The variable that holds another address of the API, such as a proxy's."""

PORTAL = "https://developer.x.com"
"""Where one gets a token."""

_PUBLIC = "https://api.x.com"
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


def bearer_token() -> str:
    """Return the token that the environment holds.

    Raises:
        UsageError: there is none, or one that cannot be sent.
    """
    name, token = next(((name, value) for name in TOKENS if (value := os.environ.get(name, "").strip())), ("", ""))
    if not token:
        raise UsageError(
            f"{TOKENS[0]} is not set: the X API wants the bearer token of an app\n"
            f"get one at {PORTAL}: your project, your app, Keys and tokens, Bearer token\n"
            f"set it for this terminal with: read -rs {TOKENS[0]} && export {TOKENS[0]}\n"
            "without one, name the file of an X archive, a JSONL or a CSV in place of the account"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError(f"{name} holds {len(token)} characters, some of which no token has, such as spaces")
    return token


def api_address() -> str:
    """Return the address of the API, without a slash at its end.

    Raises:
        UsageError: the environment names an address to which the token must not be sent.
    """
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


class Session:
    """Sends tweepy's requests: to our address, with the token, and following no redirect."""

    def __init__(self, address: str, token: str) -> None:
        import requests

        def authorize(request: Any) -> Any:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        self._address = address
        self._token = token.encode()
        self._authorize = authorize  # not a header: requests would let the user's .netrc win over that
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
            auth=self._authorize,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        response.request.headers.pop("Authorization", None)
        if self._token in response.content:  # a proxy that repeats what it was sent; tweepy logs whole bodies
            response._content = response.content.replace(self._token, b"[token]")
        return response
