"""The options of a plugin: read from the signatures of its classes, given as dotted flags or YAML.

What is typed wins over ``--config``, which wins over the recipe, which wins over the signature. The signature is
the only place where a default lives; jsonargparse reads it. Names are checked here before jsonargparse sees them, so
that a mistake costs a few lines with the nearest match, and no abbreviation is taken for the option it begins.
"""

import inspect
import json
import re
import shutil
import textwrap
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.guard import one_line
from lightning_suite.plugin import Plugin
from lightning_suite.recipes import recipe_files
from lightning_suite.spelling import did_you_mean

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule

MEANINGS = 40
"""Column of the help at which it is said what options mean."""

PEOPLE_ONLY = ("summary", "expected")
"""Keys of a recipe that are not options."""

GROUPS = ("model", "data", "trainer")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every option of one run, resolved; what config.yaml holds.

    Attributes:
        plugin: the plugin's name, or the path that was given for it.
        recipe: the recipe the values started from; None for a plugin without recipes.
        seed: seeds Python, numpy and torch before anything is built.
        monitor: the metric that decides which checkpoint is the best.
        mode: whether the best is the smallest or the largest value of that metric.
        checkpoint_every: last.ckpt is written after so many optimizer steps, and after every epoch; 0: then only.
        model: arguments of the plugin's LightningModule.
        data: arguments of the plugin's LightningDataModule.
        trainer: arguments of the Trainer.
    """

    plugin: str
    recipe: str | None = None
    seed: int = 0
    monitor: str = "val_loss"
    mode: Literal["min", "max"] = "min"
    checkpoint_every: int = 1000
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed: expected a number from 0 to {2**32 - 1}, got {self.seed}")
        if self.checkpoint_every < 0:
            raise UsageError(f"--checkpoint_every: expected 0 or more, got {self.checkpoint_every}")

    def as_yaml(self) -> str:
        """The text of config.yaml."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)


ONE_PROCESS = {
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "callbacks": None,
    "logger": False,
    "profiler": None,
    "fast_dev_run": False,
    "overfit_batches": 0.0,
    "limit_val_batches": None,
    "limit_test_batches": None,
    "limit_predict_batches": None,
}
"""What evaluation does not take over from training: limits of a trial run, and more processes than one, whose metrics
would count those samples twice that Lightning repeats to give each process as many."""


def for_evaluation(settings: Settings) -> Settings:
    """The settings of a run with the Trainer's for one process and all of the data."""
    return replace(settings, trainer=settings.trainer | ONE_PROCESS)


@dataclass(frozen=True)
class Built:
    """What a run works with: the plugin's two classes, instantiated, and the arguments of its Trainer.

    ``settings`` are those it was built from, with every default filled in.
    """

    model: "LightningModule"
    data: "LightningDataModule"
    trainer: dict[str, Any]
    settings: Settings


def parser_of(plugin: Plugin, prog: str) -> ArgumentParser:
    """The parser of everything a run of this plugin can be told."""
    from pytorch_lightning import Trainer

    parser = ArgumentParser(prog=prog, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--config", action="config", help="YAML file of options; may be given several times")
    parser.add_argument("--plugin", type=str, help="name, module:attribute or file.py:attribute")
    parser.add_argument("--recipe", type=str | None, default=None, help="named settings of the plugin")
    parser.add_argument("--seed", type=int, default=Settings.seed, help="seed of Python, numpy and torch")
    parser.add_argument("--monitor", type=str, default=Settings.monitor, help="metric that chooses best.ckpt")
    parser.add_argument("--mode", type=Literal["min", "max"], default=Settings.mode, help="its better direction")
    parser.add_argument(
        "--checkpoint_every", type=int, default=Settings.checkpoint_every, help="steps between two writes of last.ckpt"
    )
    parser.add_class_arguments(registry.resolve(plugin, "module"), "model")
    parser.add_class_arguments(registry.resolve(plugin, "data"), "data")
    # Its nested classes (loggers, callbacks, strategies) are built by jsonargparse, the Trainer itself by the run.
    parser.add_class_arguments(Trainer, "trainer", instantiate=False)
    return parser


def parse(
    plugin: Plugin,
    typed: Sequence[str],
    *,
    start: Mapping[str, Any],
    prog: str = "suite fit",
    name: str | None = None,
    own: Sequence[str] = (),
) -> Settings:
    """The settings that result from a start (a recipe, or the settings of a run), config files and typed options.

    Args:
        plugin: whose options they are.
        typed: command-line arguments, ``--config FILE`` among them.
        start: the values below all others but the signatures'.
        prog: the command, for messages.
        name: what the plugin is called by in the settings, when it is not its name.
        own: the other options of the command, which a mistyped one may have meant.

    Raises:
        UsageError: an option does not exist or its value is not what the signature asks for.
    """
    parser = parser_of(plugin, prog)
    files, typed = take(list(typed), "--config")
    for file in files:
        _check_names(parser, _dotted(read_yaml(file)), f"in {file}")
    options = {key: value for key, value in start.items() if key not in PEOPLE_ONLY}
    _check_names(parser, _dotted(options), "in the recipe")
    _check_names(parser, _typed_names(parser, typed), "", own)
    arguments = ["--config", json.dumps(options), *(word for file in files for word in ("--config", file)), *typed]
    recipes = list(recipe_files(plugin)) if prog == "suite fit" else []
    settings = _resolved(parser, _strict(parser, lambda: parser.parse_args(arguments), recipes))
    return replace(settings, plugin=name or plugin.name)


def build_model(plugin: Plugin, settings: Settings) -> "LightningModule":
    """The plugin's module alone, instantiated from settings."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(registry.resolve(plugin, "module"), "model")
    made = parser.instantiate(_strict(parser, lambda: parser.parse_object({"model": settings.model})))
    model: LightningModule = made["model"]
    return model


def build(plugin: Plugin, settings: Settings) -> Built:
    """The plugin's module and data module, instantiated from settings, with the Trainer's arguments beside them.

    Raises:
        UsageError: a class does not take its arguments, or needs a package that is not installed.
    """
    parser = parser_of(plugin, "suite")
    namespace = _strict(parser, lambda: parser.parse_object(asdict(settings)))
    try:
        made = parser.instantiate(namespace)
    except (ValueError, ImportError) as error:
        raise UsageError(one_line(f"{error}")) from error
    return Built(made["model"], made["data"], dict(vars(made["trainer"])), _resolved(parser, namespace))


def call(function: Callable[..., Any], arguments: Sequence[str], prog: str = "suite") -> Any:
    """Calls a function with options from a command line: positional parameters in order, keyword-only ones by name.

    A last positional parameter that is a ``list[str]`` takes all words that are left, at least one. Options are taken
    as commands have them: ``-n 10`` where the name is one letter, ``--two-words`` for ``two_words``, and ``--name``
    alone for a ``bool``.

    Raises:
        UsageError: an option does not exist, is missing, or its value is not what the signature asks for.
    """
    parser = ArgumentParser(prog=prog, exit_on_error=False, allow_abbrev=False, add_help=False)
    listed = _listed(function)
    parser.add_function_arguments(function, as_positional=True, skip=set(listed))
    for name in listed:
        parser.add_argument(name, nargs="+", type=str)
    if {"-h", "--help"} & set(arguments):
        summary = (function.__doc__ or "").strip().splitlines()[:1]
        positional = [action.dest for action in parser._actions if not action.option_strings]
        print("\n".join([" ".join([prog, *map(str.upper, positional), "[options]"]), *summary, ""]))
        print("\n".join(_help_lines(parser, "")))
        return None
    arguments = _as_parsed(parser, arguments)
    _check_names(parser, _typed_names(parser, arguments), "")
    namespace = _strict(parser, lambda: parser.parse_args(arguments))
    return function(**vars(parser.instantiate(namespace)))


def _as_parsed(parser: ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """The words of a command line as the parser knows them: two dashes, underscores, and ``true`` after a switch."""
    known = {option: _type_of(action) for action in parser._actions for option in action.option_strings}
    words = []
    for word, following in zip(arguments, [*arguments, ""][1:], strict=True):
        name, sign, value = word.partition("=")
        spelt = f"--{name[2:].replace('-', '_')}" if name.startswith("--") else f"-{name}"
        of_one_letter = name.startswith("-") and len(name) == len("-n")
        word = spelt + sign + value if (name.startswith("--") or of_one_letter) and spelt in known else word
        words += [word, "true"] if known.get(word) is bool and following.lower() not in ("true", "false") else [word]
    return words


def _listed(function: Callable[..., Any]) -> list[str]:
    """The last positional parameter of a function, when it is a list of words."""
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty
    ]
    return [name for name in positional[-1:] if typing.get_type_hints(function).get(name) == list[str]]


def help_text(plugin: Plugin, prog: str, topic: str = "") -> str:
    """The help of a plugin's options, the trainer's only under the topic ``trainer``.

    Raises:
        UsageError: the topic is neither ``trainer`` nor an option.
    """
    parser = parser_of(plugin, prog)
    if topic in ("", "model", "data", "trainer"):
        parts = [topic] if topic else ["model", "data", ""]
        of = {"model": plugin.module, "data": plugin.data, "trainer": "pytorch_lightning:Trainer", "": "the run"}
        lines = [f"{prog} --plugin {plugin.name} [--recipe NAME] [--config FILE] [--OPTION VALUE ...]"]
        for part in parts:
            lines += [f"{part or 'run'} ({of[part]})", *_help_lines(parser, part)]
        lines += ["--help=trainer: the trainer's options. --help=data.NAME: all that is known of one option."]
        return "\n".join([*lines, "--print-config: the values that would be used."])
    for action in parser._actions:
        if action.dest == topic:
            return f"--{topic} {_described(_type_of(action))} = {action.default!r}\n{action.help or ''}".rstrip()
    raise UsageError(_unknown(parser, topic, ""))


def _resolved(parser: ArgumentParser, namespace: Namespace) -> Settings:
    """Plain values of a parsed namespace, every default included."""
    values = json.loads(parser.dump(namespace, format="json", skip_unset=False))
    return Settings(**{name: values[name] for name in Settings.__dataclass_fields__})


def _strict(parser: ArgumentParser, parse_it: Callable[[], Namespace], recipes: Sequence[str] = ()) -> Namespace:
    try:
        return parse_it()
    except (ArgumentError, TypeError, ValueError, KeyError) as error:
        raise UsageError(_explained(parser, str(error), recipes)) from error


def _explained(parser: ArgumentParser, message: str, recipes: Sequence[str]) -> str:
    """jsonargparse's message in at most four lines: the option, what it takes, what came."""
    if stray := re.match(r"unrecognized arguments: (\S+)", message):
        near = f"Did you mean --recipe {stray[1]}?" if stray[1] in recipes else _near(parser, stray[1].lstrip("-"))
        return f"{stray[1]!r} is not an option, nor the value of one. {near}".rstrip()
    key = re.search(r'[Kk]ey "([^"]+)"', message)
    value = re.search(r"(?:Got value|Given value): (.*)", message)
    problem = re.search(r"class_path '(?:[\w.]*\.)?(\w+)':\s*(.+)", message)
    action = next((action for action in parser._actions if key and action.dest == key[1]), None)
    if key is None or action is None or value is None or _type_of(action) is None:
        return "\n".join(message.strip().splitlines()[:4])
    option = f"--{key[1]}" if action.option_strings else key[1].upper()
    if problem is not None:
        needed = problem[2].partition("are required: ")[2]
        return f"{option} {problem[1]}: {problem[2]}" + (f"; give it as {option}.{needed} VALUE" if needed else "")
    near = did_you_mean(value[1], _choices(_type_of(action)))
    example = _example(_type_of(action))
    expected = f"{_described(_type_of(action))}{f', written {example}' if example else ''}"
    return f"{option}: expected {expected}, got {value[1]!r}. {near}".rstrip()


def _type_of(action: Any) -> Any:
    return getattr(action, "_typehint", None) or action.type


def _choices(hint: Any) -> list[str]:
    """What can be typed for a type, as far as it can be listed: its literals, the names of its subclasses."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return [str(argument) for argument in arguments]
    if isinstance(hint, type) and not arguments and hint.__module__ != "builtins":
        below: list[type] = hint.__subclasses__()
        return [name for each in below for name in (each.__name__, *_choices(each))]
    return [choice for argument in arguments for choice in _choices(argument)]


def _described(hint: Any) -> str:
    """A type as people write it: ``int``, ``'a' or 'b'``, ``list[str] or null``."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return " or ".join(repr(argument) for argument in arguments)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_described(argument) for argument in arguments)
    if hint in (None, type(None)):
        return "null"
    if isinstance(hint, type) and not arguments:
        return hint.__name__
    if arguments and hasattr(typing.get_origin(hint), "__name__"):
        inner = ["..." if argument is ... else _described(argument) for argument in arguments]
        return f"{typing.get_origin(hint).__name__}[{', '.join(inner)}]"
    return str(hint).replace("typing.", "")


def _example(hint: Any) -> str:
    """How several values are typed, such as ``[3,5]``; empty for a type of a single value, or of unusual ones."""
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return next(filter(None, map(_example, arguments)), "")
    if not arguments or not isinstance(origin, type) or not issubclass(origin, Collection) or origin is dict:
        return ""
    shown = {int: ("3", "5"), float: ("0.3", "0.5"), str: ("one", "two")}
    kinds = arguments if len(arguments) > 1 and arguments[-1] is not ... else (arguments[0], arguments[0])
    if not all(kind in shown for kind in kinds):
        return ""
    return f"[{','.join(shown[kind][i % 2] for i, kind in enumerate(kinds))}]"


def _help_lines(parser: ArgumentParser, group: str) -> Iterator[str]:
    """The options of a group with their types and meanings, wrapped to the terminal's width, 80 to 120 columns."""
    width = min(max(80, shutil.get_terminal_size(fallback=(100, 24)).columns), 120)
    wrapped = partial(textwrap.wrap, width=width, break_long_words=False, break_on_hyphens=False)
    for action in parser._actions:
        if (
            "==SUPPRESS==" in (action.help, action.default)
            or not (action.option_strings or action.dest)
            or action.dest == "help"
        ):
            continue
        if action.dest in GROUPS or (action.dest.split(".")[0] if "." in action.dest else "") != group:
            continue
        name = action.option_strings[0] if action.option_strings else action.dest.upper()
        kind = "FILE" if _type_of(action) is None else _described(_type_of(action))
        start = f"{name} {kind}" + ("" if action.default is None else f" = {action.default!r}")
        left = wrapped(start, initial_indent="  ", subsequent_indent=" " * 6)
        meaning = re.sub(r":\w+:`~?([^`]*)`", r"\1", action.help or "")  # without the markup of Sphinx's links
        right = wrapped(meaning, initial_indent=" " * MEANINGS, subsequent_indent=" " * MEANINGS)
        if right and len(left) == 1 and len(left[0]) <= MEANINGS - 2:
            right[0] = left.pop().ljust(MEANINGS) + right[0].lstrip()
        yield from left
        yield from right


def _typed_names(parser: ArgumentParser, words: Sequence[str]) -> list[str]:
    """The names of typed options.

    Raises:
        UsageError: one that takes a single value is given twice.
    """
    names = [word[2:].split("=")[0] for word in words if word.startswith("--")]
    single = {option[2:] for action in parser._actions for option in action.option_strings if not option.endswith("+")}
    twice = next((name for name in names if name in single and names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--{twice} is given {names.count(twice)} times; leave all but one out")
    return names


def _check_names(parser: ArgumentParser, names: Sequence[str], where: str, own: Sequence[str] = ()) -> None:
    known = {option for action in parser._actions for option in action.option_strings}
    for name in names:
        parents = ["--" + name.rsplit(".", cut)[0] for cut in range(1, name.count(".") + 1)]
        nested = any(parent in known and parent[2:] not in GROUPS for parent in parents)
        if f"--{name}" not in known and not nested:
            raise UsageError(_unknown(parser, name, where, own))


def _unknown(parser: ArgumentParser, name: str, where: str, own: Sequence[str] = ()) -> str:
    """What is said of an option that does not exist."""
    said = f"{' '.join(f'no option is called --{name} {where}'.split())}. {_near(parser, name, own)}".rstrip()
    return f"{said}\n{parser.prog} --help lists the options, --help=trainer the trainer's."


def _near(parser: ArgumentParser, name: str, own: Sequence[str] = ()) -> str:
    """The sentence that offers the nearest options by spelling, else by their last word; empty when none is near."""
    options = [option for action in parser._actions for option in action.option_strings]
    options = [option for option in options if option[2:] not in GROUPS and not option.endswith("+")]
    near = did_you_mean(f"--{name}", [*options, *own])
    same_end = [option for option in options if option.split(".")[-1].lstrip("-") == name.split(".")[-1]]
    if not near and same_end:
        near = f"Did you mean {' or '.join(repr(option) for option in same_end[:3])}?"
    return near


def _dotted(values: Mapping[str, Any]) -> list[str]:
    """The names of nested options: ``{"model": {"heads": 1}}`` is ``model.heads``."""
    names = []
    for key, value in values.items():
        deep = key in GROUPS and isinstance(value, Mapping)
        names += [f"{key}.{inner}" for inner in value] if deep else [key]
    return names


def read_yaml(file: str) -> dict[str, Any]:
    """The options of a config file.

    Raises:
        UsageError: it cannot be read, or it is not YAML of options by name.
    """
    try:
        values = yaml.load(Path(file).expanduser().read_text(encoding="utf-8"), _OnceLoader)
    except OSError as error:
        raise UsageError(f"--config {file}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--config {file}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"--config {file}: expected options by name, got {type(values).__name__}")
    for key, value in values.items():
        if key in GROUPS and not isinstance(value, dict):
            raise UsageError(f"--config {file}: {key}: expected options by name, got {value!r:.60}")
        if key in ("plugin", "recipe") and not isinstance(value, str | None):
            raise UsageError(f"--config {file}: {key}: expected a name, got {value!r:.60}")
    return {key: value for key, value in values.items() if key not in PEOPLE_ONLY}


class _OnceLoader(yaml.SafeLoader):
    """Reads YAML in which a mapping names each key once, as text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str" or keys.count(key.value) > 1:
                said = "stands here twice" if keys.count(key.value) > 1 else "is not the name of an option"
                raise yaml.constructor.ConstructorError(problem=f"{key.value!r} {said}", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def take_one(words: list[str], option: str) -> tuple[str | None, list[str]]:
    """The value of an option that may be given once, None without it, and the words that are left.

    Raises:
        UsageError: it is given twice, or without a value.
    """
    values, rest = take(words, option)
    if len(values) > 1:
        raise UsageError(f"{option} is given {len(values)} times; leave all but one out")
    if values == [""]:
        raise UsageError(f"{option} needs a value")
    return (values[0] if values else None), rest


def take(words: list[str], option: str) -> tuple[list[str], list[str]]:
    """The values of an option, and the words that are left."""
    values, rest = [], []
    while words:
        word = words.pop(0)
        if word.startswith(option + "="):
            values.append(word.split("=", 1)[1])
        elif word == option:
            if not words:
                raise UsageError(f"{option} needs a value")
            values.append(words.pop(0))
        else:
            rest.append(word)
    return values, rest
