"""Writes a new plugin that trains at once and passes the contract tests.

NAME becomes the name of the distribution, the package and the plugin. It is a small but complete method; replace it
file by file.
"""

import keyword
import re
import shlex
import sys
from pathlib import Path

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.plugins import find, source

TEMPLATE = Path(__file__).parent.parent / "template"
SUFFIX = ".tmpl"  # so that no tool takes a template for a module, a recipe or a project
IN_PATHS, IN_TEXTS = "NAME", "{{name}}"  # are replaced by the name of the plugin


def run(arguments: list[str]) -> int:
    """Write the files and print their names and what to type next; return 0."""
    parser = LightParser("new", __doc__)
    parser.add_argument("name", metavar="NAME", help="lower-case letters, digits and _")
    parser.add_argument("--in", dest="folder", metavar="DIR", type=Path, default=Path(), help="where its folder goes")
    values = parser.read(arguments)
    folder: Path = values.folder / values.name
    refuse(values.name, folder)
    written = write(values.name, folder)
    print("\n".join(f"  {path}" for path in written))
    path = shlex.quote(str(folder))
    print(
        f"\nnext:\n"
        f"  pip install -e {path if '/' in path else f'./{path}'}"
        "    offline: with --no-build-isolation, and setuptools>=77\n"
        f"  suite check {values.name}\n"
        f"  suite fit --plugin {values.name}"
    )
    return 0


def refuse(name: str, folder: Path) -> None:
    """Check that a plugin can have this name and that its folder is free.

    Raises:
        UsageError: Python cannot import the name, it is taken, or the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or _is_keyword(name):
        near = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_0123456789")
        hint = f". Did you mean {near!r}?" if near and not _is_keyword(near) else ""
        raise UsageError(f"suite new {name}: expected a name that Python can import, as in two_spirals{hint}")
    if name in find.names():
        raise UsageError(f"suite new {name}: a plugin of this name is installed already: suite info {name}")
    if folder.exists():
        raise UsageError(f"suite new {name}: {folder} is there already, and nothing is overwritten")
    module = source.locate(name)
    if name in sys.stdlib_module_names or (module is not None and module.origin is not None):
        raise UsageError(f"suite new {name}: {name!r} is already the name of a module that Python imports")
    if not folder.parent.is_dir():
        raise UsageError(f"suite new {name} --in {folder.parent}: there is no such folder")


def _is_keyword(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name)


def write(name: str, folder: Path) -> list[Path]:
    """Write a plugin into a new folder, and return the paths of its files."""
    written = []
    for template in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        inside = template.relative_to(TEMPLATE)
        path = folder.joinpath(*(name if part == IN_PATHS else part for part in inside.parts)).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.read_text(encoding="utf-8").replace(IN_TEXTS, name), encoding="utf-8")
        written.append(path)
    return written
