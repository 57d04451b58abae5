"""The options that the source shows are those that the classes have: names, defaults and meanings."""

from typing import Any

import pytest

from lightning_suite.known_options import known_options
from lightning_suite.lightning_internals import actions_of
from lightning_suite.options.config import GROUPS
from lightning_suite.options.defaults import default_of
from lightning_suite.options.parser import parser_of
from lightning_suite.plugins import find


@pytest.mark.parametrize("name", find.names())
def test_the_source_shows_what_the_classes_have(name: str) -> None:
    plugin = find.get(name)
    parser, known = parser_of(plugin, "suite"), known_options(plugin)
    assert known is not None
    there = {action.dest for action in actions_of(parser)} - {*GROUPS, "help", "config", "plugin", "recipe"}
    others = ("print_shtab", *(option for option in there if option.endswith(".help")))  # jsonargparse's own
    assert known.keys() == there - {*others}
    for action in actions_of(parser):
        if action.dest.startswith(("model.", "data.")):
            expected = default_of(parser, action)
            assert same(known[action.dest].default, expected), action.dest
            assert known[action.dest].meaning == " ".join((action.help or "").split())


def same(written: Any, parsed: Any) -> bool:
    return list(written) == list(parsed) if isinstance(parsed, list | tuple) else bool(written == parsed)
