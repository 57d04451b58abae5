"""Trees of the Stanford Sentiment Treebank: a class from 0 to 4 for every phrase of a sentence.

    tree = "(" class (word | tree+) ")"        as in (3 (2 It) (4 works))

The treebank spells brackets -LRB- and the like, and puts a backslash before / and *; here they are plain.
"""

import re
from pathlib import Path

from lightning_suite.errors import DataError

CLASSES = 5

_PART = re.compile(r"\(([0-9])\s+|([^\s()]+)|(\))|\S")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def phrases_of(tree: str, path: Path, line: int) -> list[tuple[int, str]]:
    """Return the class and the phrase of every node; the last is the whole sentence.

    Args:
        tree: one line of a file.
        path: the file, for the error.
        line: the line's number.

    Raises:
        DataError: it is not one whole tree.

    Example:
        >>> phrases_of("(3 (2 It) (4 works))", Path("trees.txt"), 1)
        [(2, 'It'), (4, 'works'), (3, 'It works')]
    """
    phrases: list[tuple[int, str]] = []
    words: list[str] = []
    open_nodes: list[tuple[int, int]] = []  # class, and where its words begin
    for part in _PART.finditer(tree):
        label, word, closing = part.groups()
        if label is not None and int(label) < CLASSES and (open_nodes or not phrases):
            open_nodes.append((int(label), len(words)))
        elif word is not None and open_nodes:
            words.append(_BRACKETS.get(word, word.replace("\\/", "/").replace("\\*", "*")))
        elif closing is not None and open_nodes:
            number, start = open_nodes.pop()
            phrases.append((number, " ".join(words[start:])))
        else:
            raise DataError(
                f"not a tree of classes 0 to {CLASSES - 1}: {part.group()!r} at character {part.start() + 1}",
                path,
                line,
            )
    if open_nodes or not phrases:
        raise DataError(f"not a whole tree: {len(open_nodes)} brackets are not closed", path, line)
    return phrases
