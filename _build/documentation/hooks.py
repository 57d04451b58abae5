"""What MkDocs calls while it builds the site: pages from outside docs/, pages made of the source, and their links."""

from pathlib import Path, PurePosixPath
from typing import Any

import tutorials
from links import rewritten
from made import MADE
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from outside import fetched_by
from places import ELSEWHERE, ROOT

def on_config(config: MkDocsConfig) -> None:
    """Put the pages of a folder where the navigation names the folder."""
    docs = Path(config.docs_dir)
    folders = {"reference/api/": sorted(uri for uri in MADE if uri.startswith("reference/api/"))}

    def expanded(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {title: expanded(inner) for title, inner in entry.items()}
        if isinstance(entry, list):
            return [expanded(each) for each in entry]
        if not entry.endswith("/"):
            return entry
        return folders.get(entry) or sorted(path.relative_to(docs).as_posix() for path in (docs / entry).rglob("*.md"))

    config.nav = expanded(config.nav)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not under docs/."""
    for uri, place in ELSEWHERE.items():
        files.append(File.generated(config, uri, content=(ROOT / place).read_text(encoding="utf-8")))
    for uri, make in MADE.items():
        files.append(File.generated(config, uri, content=make()))
    for uri in sorted(file.src_uri for file in files.documentation_pages() if file.src_uri.startswith("tutorials/")):
        for name, picture in tutorials.pictures(uri).items():
            files.append(File.generated(config, name, content=picture))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with the output of its blocks, if it is a tutorial, and links that hold on the site."""
    uri = page.file.src_uri
    if uri.startswith("tutorials/"):
        markdown = tutorials.with_output(uri)
    origin = ELSEWHERE.get(uri, f"docs/{uri}")
    return rewritten(markdown, PurePosixPath(uri), PurePosixPath(origin))


def on_post_build(config: MkDocsConfig) -> None:
    """Raise a PluginError where a page would fetch anything from elsewhere."""
    if found := fetched_by(Path(config.site_dir)):
        raise PluginError("\n".join(["pages of the site fetch from elsewhere:", *found]))
