"""Prints what bash, zsh or fish needs to complete names, recipes, options and run folders.

bash: source <(suite completion bash), in ~/.bashrc for every shell. zsh: the same in ~/.zshrc.
fish: suite completion fish > ~/.config/fish/completions/suite.fish
"""

from lightning_suite import completion, verbs
from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.spelling import no_such


def run(arguments: list[str]) -> int:
    """Print the script of a shell, or the words that can follow on a command line; return 0."""
    if arguments[:1] == ["words"]:  # which the scripts ask
        print(*completion.candidates(arguments[2:], {verb: verbs.text(verb) for verb in verbs.names()}), sep="\n")
        return 0
    parser = LightParser("completion", __doc__)
    parser.add_argument("shell", metavar="SHELL", nargs="?", help=", ".join(completion.SCRIPTS))
    shell = parser.read(arguments).shell
    if shell not in completion.SCRIPTS:
        raise UsageError(no_such("script for the shell", str(shell or ""), completion.SCRIPTS, "there is one for"))
    print(completion.SCRIPTS[shell], end="")
    return 0
