"""Files of text that are made up by rules: lines of cells as a table, a list of edges or labelled sentences has them,
and JSON as tweets and sentences have it, with anything at all in any place.
"""

import json
from typing import Any

from hypothesis import strategies as st

from tests.trust.mutations import FOREIGN

NAMES = (
    "text",
    "label",
    "id",
    "created_at",
    "sentence1",
    "sentence2",
    "data",
    "tweet",
    "full_text",
    "x",
    "source",
    "n",
)
NUMBERS = ("0", "1", "-1", "2.5", "1e-3", "1e999", "nan", "1_0", "0x1", "99999999999999999999", "١", "1.0", "+3", ".5")
DATES = (
    "2018-10-10 20:19:24",
    "Wed Oct 10 20:19:24 +0000 2018",
    "1539202764",
    "2018-02-30",
    "9999-12-31T23:59:59-12:00",
)
LINES = ("(3 (2 It) (4 works))", "%%MatrixMarket matrix coordinate real general", "2 2 1", "1 1 0.5", "plugin: dsa")
TAGS = ("window.YTD.tweets.part0 = ", "", "", "\ufeff")

foreign = st.sampled_from(sorted({piece.decode("utf-8", "surrogateescape") for piece in FOREIGN}))
cells = st.one_of(
    st.sampled_from(NAMES), st.sampled_from(NUMBERS), st.sampled_from(DATES), st.text(max_size=12), foreign, st.just("")
)
quoted = st.one_of(cells, cells, cells.map(lambda cell: f'"{cell}"'), cells.map(lambda cell: f'"{cell}'))


@st.composite
def _tables(draw: st.DrawFn) -> bytes:
    delimiter, end = (
        draw(st.sampled_from([",", ";", "\t", "|", " "])),
        draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),
    )
    width = draw(st.integers(1, 4))
    row = st.lists(quoted, min_size=width, max_size=width) | st.lists(quoted, max_size=5)
    rows = [delimiter.join(cells) for cells in draw(st.lists(row, max_size=8))]
    rows += draw(st.lists(st.sampled_from(LINES), max_size=2))
    text = end.join(draw(st.permutations(rows))) + draw(st.sampled_from(["", end]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])), "surrogatepass")


values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), cells),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), cells | values, max_size=5) | values


@st.composite
def _json(draw: st.DrawFn) -> bytes:
    indent = draw(st.sampled_from([None, None, 1]))
    items = draw(st.lists(objects, min_size=1, max_size=4))
    if draw(st.booleans()):
        text = draw(st.sampled_from(TAGS)) + json.dumps(items, indent=indent)
    else:
        text = "".join(json.dumps(item) + "\n" for item in items)
    return text.encode("utf-8", "surrogatepass")


def contents(name: str) -> st.SearchStrategy[bytes]:
    """Return made-up contents for a file of a name."""
    return _json() | _tables() if "json" in name or name.endswith(".js") else _tables()
