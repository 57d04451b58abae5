"""What a user means by ACCOUNT: an account of X, or a file."""

import re
from pathlib import Path

from lightning_suite.errors import UsageError

_NAME = re.compile(r"\w{1,15}", re.ASCII)
_LINK = re.compile(r"(?:https?://)?(?:www\.|mobile\.)?(?:x|twitter)\.com/@?([^/?#]*)(?:[/?#].*)?", re.IGNORECASE)
_NO_NAMES = {"explore", "hashtag", "home", "i", "intent", "login", "messages", "notifications", "search", "settings"}


def account_name(text: str) -> str:
    """Return the name of an account, written as name, @name, or the address of its page.

    Raises:
        UsageError: it is none.

    Example:
        >>> account_name("https://x.com/SpaceX/status/12")
        'SpaceX'
    """
    text = text.strip()
    link = _LINK.fullmatch(text)
    name = link[1] if link else text.removeprefix("@")
    if _NAME.fullmatch(name) and not (link and name.lower() in _NO_NAMES):
        return name
    if not link and any(character in text for character in "./\\"):
        raise UsageError(f"there is no file {text!r}, and an account is written as name, @name or https://x.com/name")
    raise UsageError(
        f"{text!r} is no account: expected name, @name or https://x.com/name,\n"
        "where a name has 1 to 15 letters (a-z), digits and underscores"
    )


def file_of(text: str) -> Path | None:
    """Return the file that is meant by ACCOUNT, or None when an account is.

    A folder that has the name of an account is meant when it is written as ./NAME.
    """
    path = Path(text).expanduser()
    try:
        return path if path.is_file() or (path.is_dir() and not _NAME.fullmatch(text)) else None
    except (OSError, ValueError):  # too long, or with a NUL: no path at all
        return None
