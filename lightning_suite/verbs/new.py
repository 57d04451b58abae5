"""Writes a new plugin that trains at once and passes the contract tests.

    suite new NAME [--in DIR]

NAME becomes the distribution, the package and the plugin. What is written is a whole small method, to be replaced
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
PLACE = "NAME"
WORD = "{{name}}"


def run(arguments: list[str]) -> int:
    """Writes the files, names them and says what to type next."""
    parser = LightParser("new", (__doc__ or "").splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="of the plugin: lower-case letters, digits and _")
    parser.add_argument(
        "--in", dest="folder", metavar="DIR", type=Path, default=Path(), help="where its folder is made"
    )
    values = parser.read(arguments)
    folder: Path = values.folder / values.name
    refuse(values.name, folder)
    written = write(values.name, folder)
    print("\n".join(f"  {path}" for path in written))
    place = shlex.quote(str(folder if folder.is_absolute() else Path() / folder))
    print(
        f"\nnext:\n"
        f"  pip install -e {place if '/' in place else f'./{place}'}    offline: with --no-build-isolation\n"
        f"  suite check {values.name}\n"
        f"  suite fit --plugin {values.name}"
    )
    return 0


def refuse(name: str, folder: Path) -> None:
    """Refuses a name that could not be a plugin's, or a folder that is there.

    Raises:
        UsageError: what is wrong with them.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        near = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_0123456789")
        usable = near and not keyword.iskeyword(near) and not keyword.issoftkeyword(near)
        hint = f". Did you mean {near!r}?" if usable else ""
        raise UsageError(f"suite new {name}: expected a name that Python can import, as in two_spirals{hint}")
    if name in find.names():
        raise UsageError(f"suite new {name}: a plugin of this name is installed already: suite info {name}")
    if folder.exists():
        raise UsageError(f"suite new {name}: {folder} is there already, and nothing is overwritten")
    found = source.locate(name)
    if name in sys.stdlib_module_names or (found is not None and found.origin is not None):
        raise UsageError(f"suite new {name}: {name!r} is already the name of a module that Python imports")
    if not folder.parent.is_dir():
        raise UsageError(f"suite new {name} --in {folder.parent}: there is no such folder")


def write(name: str, folder: Path) -> list[Path]:
    """Writes a plugin into a new folder; the paths of its files."""
    written = []
    for template in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        inside = template.relative_to(TEMPLATE)
        path = folder.joinpath(*(name if part == PLACE else part for part in inside.parts)).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.read_text(encoding="utf-8").replace(WORD, name), encoding="utf-8")
        written.append(path)
    return written
