"""Run the blocks of a page in this folder and this process: pairs of language and code come in as JSON.

    run_blocks.py OUTPUTS < BLOCKS

OUTPUTS becomes a list with what each block prints; of a ``console`` block's commands standard error too, as on a
terminal, but for progress. ``cat FILE`` shows a file. The last expression of a ``python`` block is shown, as Python
does.
"""

import ast
import contextlib
import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from lightning_suite.cli import main as suite


def python(code: str, names: dict[str, Any]) -> None:
    """Run a block; print the value of its last expression, where it has one."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<block>", "exec"), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "<block>", "eval"), names)
        if value is not None:
            print(repr(value))


def console(code: str) -> None:
    """Run commands of ``suite``, and ``cat``."""
    for line in code.replace("\\\n", " ").splitlines():
        command, *words = shlex.split(line, comments=True)
        if "RUN" in words:
            newest = max(Path("runs").glob("*/*/run.json"), key=lambda path: path.stat().st_mtime).parent
            words = [str(newest) if word == "RUN" else word for word in words]
        if command == "cat":
            print(*(Path(word).read_text(encoding="utf-8") for word in words), sep="")
        elif command != "suite":
            raise SystemExit(f"{line!r}: a console block has commands of suite, and cat")
        elif status := suite(["--quiet", *words]):
            raise SystemExit(f"{line!r} ends with status {status}")


def main(outputs: str) -> None:
    """Run the blocks that come in on standard input."""
    names: dict[str, Any] = {"__name__": "__main__"}
    texts = []
    for language, code in json.load(sys.stdin):
        text = io.StringIO()
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text if language == "console" else sys.stderr):
                console(code) if language == "console" else python(code, names)
        except BaseException:
            print(f"{code}\n{text.getvalue()}", file=sys.stderr)
            raise
        texts.append(text.getvalue())
    Path(outputs).write_text(json.dumps(texts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
