"""What can follow on a command line of ``suite``: verbs, names, recipes, options with their values, run folders.

The shell asks ``suite completion words -- WORD ...`` when the key is pressed, so nothing is imported but records;
options are read from the source of the verbs and of the plugins' classes.
"""

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from lightning_suite.errors import SuiteError
from lightning_suite.known_options import known_options
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, source
from lightning_suite.recipes import recipe_files

EVERYWHERE = ("--help", "--quiet", "--debug", "--trust")
TAKE_OPTIONS_OF_PLUGINS = ("fit", "validate", "test", "predict", "sweep")
TAKE_PLUGIN = ("info", "check")
TAKE_RUN = ("validate", "test", "predict", "rerun", "compare-runs", "report", "export")
LOGGERS = ("tensorboard", "wandb", "csv")

SCRIPTS = {
    "bash": """\
# suite completion bash >> ~/.bash_completion
_suite() {
    local IFS=$'\\n'
    COMPREPLY=($(suite completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _suite suite
""",
    "zsh": """\
#compdef suite
# suite completion zsh > a file _suite in a folder of $fpath, or: source <(suite completion zsh)
_suite() {
    local -a found
    found=(${(f)"$(suite completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _suite suite
""",
    "fish": """\
# suite completion fish > ~/.config/fish/completions/suite.fish
function __suite_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    suite completion words -- $words[2..-1] "$word" 2>/dev/null
end
complete -c suite -a '(__suite_words)'
""",
}
"""What each shell is to run once, so that it asks."""


def candidates(words: Sequence[str], verbs: Mapping[str, str], runs: Path = Path("runs")) -> list[str]:
    """Return what the last word can be; where there is nothing, the shell offers files.

    Args:
        words: those after ``suite``; the last is the one that is being typed, and may be empty.
        verbs: the source of each verb by its name.
        runs: the folder of runs.

    Example:
        >>> candidates(["export", "--f"], {"export": 'add_argument("--format")'})
        ['--format']
    """
    *before, word = [word for word in words if word != "="] or [""]  # bash makes a word of the = in --option=value
    with contextlib.suppress(SuiteError, OSError):
        return [one for one in dict.fromkeys(_possible(before, word, verbs, runs)) if one.startswith(word)]
    return []


def run_folders(root: Path, plugins: Collection[str] = ("*",)) -> list[str]:
    """Return the run folders of some plugins below a folder of runs, the newest first."""
    found = [path for plugin in plugins for path in root.glob(f"{plugin}/*") if _is_run_folder(path)]
    return [str(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def _possible(before: Sequence[str], word: str, verbs: Mapping[str, str], runs: Path) -> Collection[str]:
    verb, option = (before[0], before[-1]) if before else ("", "")
    if not verb or verb == "help":
        own = [name for plugin in find.readable() for name in plugin.commands]
        return [*verbs, *own, *(() if verb else ("help", "--version", "--help"))]
    if verb == "completion":
        return tuple(SCRIPTS)
    if option == "--plugin" or (verb in TAKE_PLUGIN and not word.startswith("-")):
        return find.names()
    if option in ("--logger", "--trainer.logger"):
        return LOGGERS
    plugin = _plugin(before)
    if option == "--recipe":
        return recipe_files(plugin) if plugin else ()
    options = _options(verb, verbs, plugin)
    if word.startswith("-"):
        return [*options, *EVERYWHERE]
    if option == "--resume" or (verb in TAKE_RUN and not option.startswith("--")):
        return run_folders(runs)
    having = [one for one in find.readable() if verb in one.commands]
    if having and not option.startswith("--") and source.takes_a_run(having[0].commands[verb]):
        return run_folders(runs, [one.name for one in having])
    return options.get(option, ())


def _plugin(before: Sequence[str]) -> Plugin | None:
    """Return the plugin that words name by ``--plugin``, or by a run."""
    for option, value in pairwise(before):
        if option == "--plugin":
            return find.look_at(value)
    for word in before[1:]:
        name = Path(word).absolute().parent.name
        if name in find.names() and _is_run_folder(Path(word)):
            return find.look_at(name)
    return None


def _options(verb: str, verbs: Mapping[str, str], plugin: Plugin | None) -> Mapping[str, Sequence[str]]:
    """Return the options of a verb, those of the plugin where it takes them, each with the values it can have."""
    if verb not in verbs:
        having = [plugin for plugin in find.readable() if verb in plugin.commands]
        names = source.keywords(having[0].commands[verb]) if having else []
        return {f"--{name.replace('_', '-')}" if name[1:] else f"-{name}": () for name in names}
    options: dict[str, Sequence[str]] = dict.fromkeys(re.findall(r'"(--[a-z][a-z-]+)"', verbs[verb]), ())
    if plugin is not None and verb in TAKE_OPTIONS_OF_PLUGINS:
        options |= {f"--{name}": option.choices for name, option in (known_options(plugin) or {}).items()}
    return options


def _is_run_folder(path: Path) -> bool:
    return (path / "config.yaml").is_file()
