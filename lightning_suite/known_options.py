"""All options of a run of a plugin, read from the source of its classes: torch is not imported."""

from lightning_suite.plugin import Plugin
from lightning_suite.plugins.signature import Parameter, parameters

SETTINGS, TRAINER = "lightning_suite.options.settings:Settings", "pytorch_lightning:Trainer"

GROUPS = ("model", "data", "trainer")


def known_options(plugin: Plugin) -> dict[str, Parameter] | None:
    """Return the options by dotted name, or None where the source of a class does not show all of them.

    Example:
        >>> from lightning_suite.plugins import find
        >>> find.names() and list(known_options(find.get(find.names()[0])))[:3]
        ['seed', 'monitor', 'mode']
    """
    found: dict[str, Parameter] = {}
    for group, path in (("", SETTINGS), ("model", plugin.module), ("data", plugin.data), ("trainer", TRAINER)):
        options = parameters(path)
        if options is None:
            return None
        found |= {f"{group}.{name}" if group else name: option for name, option in options.items()}
    return {name: option for name, option in found.items() if name not in (*GROUPS, "plugin", "recipe")}
