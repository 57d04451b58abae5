"""Where the site's pages come from: those outside docs/ have their place here."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("dsa", "recnn", "tweets", "spectral")

ELSEWHERE = {
    **{f"methods/{name}.md": f"plugins/suite_{name}/README.md" for name in PLUGINS},
    "methods/third-party.md": "examples/third_party/README.md",
    "architecture.md": "ARCHITECTURE.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}
"""Pages of the site that lie elsewhere in the repository."""


def page_of(place: str) -> str | None:
    """Return the page or file of the site that a file of the repository becomes; None if it becomes none."""
    for uri, elsewhere in ELSEWHERE.items():
        if place == elsewhere:
            return uri
    if place == "README.md":
        return "index.md"
    return place.removeprefix("docs/") if place.startswith("docs/") else None
