"""The reference of the command line: what ``suite VERB --help`` says, asked when the site is built.

One process answers all: a verb of a plugin imports torch before it can say anything.
"""

import json
import os
import subprocess
import sys
from functools import cache

import kept
from places import PLUGINS, ROOT

from lightning_suite import verbs as of_core
from lightning_suite.plugins import find

COLUMNS = "100"
TOPICS = ("model", "data")
ASK = """
import contextlib, io, json, sys
from lightning_suite.cli import main
answers = {}
for line in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        if status := main(line.split()[1:]):
            raise SystemExit(f"{line}: status {status}")
    answers[line] = said.getvalue().rstrip()
print(json.dumps(answers))
"""


def verbs() -> str:
    """Return a page with the help of ``suite``, of its verbs and of the plugins' own."""
    parts = ["# Command line", "What `suite` and `suite VERB --help` say.", block("suite --help")]
    parts += [f"## suite {verb}\n\n{block(f'suite {verb} --help')}" for verb in of_core.names()]
    parts += [f"## suite {verb} ({name})\n\n{block(f'suite {verb} --help')}" for name, verb in own()]
    return "\n\n".join(parts) + "\n"


def options() -> str:
    """Return a page with the options of each plugin, and of Lightning's Trainer."""
    parts = ["# Options of plugins", "What `suite fit --plugin NAME --help=TOPIC` says."]
    for name in PLUGINS:
        parts += [f"## {name}", *(block(f"suite fit --plugin {name} --help={topic}") for topic in TOPICS)]
    parts += ["## trainer", block(f"suite fit --plugin {PLUGINS[0]} --help=trainer")]
    return "\n\n".join(parts) + "\n"


def own() -> list[tuple[str, str]]:
    """Return the verbs of plugins, each with its plugin before it."""
    return [(name, verb) for name in PLUGINS for verb in find.get(name).commands]


def lines() -> list[str]:
    """Return every command line whose answer is shown."""
    asked = ["suite --help", *(f"suite {verb} --help" for verb in [*of_core.names(), *(verb for _, verb in own())])]
    asked += [f"suite fit --plugin {name} --help={topic}" for name in PLUGINS for topic in TOPICS]
    return [*asked, f"suite fit --plugin {PLUGINS[0]} --help=trainer"]


def block(line: str) -> str:
    """Return a block of code with a command and what it prints."""
    return f"```text\n$ {line}\n{answers()[line]}\n```"


@cache
def answers() -> dict[str, str]:
    """Return what each command prints, and raise a CalledProcessError where one fails."""
    contents: dict[str, str] = json.loads(kept.text("\n".join(lines()), ask))
    return contents


def ask() -> str:
    """Return what each command prints, as JSON."""
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    words = [sys.executable, "-c", ASK]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, input=json.dumps(lines()), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout
