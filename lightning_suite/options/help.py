"""Format the help of options: names, types, defaults and meanings, in two columns."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

from jsonargparse import ArgumentParser

from lightning_suite.errors import UsageError
from lightning_suite.lightning_internals import actions_of, options_of
from lightning_suite.options.config import GROUPS
from lightning_suite.options.defaults import default_of
from lightning_suite.options.effective import Given
from lightning_suite.options.mistakes import unknown
from lightning_suite.options.parser import parser_of
from lightning_suite.options.renaming import renamed_options
from lightning_suite.options.types import described, type_of
from lightning_suite.plugin import Plugin

MEANINGS = 40
"""Column at which meanings begin."""

NONE_GIVEN: Mapping[str, Given] = MappingProxyType({})


def help_text(plugin: Plugin, prog: str, topic: str = "", given: Mapping[str, Given] = NONE_GIVEN) -> str:
    """Return the help of a plugin's options, with their types.

    Args:
        plugin: has the options.
        prog: the command.
        topic: ``model``, ``data`` or ``trainer`` for one group, the name of an option for that one; empty for all
            groups but the trainer's.
        given: the values that the command would use in place of the defaults.

    Raises:
        UsageError: the topic is neither a group nor an option.
    """
    parser = parser_of(plugin, prog)
    if topic and topic not in GROUPS:
        (name,) = renamed_options(plugin.renamed, {topic: None}, "")
        action = next((action for action in actions_of(parser) if action.dest == name), None)
        if action is None:
            raise UsageError(
                unknown(options_of(parser), name, f"{prog} --plugin {plugin.name} --help lists the options.")
            )
        start = f"--{name} {described(type_of(action))} = {_value(parser, action, given)}"
        return f"{start}\n{action.help or ''}".rstrip()
    classes = {"model": plugin.module, "data": plugin.data, "trainer": "pytorch_lightning:Trainer", "": "the run"}
    lines = [f"{prog} --plugin {plugin.name} [--recipe NAME] [--config FILE] [--OPTION VALUE ...]"]
    for group in [topic] if topic else ["model", "data", ""]:
        lines += [f"{group or 'run'} ({classes[group]})", *help_lines(parser, group, given)]
    lines += ["--help=trainer: the trainer's options. --help=data.NAME: one option in full."]
    return "\n".join([*lines, "--print-config: the values that would be used."])


def help_lines(parser: ArgumentParser, group: str = "", given: Mapping[str, Given] = NONE_GIVEN) -> Iterator[str]:
    """Yield the options of a group with their types and meanings, wrapped to the terminal, 80 to 120 columns."""
    width = min(max(80, shutil.get_terminal_size(fallback=(100, 24)).columns), 120)
    wrapped = partial(textwrap.wrap, width=width, break_long_words=False, break_on_hyphens=False)
    for action in actions_of(parser):
        default = default_of(parser, action)
        hidden = argparse.SUPPRESS in (action.help, default) or action.dest in ("help", *GROUPS)
        if hidden or action.dest.rpartition(".")[0].split(".")[0] != group:
            continue
        name = action.option_strings[0] if action.option_strings else action.dest.upper()
        kind = "FILE" if type_of(action) is None else described(type_of(action))
        has_value = default is not None or action.dest in given
        start = f"{name} {kind}" + (f" = {_value(parser, action, given)}" if has_value else "")
        left = wrapped(start, initial_indent="  ", subsequent_indent=" " * 6)
        meaning = re.sub(r":\w+:`~?([^`]*)`", r"\1", action.help or "")  # without the markup of Sphinx's links
        right = wrapped(meaning, initial_indent=" " * MEANINGS, subsequent_indent=" " * MEANINGS)
        if right and len(left) == 1 and len(left[0]) <= MEANINGS - 2:
            right[0] = left.pop().ljust(MEANINGS) + right[0].lstrip()
        yield from left
        yield from right


def _value(parser: ArgumentParser, action: argparse.Action, given: Mapping[str, Given]) -> str:
    """Return the value of an option that a command would use, with its mark where it is not the default."""
    one = given.get(action.dest)
    return f"{default_of(parser, action)!r}" if one is None else f"{one.value!r} {one.mark}"
