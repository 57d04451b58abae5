"""The command ``suite``: runs a verb, and turns what it raises into a message and an exit status.

Exit statuses: 0 success; 1 a problem that the user can solve; 2 a mistake in the command line; 3 a plugin that cannot
be used; 141 the reader of the output went away; 130, or 128 and the number of another signal, interrupted. Tracebacks
are shown with ``--debug`` alone.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from lightning_suite import huge_pages, own_process, progress, signals, streams, threads, trust, verbs
from lightning_suite.arguments import LightParser
from lightning_suite.errors import Interrupted, PluginError, SuiteError, UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, requirements
from lightning_suite.plugins.resolve import resolve
from lightning_suite.spelling import did_you_mean
from lightning_suite.tables import listing, terminal_width

SCREEN, AROUND = 24, 5
"""Lines of a screen, which the help should fit on, and those of them that name no verb."""

OTHER_NAMES = {
    "train": "fit",
    "run": "fit",
    "resume": "fit --resume RUN",
    "continue": "fit --resume RUN",
    "eval": "test",
    "evaluate": "test",
    "infer": "predict",
    "inference": "predict",
    "embed": "predict RUN INPUT --embed",
    "models": "list",
    "plugins": "list",
    "ls": "list",
    "show": "info",
    "compare_runs": "compare-runs",
    "version": "--version",
}
"""What verbs are called elsewhere, with their names here."""

READER_GONE = 141

INTERRUPTED = "interrupted: no unfinished file is left, and the same command can be run again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    if arguments is None:
        own_process.begins_a_command()
    streams.prepare()
    threads.sleep_while_waiting()
    huge_pages.ask_for_them()
    with signals.answered():
        status = _run(arguments)
        if status and signals.received():
            status = signals.status()
        if (failure := streams.failure()) is None:
            return status
    # Python flushes standard output once more when it ends; it must not find the closed pipe or the full disk.
    streams.give_up_output()
    if isinstance(failure, BrokenPipeError):
        return status or READER_GONE
    print(f"standard output cannot be written: {failure.strerror}", file=sys.stderr)
    return status or 1


def suggestion(word: str, plugins: Sequence[Plugin]) -> str:
    """Return a sentence with the verbs nearest to a mistyped one, those of plugins included; empty if none is near."""
    return did_you_mean(word, [*verbs.names(), *_own_verbs(plugins), "--version", "--help"])


def _run(arguments: Sequence[str] | None) -> int:
    """Run one command line, and return the exit status of what it raises."""
    parser = LightParser(add_help=False)
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--trust", action="store_true")
    debug = False
    try:
        anywhere, words = parser.parse_known_args(arguments)
        debug = anywhere.debug
        _refuse_lost_folder()
        with progress.quiet(anywhere.quiet), trust.asked(anywhere.trust, words):
            status = _dispatch(words)
        sys.stdout.flush()
        return status
    except Interrupted as error:
        _show(error, f"{error}", debug)
        return signals.status()
    except SuiteError as error:
        _show(error, f"{error}", debug)
        return error.exit_status
    except KeyboardInterrupt as error:
        _show(error, INTERRUPTED, debug)
        return signals.status()
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning's way to end after an interruption
            _show(error, INTERRUPTED, debug)
            return signals.status()
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except OSError as error:
        if error is not streams.failure():  # `main` says what happened to the output
            _show(error, f"{error.filename}: {error.strerror}" if error.filename else f"{error}", debug)
            return 1
        return 0
    except Exception as error:
        _show(error, f"unexpected {type(error).__name__}: {error}\nrun it again with --debug to see where", debug)
        return 1


def _refuse_lost_folder() -> None:
    """Raise a SuiteError in a folder that was deleted: no file can be named there, and MKL ends the process."""
    try:
        os.getcwd()  # noqa: PTH109
    except OSError as error:
        raise SuiteError(
            f"the current folder cannot be used: {error.strerror}; it may have been deleted.\n"
            "Change to another one, for example: cd ~"
        ) from error


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"] and words[1:]:  # suite help fit
        words = ["info", *words[1:]] if words[1] in find.names() else [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"lightning-suite {requirements.version('lightning-suite') or '(version unknown: not installed)'}")
        return 0
    verb, rest = words[0], words[1:]
    if verb in verbs.names():
        status: int = importlib.import_module(verbs.module(verb)).run(rest)
        return status
    plugin, rest = _plugin_with(verb, rest)
    from lightning_suite import options

    function = resolve(plugin, verb)
    options.call(function, rest, prog=f"suite {verb}", renamed=options.renamed_of_verb(plugin.renamed, verb))
    return 0


def _plugin_with(verb: str, words: list[str]) -> tuple[Plugin, list[str]]:
    """Return the plugin that has a verb, and the words without ``--plugin``.

    ``--plugin`` decides, else the first run among the words, else that only one plugin has the verb.
    """
    parser = LightParser(verb, add_help=False)
    parser.add_argument("--plugin", nargs="?", const="")
    values, rest = parser.parse_known_args(words)
    typed: str | None = values.plugin
    if typed == "":
        raise UsageError(f"--plugin needs a name; installed: {', '.join(find.names()) or 'none'}")
    of_run, run, may_import = _plugin_of_run(rest)
    if of_run and not typed and not may_import:
        raise UsageError(
            f"suite has no verb {verb!r}. {did_you_mean(verb, verbs.names())}".rstrip()
            + f"\n{run} is a run of the plugin {of_run}, which may have one: it would be imported, and is not from a "
            f"run that you trained here.\nOnly if you trust whoever made it: {trust.command()}"
        )
    if typed or of_run:
        plugin = find.get(typed or of_run)
        if typed and of_run and not (find.get(of_run).name == plugin.name if may_import else trust.is_named(of_run)):
            raise UsageError(f"--plugin {typed}, but {run} is a run of the plugin {of_run!r}: leave one of them out")
        if verb not in plugin.commands:
            where = "" if typed else f", whose run {run} is,"
            raise UsageError(
                f"plugin {plugin.name!r}{where} has no verb {verb!r}, and neither has suite\n"
                f"it has: {', '.join(plugin.commands) or 'none'}; suite has: {', '.join(verbs.names())}\n"
                f"{did_you_mean(verb, [*verbs.names(), *plugin.commands])}".rstrip()
            )
        return plugin, rest
    plugins = find.readable()
    having = [plugin for plugin in plugins if verb in plugin.commands]
    if len(having) == 1:
        return having[0], rest
    if having:
        names = ", ".join(plugin.name for plugin in having)
        raise UsageError(f"several plugins have a verb {verb!r}: {names}\ngive a run, or --plugin NAME")
    raise UsageError(_no_verb(verb, plugins))


def _plugin_of_run(words: list[str]) -> tuple[str, str, bool]:
    """Return the plugin of the first word that is a run folder or a checkpoint, the word, and whether it may import it.

    Without such a word the texts are empty. Nothing is imported here.
    """
    for word in words:
        if not word.startswith("-") and os.path.exists(word):  # noqa: PTH110  (any text may stand here, even a NUL)
            from lightning_suite import run

            if stored := run.stored_at(word):
                settings, signature = stored
                plugin = settings["plugin"]
                return plugin, word, not trust.is_path(plugin) or trust.is_trusted(settings, signature)
    return "", "", True


def _own_verbs(plugins: Sequence[Plugin]) -> list[str]:
    return list(dict.fromkeys(verb for plugin in plugins for verb in plugin.commands))


def _no_verb(word: str, plugins: Sequence[Plugin]) -> str:
    lines = [f"there is no verb {word!r}", f"verbs: {', '.join(verbs.names())}"]
    if own := _own_verbs(plugins):
        lines.append(f"verbs of plugins: {', '.join(own[:20])}" + (f" and {len(own) - 20} more" if own[20:] else ""))
    if word in find.names():
        lines.append(f"{word!r} is a plugin: suite info {word}, suite fit --plugin {word}")
    elif word in OTHER_NAMES:
        lines.append(f"Did you mean {OTHER_NAMES[word]!r}?")
    elif hint := suggestion(word, plugins):
        lines.append(hint)
    return "\n".join(lines)


def _help() -> str:
    width, plugins = terminal_width(), find.readable()
    lines = ["suite VERB ...: papers' methods as plugins of PyTorch Lightning"]
    lines += [listing([(verb, verbs.help_line(verb)) for verb in verbs.names()], width, "  ")]
    if own := [(plugin.name, ", ".join(plugin.commands)) for plugin in plugins if plugin.commands]:
        room = max(2, SCREEN - AROUND - len(verbs.names()))
        shown = len(own) if len(own) <= room else room - 1
        more = [f"  and {len(own) - shown} plugins more: suite list"] if own[shown:] else []
        lines += ["", "verbs of plugins (suite info NAME)", listing(own[:shown], width, "  "), *more]
    lines += [
        "suite VERB --help explains a verb. Anywhere: --quiet, --debug (traceback), --trust (a run's code).",
        f"next: {f'suite fit --plugin {plugins[0].name}' if plugins else 'suite list'}",
    ]
    return "\n".join(lines)


def _show(error: BaseException, message: str, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exception(error)
    elif signals.received() and (isinstance(error, PluginError) or not isinstance(error, SuiteError)):
        print(INTERRUPTED, file=sys.stderr)  # an import that was interrupted can fail in any way
    else:
        print(message, file=sys.stderr)
