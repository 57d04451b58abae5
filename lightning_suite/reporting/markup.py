"""Elements of HTML and SVG, in which no text can become markup: whatever a run holds stays text."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from lightning_suite.errors import printable

Content = str | Element | None | Iterable["Content"]


def element(tag: str, *content: Content, **attributes: object) -> Element:
    """Return an element with texts and elements in it; None is left out.

    Args:
        tag: its name.
        content: what is in it; of foreign text, characters that no page should hold are written as escapes.
        attributes: by name, ``class_`` and ``stroke_width`` for ``class`` and ``stroke-width``; None is left out.

    Example:
        >>> as_html(element("p", "a < b ", element("b", "& c"), class_="plain"))
        '<p class="plain">a &lt; b <b>&amp; c</b></p>'
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    made = Element(tag, {name: _text(f"{value}") for name, value in named.items() if value is not None})
    _add(made, content)
    return made


def as_html(made: Element) -> str:
    """Return the text of an element."""
    return tostring(made, encoding="unicode", method="html")


def _add(parent: Element, content: Content) -> None:
    if isinstance(content, str):
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + _text(content)
        else:
            parent.text = (parent.text or "") + _text(content)
    elif isinstance(content, Element):
        parent.append(content)
    elif content is not None:
        for each in content:
            _add(parent, each)


def _text(text: str) -> str:
    return re.sub(r"[^\n]+", lambda line: printable(line[0]), text)
