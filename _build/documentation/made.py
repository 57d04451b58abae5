"""Pages of the site that are made of the source, each by a function that returns its Markdown."""

from collections.abc import Callable

import api
import command_line
import gallery

MADE: dict[str, Callable[[], str]] = {
    **api.pages(),
    **gallery.pages(),
    "reference/command-line.md": command_line.verbs,
    "reference/options.md": command_line.options,
}
