"""Links that hold in the repository, rewritten so that they hold on the site.

A link to a file that the site has leads there; of a link to any other file of the repository the text is left, and its
place in brackets, since the site does not know where the repository is published.
"""

import os
import re
from pathlib import PurePosixPath

from places import ROOT, page_of

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<place>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
COMMENT = re.compile(r"^<!-- .*? -->$", re.MULTILINE | re.DOTALL)


def rewritten(markdown: str, page: PurePosixPath, origin: PurePosixPath) -> str:
    """Return the text of a page whose source is ``origin`` with its links as the site needs them.

    Comments, which mark tables of benchmarks, become blank lines: a table begins after one.
    """

    def link(match: re.Match[str]) -> str:
        place = os.path.normpath(origin.parent / match["place"])
        uri = page_of(place)
        if uri is None:
            return f"{match['text']} (`{place}`)" if (ROOT / place).exists() else match[0]
        return f"{match['picture']}[{match['text']}]({os.path.relpath(uri, page.parent)}{match['anchor'] or ''})"

    parts = re.split(r"(^```.*?^```$|^ {4}[^\n]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if number % 2 else LINK.sub(link, COMMENT.sub("\n", part)) for number, part in enumerate(parts))
