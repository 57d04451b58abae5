"""What a built page would fetch from elsewhere: nothing, or the build fails.

A link that a reader follows may lead anywhere; scripts, styles, pictures and fonts may not.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
"""Attributes whose address a browser fetches by itself, by element."""

NOT_FETCHED = {"alternate", "author", "canonical", "license", "next", "prev"}
"""Relations of a ``link`` that a browser does not follow by itself."""

OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


def fetched_by(folder: Path) -> list[str]:
    """Return every address outside that a page or style below a folder fetches, each with its file before it."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".css", ".svg"}:
            text = path.read_text(encoding="utf-8")
            addresses = IN_STYLE.findall(text) if path.suffix == ".css" else of_page(text)
            found += [f"{path.relative_to(folder)}: {address}" for address in addresses]
    return found


def of_page(html: str) -> list[str]:
    """Return the addresses outside that a page fetches.

    Example:
        >>> of_page('<a href="https://a.org"></a><img src="//b.org/c.png"><script src="d.js"></script>')
        ['//b.org/c.png']
    """
    reader = _Reader()
    reader.feed(html)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.found += [address for address in _addresses(tag, attrs) if OUTSIDE.match(address)]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _addresses(tag: str, attributes: list[tuple[str, str | None]]) -> Iterator[str]:
    if tag == "link" and dict(attributes).get("rel") in NOT_FETCHED:
        return
    for name, value in attributes:
        if value and name in FETCHED.get(tag, ()):
            yield from (part.split()[0] for part in value.split(",") if part.split()) if name == "srcset" else [value]
        elif value and name == "style":
            yield from IN_STYLE.findall(value)
