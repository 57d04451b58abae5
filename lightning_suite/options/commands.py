"""A plugin's own verb: a function whose parameters are the arguments and options of a command."""

import inspect
import itertools
import typing
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jsonargparse import ArgumentParser

from lightning_suite.lightning_internals import actions_of, options_of
from lightning_suite.options.help import help_lines
from lightning_suite.options.mistakes import check_typed, strict
from lightning_suite.options.renaming import renamed_words
from lightning_suite.options.types import type_of


def call(
    function: Callable[..., Any],
    arguments: Sequence[str],
    prog: str = "suite",
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """Call a function with options from a command line: positional parameters in order, keyword-only ones by name.

    A last positional parameter of type ``list[str]`` takes all remaining words, at least one. Options are written as
    usual: ``-n 10`` for a name of one letter, ``--two-words`` for ``two_words``, and ``--name`` alone for a ``bool``.

    Args:
        function: what to call.
        arguments: the words after the command.
        prog: the command, for messages.
        renamed: old and new names of its options.

    Returns:
        The result of the function; None after ``--help``.

    Raises:
        UsageError: an option does not exist, is missing, or its value is not what the signature asks for.

    Example:
        >>> def greet(name: str, *, times: int = 1) -> str:
        ...     return " ".join([name] * times)
        >>> call(greet, ["ann", "--times", "2"])
        'ann ann'
    """
    parser = ArgumentParser(prog=prog, exit_on_error=False, allow_abbrev=False, add_help=False)
    rest = _rest(function)
    parser.add_function_arguments(function, as_positional=True, skip=set(rest))
    for name in rest:
        parser.add_argument(name, nargs="+", type=str)
    if {"-h", "--help"} & set(arguments):
        positional = [action.dest.upper() for action in actions_of(parser) if not action.option_strings]
        summary = (function.__doc__ or "").strip().splitlines()[:1]
        print("\n".join([" ".join([prog, *positional, "[options]"]), *summary, "", *help_lines(parser)]))
        return None
    words = _spelt_out(parser, renamed, arguments)
    check_typed(options_of(parser), words, f"{prog} --help lists the options.")
    namespace = strict(parser, lambda: parser.parse_args(words))
    return function(**vars(parser.instantiate(namespace)))


def _spelt_out(parser: ArgumentParser, renamed: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    """Return the words as the parser needs them: two dashes, underscores, new names, ``true`` after a switch."""
    types = {option: type_of(action) for option, action in options_of(parser).items()}
    known = types.keys() | {f"--{name}" for name in renamed}
    words = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name.startswith("--") or len(name) == len("-n"):
            name = f"--{name.lstrip('-').replace('-', '_')}"
        words.append(name + equals + value if argument.startswith("-") and name in known else argument)
    words = renamed_words(renamed, words)
    spelt = []
    for word, following in itertools.pairwise([*words, ""]):
        is_switch = types.get(word) is bool and following.lower() not in ("true", "false")
        spelt += [word, "true"] if is_switch else [word]
    return spelt


def _rest(function: Callable[..., Any]) -> list[str]:
    """Return the name of the last positional parameter of a function if that is a list of words; else nothing."""
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty
    ]
    return [name for name in positional[-1:] if typing.get_type_hints(function).get(name) == list[str]]
