"""The scripts are sourced by the shells that there are, which then complete."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.verbs import completion

ASK = {
    "bash": """
source <(suite completion bash)
COMP_WORDS=(suite fit --plugin tweets --model.opti); COMP_CWORD=4; _suite; echo "${COMPREPLY[@]}"
COMP_WORDS=(suite fit --plugin ""); COMP_CWORD=3; _suite; echo "${COMPREPLY[@]}"
complete -p suite
""",
    "zsh": """
autoload -Uz compinit && compinit -u -D
source <(suite completion zsh)
compadd() { shift; print -- ${(P)1} }
words=(suite fit --plugin tweets --model.opti); CURRENT=5; _suite
words=(suite fit --plugin ''); CURRENT=4; _suite
print $_comps[suite]
""",
    "fish": """
suite completion fish | source
complete -C 'suite fit --plugin tweets --model.opti'
string join ' ' (complete -C 'suite fit --plugin ')
functions __suite_words | grep -c 'suite completion words'
""",
}
ENDS = {"bash": "complete -o default -F _suite suite", "zsh": "_suite", "fish": "1"}


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """An environment whose first command ``suite`` is this one."""
    command = tmp_path / "bin" / "suite"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lightning_suite "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_has_sourced_the_script_completes(shell: str, on_path: dict[str, str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-c", ASK[shell]], env=on_path, cwd=tmp_path, capture_output=True, text=True)
    names = "dsa recnn spectral tweets"
    assert done.stdout.splitlines() == ["--model.optimizer", names, ENDS[shell]], done.stderr


def test_another_shell_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="there is one for: bash, zsh, fish"):
        completion.run(["tcsh"])
