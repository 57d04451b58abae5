"""Tutorials are run when the site is built: what a block prints stands below it, and pictures are those it drew.

In docs/tutorials/NAME.md a ``python`` block goes on with the variables of those before it; a ``console`` block has
commands of ``suite``, one a line, where RUN is the newest run. All blocks of a page run in one new folder, in one
process. ``<!-- picture: FILE What it shows -->`` becomes a picture that they made, ``<!-- file: FILE -->`` the first
lines of a text file. A block that fails fails the build.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import kept
from places import ROOT

BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"^<!-- picture: (\S+) (.*?) -->$", re.MULTILINE)
PROMPT = re.compile(r"(?<!\\\n)^(?=.)", re.MULTILINE)
FIRST, LAST = 8, 22
"""Lines that are shown of an output that is longer than their sum."""


@cache
def made(uri: str) -> dict[str, Any]:
    """Return what came of a page: ``outputs``, a text for each block, and ``pictures``, base64 by name."""
    page = (ROOT / "docs" / uri).read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    if not blocks:
        return {"outputs": [], "pictures": {}}
    name = json.dumps([uri, blocks, [name for name, _ in PICTURE.findall(page)]])
    contents: dict[str, Any] = json.loads(kept.text(name, lambda: json.dumps(_run(uri, page, blocks))))
    return contents


def with_output(uri: str) -> str:
    """Return the text of a page with the output of each block below it, and the pictures."""
    outputs = iter(made(uri)["outputs"])

    def block(match: re.Match[str]) -> str:
        output = shortened(next(outputs))
        language = match[1].replace("console", "text")
        code = PROMPT.sub("$ ", match[2]) if language == "text" else match[2]
        shown = f"```{language}\n{code}```"
        return f'{shown}\n\n<div class="output" markdown>\n\n```text\n{output}\n```\n\n</div>' if output else shown

    text = BLOCK.sub(block, (ROOT / "docs" / uri).read_text(encoding="utf-8"))
    return PICTURE.sub(lambda match: f"![{match[2]}]({Path(uri).stem}/{match[1].replace('/', '-')})", text)


def pictures(uri: str) -> dict[str, bytes]:
    """Return the pictures of a page by their place on the site."""
    folder = Path(uri).with_suffix("").as_posix()
    return {f"{folder}/{name}": base64.b64decode(picture) for name, picture in made(uri)["pictures"].items()}


def shortened(output: str) -> str:
    """Return an output without what is printed again over itself; of a long one its beginning and its end."""
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in output.strip("\n").split("\n")]
    if len(lines) > FIRST + LAST:
        lines = [*lines[:FIRST], "...", *lines[-LAST:]]
    return "\n".join(lines)


def _run(uri: str, page: str, blocks: list[tuple[str, str]]) -> dict[str, Any]:
    program = Path(__file__).with_name("run_blocks.py")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, str(program), "outputs.json"]
        done = subprocess.run(
            words, cwd=folder, input=json.dumps(blocks), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docs/{uri}: a block fails\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        outputs = json.loads((Path(folder) / "outputs.json").read_text(encoding="utf-8"))
        named = [name for name, _ in PICTURE.findall(page)]
        found = {name: base64.b64encode(_newest(Path(folder), name).read_bytes()).decode() for name in named}
    return {"outputs": outputs, "pictures": {name.replace("/", "-"): picture for name, picture in found.items()}}


def _newest(folder: Path, name: str) -> Path:
    """Return a file; RUN in its name is the newest run."""
    found = sorted(folder.glob(name.replace("RUN", "runs/*/*")), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(f"no block made {name}")
    return found[-1]
