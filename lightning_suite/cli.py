"""The command ``suite``: finds the verb, runs it, and turns what it raises into a message and an exit status.

Exit statuses: 0; 1 something the user can mend; 2 a mistake in the command line; 3 a plugin that cannot be used;
130 interrupted by the user; 141 the reader of the output went away. A traceback is shown only under ``--debug``.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence

from lightning_suite import diagnosis, progress, registry, requirements, verbs
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.faults import BrokenPlugin
from lightning_suite.plugin import Plugin
from lightning_suite.spelling import did_you_mean
from lightning_suite.tables import listing, terminal_width

SHOWN = 6
"""Plugins whose commands stand in the help, which is to fit on a screen."""

INTERRUPTED = 130
READER_GONE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    silent = "--quiet" in words
    words = [word for word in words if word not in ("--debug", "--quiet")]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so when it was closed
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? for what it lacks
    try:
        with progress.quiet(silent):
            status = _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except SuiteError as error:
        _show(error, f"{error}", debug)
        return error.exit_status
    except KeyboardInterrupt as error:
        _show(error, "interrupted", debug)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more when it ends: into nothing, then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning's way to end after an interruption
            _show(error, "interrupted", debug)
            return INTERRUPTED
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except OSError as error:
        _show(error, f"{error.filename}: {error.strerror}" if error.filename else f"{error}", debug)
        return 1
    except Exception as error:
        _show(error, f"unexpected {type(error).__name__}: {error}\nrun it again with --debug to see where", debug)
        return 1


def suggestion(word: str, plugins: Sequence[Plugin]) -> str:
    """The sentence that offers the nearest verbs and plugin commands to a mistyped one, or nothing."""
    return did_you_mean(word, [*verbs.names(), *_commands(plugins), "--version", "--help"])


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"lightning-suite {requirements.version('lightning-suite') or '(version unknown: not installed)'}")
        return 0
    verb, rest = words[0], words[1:]
    if verb in verbs.names():
        status: int = importlib.import_module(f"lightning_suite.verbs.{verb}").run(rest)
        return status
    plugin, rest = _plugin_with(verb, rest)
    from lightning_suite import options

    options.call(registry.resolve(plugin, verb), rest, prog=f"suite {verb}")
    return 0


def _plugin_with(command: str, words: list[str]) -> tuple[Plugin, list[str]]:
    """The plugin whose own verb is meant, and the words that are left for the verb.

    ``--plugin`` decides, else the run among the words, else the name when one installed plugin alone has it.
    """
    typed, rest = _take_plugin(words)
    of_run, run = _plugin_of_run(rest)
    if typed is not None or of_run is not None:
        plugin = registry.get(typed or of_run or "")
        if typed and of_run and registry.get(of_run).name != plugin.name:
            raise UsageError(f"--plugin {typed}, but {run} is a run of the plugin {of_run!r}: leave one of them out")
        if command not in plugin.commands:
            where = "" if typed else f", whose run {run} is,"
            every = [*verbs.names(), *plugin.commands]
            raise UsageError(
                f"plugin {plugin.name!r}{where} has no command {command!r}, nor is it a verb\n"
                f"it has: {', '.join(plugin.commands) or 'none'}; verbs: {', '.join(verbs.names())}\n"
                f"{did_you_mean(command, every)}".rstrip()
            )
        return plugin, rest
    plugins = _readable()
    having = [plugin for plugin in plugins if command in plugin.commands]
    if len(having) == 1:
        return having[0], rest
    if having:
        names = ", ".join(plugin.name for plugin in having)
        raise UsageError(f"several plugins have a command {command!r}: {names}\ngive a run, or --plugin NAME")
    raise UsageError(_no_verb(command, plugins))


def _take_plugin(words: list[str]) -> tuple[str | None, list[str]]:
    for i, word in enumerate(words):
        if word.startswith("--plugin="):
            return word.partition("=")[2], words[:i] + words[i + 1 :]
        if word == "--plugin":
            if i + 1 == len(words):
                raise UsageError(f"--plugin needs a name; installed: {', '.join(registry.names()) or 'none'}")
            return words[i + 1], words[:i] + words[i + 2 :]
    return None, words


def _plugin_of_run(words: list[str]) -> tuple[str | None, str]:
    """The plugin of the first word that is a run folder or a checkpoint, and that word."""
    for word in words:
        if not word.startswith("-") and os.path.exists(word):  # noqa: PTH110  (any text may stand here, even a NUL)
            from lightning_suite import run

            if plugin := run.plugin_of(word):
                return plugin, word
    return None, ""


def _readable() -> list[Plugin]:
    """The records of all installed plugins that can be read; a broken one has no part in the others' mistakes."""
    several = [entry.name for entry in registry.installed()]
    plugins = []
    for entry in registry.installed():
        if several.count(entry.name) == 1:
            try:
                plugins.append(registry.read(entry, diagnosis.LOOK_LIMIT))
            except BrokenPlugin:
                continue
    return plugins


def _commands(plugins: Sequence[Plugin]) -> dict[str, list[str]]:
    """The plugins' own verbs, each with the names of the plugins that have it."""
    found: dict[str, list[str]] = {}
    for plugin in plugins:
        for command in plugin.commands:
            found.setdefault(command, []).append(plugin.name)
    return found


def _no_verb(word: str, plugins: Sequence[Plugin]) -> str:
    lines = [f"there is no verb {word!r}", f"verbs: {', '.join(verbs.names())}"]
    if commands := list(_commands(plugins)):
        shown = ", ".join(commands[:20]) + (f" and {len(commands) - 20} more" if len(commands) > 20 else "")
        lines.append(f"commands of plugins: {shown}")
    if word in registry.names():
        lines.append(f"{word!r} is a plugin: suite info {word}, suite fit --plugin {word}")
    elif hint := suggestion(word, plugins):
        lines.append(hint)
    return "\n".join(lines)


def _help() -> str:
    width = terminal_width()
    plugins = _readable()
    lines = [
        "suite VERB ...: papers' methods as plugins of PyTorch Lightning",
        "",
        listing([(verb, verbs.help_line(verb)) for verb in verbs.names()], width, "  "),
    ]
    commands = [(plugin.name, ", ".join(plugin.commands)) for plugin in plugins if plugin.commands]
    if commands:
        left = [f"  and {len(commands) - SHOWN} plugins more: suite list"] if len(commands) > SHOWN else []
        lines += ["", "commands of plugins (suite info NAME)", listing(commands[:SHOWN], width, "  "), *left]
    lines += [
        "",
        "suite VERB --help explains a verb. Anywhere: --quiet shows no progress, --debug the traceback of an error.",
        f"next: {f'suite fit --plugin {plugins[0].name}' if plugins else 'suite list'}",
    ]
    return "\n".join(lines)


def _show(error: BaseException, message: str, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exception(error)
    else:
        print(message, file=sys.stderr)
