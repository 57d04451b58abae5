"""Read options into settings, and instantiate the classes of a plugin from settings, by jsonargparse."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from lightning_suite.errors import UsageError
from lightning_suite.known_options import known_options
from lightning_suite.lightning_internals import options_of
from lightning_suite.options.config import GROUPS, config_files, flat, nested, read_config
from lightning_suite.options.defaults import add_options, held_defaults, own_networks, shown, without_shown
from lightning_suite.options.loggers import completed_options, completed_words
from lightning_suite.options.mistakes import check_names, check_typed, strict
from lightning_suite.options.renaming import renamed_options, renamed_words
from lightning_suite.options.settings import Settings
from lightning_suite.plugin import Plugin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.recipes import recipe_files
from lightning_suite.tables import one_line
from lightning_suite.yaml_files import one_line_yaml

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule


@dataclass(frozen=True)
class Built:
    """The plugin's two classes, instantiated, the arguments of its Trainer, and the settings with every default."""

    model: "LightningModule"
    data: "LightningDataModule"
    trainer: dict[str, Any]
    settings: Settings


def parser_of(plugin: Plugin, prog: str) -> ArgumentParser:
    """Return the parser of all options of a run of a plugin."""
    parser = _parser_of(resolve(plugin, "module"), resolve(plugin, "data"))
    parser.prog = prog
    return parser


@lru_cache(maxsize=4)
def _parser_of(module: Any, data: Any) -> ArgumentParser:
    """Return the parser of two classes: one run asks for it several times, and it reads many docstrings."""
    from pytorch_lightning import Trainer

    parser = ArgumentParser(exit_on_error=False, allow_abbrev=False, print_config=None)
    parser.add_argument("--config", action="config", help="YAML file of options; may be given several times")
    parser.add_class_arguments(Settings, skip=set(GROUPS))
    add_options(parser, module, "model")
    add_options(parser, data, "data")
    # Its nested classes (loggers, callbacks, strategies) are built by jsonargparse, the Trainer itself by the run.
    parser.add_class_arguments(Trainer, "trainer", instantiate=False)
    return parser


def parse(
    plugin: Plugin,
    typed: Sequence[str],
    *,
    start: Mapping[str, Any],
    given: Mapping[str, Any] = MappingProxyType({}),
    prog: str = "suite fit",
    name: str | None = None,
    own: Sequence[str] = (),
) -> Settings:
    """Return the settings that result from a start, then config files, then given and typed options.

    Args:
        plugin: has the options.
        typed: command-line arguments, ``--config FILE`` among them.
        start: a recipe, or the settings of a run; only these win over the defaults of signatures.
        given: options of a call in Python, as ``given_options`` returns them.
        prog: the command, for messages.
        name: the plugin's name or path for the settings; its name by default.
        own: other options of the command, to suggest for a mistyped one.

    Raises:
        UsageError: an option does not exist or its value is not what the signature asks for.
    """
    listed = f"suite fit --plugin {name or plugin.name} --help lists the options, --help=trainer the trainer's."
    files, words = config_files(typed)
    words = renamed_words(plugin.renamed, words)
    if words and (known := known_options(plugin)) is not None:  # before torch is imported
        check_typed(
            [f"--{option}{plus}" for option in ("plugin", "recipe", *known) for plus in ("", "+")], words, listed, own
        )
    words = completed_words(words)  # which says what has to be installed
    parser = parser_of(plugin, prog)
    there = options_of(parser)
    sources = []
    source = "in the recipe" if prog == "suite fit" else "in the settings of the run"
    for where, values in [(source, start), *((f"in {file}", read_config(file)) for file in files), ("", given)]:
        options = renamed_options(plugin.renamed, flat(values), where)
        check_names(there, options, listed, where, () if where else own)
        sources.append({"plugin": plugin.name} | completed_options(options))
    check_typed(there, words, listed, own)
    recipes = recipe_files(plugin) if prog == "suite fit" else ()
    read = [word for options in without_shown(parser, *sources) for word in ("--config", one_line_yaml(options))]
    namespace = strict(parser, lambda: parser.parse_args([*read, *words]), recipes)
    return replace(_resolved(parser, namespace), plugin=name or plugin.name)


def build_model(plugin: Plugin, settings: Settings) -> "LightningModule":
    """Return the plugin's module alone, instantiated from settings.

    Raises:
        UsageError: the class does not take its arguments.
    """
    parser = ArgumentParser(exit_on_error=False)
    add_options(parser, resolve(plugin, "module"), "model")
    model: LightningModule = _instantiated(parser, _namespace(parser, {"model": settings.model}))["model"]
    return model


def build(plugin: Plugin, settings: Settings) -> Built:
    """Return the plugin's module and data module, instantiated from settings, and the Trainer's arguments.

    Raises:
        UsageError: a class does not take its arguments, or needs a package that is not installed.
    """
    parser = parser_of(plugin, "suite")
    namespace = _namespace(parser, asdict(settings))
    try:
        made = _instantiated(parser, namespace)
    except (ValueError, ImportError) as error:
        raise UsageError(one_line(f"{error}")) from error
    return Built(made["model"], made["data"], dict(vars(made["trainer"])), _resolved(parser, namespace))


def _namespace(parser: ArgumentParser, values: Mapping[str, Any]) -> Namespace:
    """Return settings as the parser's namespace, without the texts of defaults that no file can hold."""
    (given,) = without_shown(parser, flat(values))
    groups = {name: value for name, value in values.items() if value == {}}
    namespace: Namespace = strict(parser, lambda: parser.parse_object(groups | nested(given)))
    return namespace


def _instantiated(parser: ArgumentParser, namespace: Namespace) -> Namespace:
    """Return the objects that a namespace describes."""
    networks = own_networks(parser, namespace)
    namespace = namespace.clone()
    for name, network in networks.items():
        namespace[name] = network
    made: Namespace = parser.instantiate(namespace)
    return made


def _resolved(parser: ArgumentParser, namespace: Namespace) -> Settings:
    """Return the settings of a parsed namespace, every default included."""
    values = json.loads(parser.dump(namespace, format="json", skip_unset=False))
    for name, default in held_defaults(parser).items():
        group, _, inner = name.partition(".")
        values.setdefault(group, {}).setdefault(inner, shown(default))
    return Settings(**{name: values[name] for name in Settings.__dataclass_fields__ if name in values})
