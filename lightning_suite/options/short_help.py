"""The help of ``suite fit``: one line an option with the value that this command would use, on a screen or two.

Of one option it says all: what it may be, its default, and its whole meaning. Both are read from source, so they cost
no import of torch. Where the source does not show all options of a class, as with ``**kwargs``, there is none, and
`help_text` imports the class.
"""

import shutil
import textwrap
from collections.abc import Mapping, Sequence

from lightning_suite.options.effective import RECIPE, TYPED, Given, shown
from lightning_suite.plugin import Plugin
from lightning_suite.plugins.signature import Parameter, parameters
from lightning_suite.recipes import recipe_files
from lightning_suite.tables import clip

LINES = 60
"""Lines of the help at most."""

MEANINGS = 40
"""Column at which meanings begin."""

LONGEST = 24
"""Characters of a value at most."""

SETTINGS = "lightning_suite.options.settings:Settings"


def short_help(plugin: Plugin, prog: str, recipe: str | None, given: Mapping[str, Given]) -> str | None:
    """Return the help of a plugin's options, of at most ``LINES`` lines; None where the source does not show them.

    Options that do not find room are named; those that are given come first.

    Args:
        plugin: has the options.
        prog: the command.
        recipe: the recipe that the command would use.
        given: the options that it and the words give.
    """
    model, data, run = (parameters(path) for path in (plugin.module, plugin.data, SETTINGS))
    if model is None or data is None or run is None:
        return None
    of_run = {name: run[name] for name in ("seed", "monitor", "mode", "checkpoint_every")}
    trainer = [name for name in given if name.startswith("trainer.")]
    before = [f"{prog} --plugin {plugin.name} [--recipe NAME] [--config FILE] [--OPTION VALUE ...]"]
    if marks := _legend(recipe, given):
        before.append(f"The values are those that this command uses; {marks}.")
    after = [f"trainer (pytorch_lightning:Trainer{'' if trainer else ', with its defaults'})"]
    after += [_line(name, Parameter(None, False, (), ""), given) for name in trainer]
    after += ["run", *_of_command(plugin, recipe), *(_line(name, of_run[name], given) for name in of_run)]
    after += [
        "--help=model, --help=data, --help=trainer: all of a group, with types. --help=data.NAME: one option in full.",
        "--print-config: the values that would be used, as a file for --config.",
    ]
    groups = [(f"model ({plugin.module})", "model", model), (f"data ({plugin.data})", "data", data)]
    room = LINES - len(before) - len(after) - len(groups)
    rooms = _shared(room, [len(options) for _, _, options in groups])
    for (title, group, options), lines in zip(groups, rooms, strict=True):
        before += [title, *_of_group(group, options, given, lines)]
    return "\n".join([*before, *after])


def option_help(plugin: Plugin, name: str, given: Mapping[str, Given]) -> str | None:
    """Return all that is known of one option; None where the source does not show it, or its type.

    Args:
        plugin: has the option.
        name: with its group, such as ``data.path``.
        given: the options that the command gives.
    """
    group, _, inner = name.rpartition(".")
    classes = {"model": plugin.module, "data": plugin.data, "": SETTINGS}
    option = (parameters(classes[group]) or {}).get(inner) if group in classes else None
    if option is None or not option.kinds:
        return None
    kind = " or ".join(option.kinds)
    value = option.default if name not in given else given[name].value
    lines = [f"--{name} {kind}" + (", needed" if option.is_required and name not in given else f" = {shown(value)}")]
    if name in given:
        origin = {RECIPE: "the recipe", TYPED: "what is given here"}[given[name].mark]
        default = "there is no default" if option.is_required else f"the default is {shown(option.default)}"
        lines[0] += f" {given[name].mark}"
        lines += [f"{given[name].mark} from {origin}; {default}"]
    return "\n".join([*lines, *textwrap.wrap(option.meaning, _width(), break_on_hyphens=False)])


def _legend(recipe: str | None, given: Mapping[str, Given]) -> str:
    marks = {one.mark for one in given.values()}
    parts = [f"{RECIPE} from the recipe {recipe}"] if RECIPE in marks else []
    return ", ".join([*parts, f"{TYPED} given here"] if TYPED in marks else parts)


def _of_command(plugin: Plugin, recipe: str | None) -> list[str]:
    """Return the lines of the options that are the command's, not the run's."""
    names = ", ".join(recipe_files(plugin))
    rows = [
        (f"--recipe {recipe}", f"named settings: {names}") if recipe else ("", ""),
        ("--runs runs", "folder of all runs"),
        ("--resume RUN", "go on: suite fit --resume RUN [--data.path FOLDER]"),
        ("--requeue", "in a job of SLURM's: queue it again when its time is up, and go on then"),
        ("--config FILE", "YAML file of options; may be given several times"),
        ("--logger NAME", "tensorboard, wandb or csv, beside metrics.csv"),
    ]
    return [_row(start, meaning) for start, meaning in rows if start]


def _of_group(group: str, options: Mapping[str, Parameter], given: Mapping[str, Given], lines: int) -> list[str]:
    """Return the lines of a group, and the names of options that find no room on the last of them."""
    names = [f"{group}.{name}" for name in options]
    chosen, rest = names, []
    if len(names) > lines:
        first = [name for name in names if name in given or options[name.partition(".")[2]].is_required]
        ordered = [*first, *(name for name in names if name not in first)]
        for count in range(lines - 1, 0, -1):  # the names of the rest take lines as well
            rest = _names([name for name in names if name not in ordered[:count]], group)
            chosen = [name for name in names if name in ordered[:count]]
            if count + len(rest) <= lines:
                break
    return [*(_line(name, options[name.partition(".")[2]], given) for name in chosen), *rest]


def _names(names: Sequence[str], group: str) -> list[str]:
    text = f"and {', '.join(f'--{name}' for name in names)} (--help={group})"
    return textwrap.wrap(text, _width(), initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)


def _line(name: str, parameter: Parameter, given: Mapping[str, Given]) -> str:
    one = given.get(name)
    if one is None and parameter.is_required:
        return _row(f"--{name} VALUE", f"needed: {parameter.meaning}".removesuffix(": "))
    value = clip(shown(parameter.default if one is None else one.value), LONGEST)
    return _row(f"--{name} {value}{f' {one.mark}' if one else ''}", parameter.meaning)


def _row(start: str, meaning: str) -> str:
    left = f"  {start}".ljust(MEANINGS - 1)
    return clip(f"{left} {meaning}".rstrip(), _width())


def _width() -> int:
    return min(max(80, shutil.get_terminal_size(fallback=(100, 24)).columns), 120)


def _shared(room: int, wanted: Sequence[int]) -> list[int]:
    """Return how many lines each of two groups gets: what it wants, or a share of what there is.

    Example:
        >>> _shared(40, [10, 20]), _shared(40, [24, 26]), _shared(40, [4, 50])
        ([10, 20], [19, 21], [4, 36])
    """
    if sum(wanted) <= room:
        return list(wanted)
    first, second = wanted
    if min(first, second) <= room // 2:
        return [first, room - first] if first < second else [room - second, second]
    share = room * first // (first + second)
    return [share, room - share]
