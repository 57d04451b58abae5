"""Checks of the record, the recipes and the options, before anything is trained."""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from lightning_suite import verbs
from lightning_suite.errors import UsageError
from lightning_suite.lightning_internals import actions_of
from lightning_suite.plugin import API
from lightning_suite.plugins import isolated
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.recipes import recipe_files, recipe_of, recipes_of
from lightning_suite.testing.outcome import ContractFailure, NotApplicable, NotRun
from lightning_suite.testing.subject import Subject

HEAVY = (
    "torch", "lightning", "pytorch_lightning", "lightning_fabric", "torchmetrics", "numpy", "scipy", "pandas",
    "sklearn", "matplotlib", "tensorflow", "jax", "transformers", "datasets", "numba", "pyarrow",
)  # fmt: skip
"""Packages that the module of a record must not import: one of them takes longer than `suite list` may in all."""

IMPORT_LIMIT = 0.5
"""CPU seconds for the import of a record; one that names strings takes thousandths."""

_IMPORT = """
import json, sys, time
from lightning_suite.plugins import find
started = time.process_time()
find.get(sys.argv[1])
print(json.dumps([time.process_time() - started, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]))
"""

PARTS = ("model", "data")


def record_is_cheap_to_import(subject: Subject) -> str:
    """Reading the record imports no heavy package and takes next to no time."""
    if subject.name.rpartition(":")[0].endswith(".py"):
        raise NotApplicable("in a single file the record stands beside its classes")
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, subject.name, json.dumps(HEAVY)],
        env=isolated.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ContractFailure("a record that a new process can import", last, "correct the module of the record")
    seconds, heavy = json.loads(done.stdout.splitlines()[-1])
    if heavy:
        raise ContractFailure(
            "a record whose module imports nothing heavy, so that `suite list` answers at once",
            f"it imports {', '.join(heavy)}",
            "name classes by path, as text, and import what they need in their own modules",
        )
    if seconds > IMPORT_LIMIT:
        raise ContractFailure(
            f"a record that is imported within {IMPORT_LIMIT} CPU seconds",
            f"{seconds:.2f} s",
            "move work out of the module of the record: an import defines, functions work",
        )
    return f"{seconds * 1000:.0f} ms"


def record_is_complete(subject: Subject) -> str:
    """The record has a usable name and summary, and every path in it leads to what it should be."""
    plugin = subject.plugin
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", plugin.name):
        raise ContractFailure(
            "a name of lower-case letters, digits, '-' and '_', which can be typed",
            f"name={plugin.name!r}",
            "rename it, in the record and in the entry point",
        )
    if "\n" in plugin.summary or len(plugin.summary) > 80:
        raise ContractFailure(
            "a summary of one line, 80 characters at most, for `suite list`",
            f"{len(plugin.summary)} characters, {plugin.summary.count(chr(10)) + 1} lines",
            "shorten it; the rest belongs in the README",
        )
    for what in ("module", "data", *plugin.commands):
        try:
            resolve(plugin, what)
        except BrokenPlugin as error:
            raise ContractFailure("a record whose paths can all be imported", error.cause, error.repair) from error
    return f"api {plugin.api}" if plugin.api == API else f"api {plugin.api}, served by api {API}"


def recipes_parse(subject: Subject) -> str:
    """Every recipe is YAML whose keys are options and whose values the signatures accept; default.yaml is there."""
    from lightning_suite.options import parse

    subject.classes()
    names = []
    try:
        for name in recipe_files(subject.plugin):
            recipe = recipe_of(subject.plugin, name)
            parse(subject.plugin, [], start={**recipe, "recipe": name}, name=subject.name)
            names.append(name)
        if not names:
            parse(subject.plugin, [], start={}, name=subject.name)
    except BrokenPlugin as error:
        raise ContractFailure("recipes that can be read", error.cause, error.repair) from error
    except UsageError as error:
        source = f"{name}.yaml" if subject.plugin.recipes else "the signatures' defaults"
        raise ContractFailure(
            "recipes of options that exist, with values of their types", f"{source}: {error}", f"correct {source}"
        ) from error
    if not names:
        raise NotApplicable("it has no recipes; the signatures' defaults can be used")
    return ", ".join(names)


def recipes_state_what_they_expect(subject: Subject) -> str:
    """Every recipe has a summary, and all but ``check`` the numbers they should end with and where these are from."""
    recipes = _recipes(subject)
    for name, recipe in recipes.items():
        summary, expected = recipe.get("summary"), recipe.get("expected")
        if not isinstance(summary, str) or not summary.strip() or "\n" in summary.strip():
            raise ContractFailure(
                "a summary of one line in every recipe, for `suite info`",
                f"{name}.yaml: summary: {summary!r}",
                f"write one into {name}.yaml",
            )
        if name == "check":
            continue
        if (
            not isinstance(expected, Mapping)
            or not any(isinstance(value, int | float) for value in expected.values())
            or not isinstance(expected.get("source"), str)
        ):
            raise ContractFailure(
                "expected: {METRIC: NUMBER, source: where the number is from} in every recipe but check",
                f"{name}.yaml: expected: {expected!r}",
                "run it, or look it up in the paper, and write down what it ends with",
            )
    return f"{len(recipes)} recipes"


def reproductions_can_be_made(subject: Subject) -> str:
    """Every table of the paper, also in its quick setting, names recipes, options and verbs that exist."""
    from lightning_suite.options import parse
    from lightning_suite.reproduction.declared import table_files, table_of
    from lightning_suite.reproduction.parts import trainings_of
    from lightning_suite.reproduction.words import option_words

    plugin = subject.plugin
    if not plugin.reproductions:
        raise NotApplicable("it declares no table of a paper")
    subject.classes()
    known: set[str] = set()
    try:
        for name in table_files(plugin):
            whole = table_of(plugin, name)
            for declared in (whole, table_of(plugin, name, quick=True)) if whole.has_quick else (whole,):
                for training in trainings_of(declared):
                    if f"{training}" not in known:
                        start = recipe_of(plugin, training.recipe or "default")
                        parse(plugin, option_words(training), start=start, name=subject.name)
                        known.add(f"{training}")
                for verb in dict.fromkeys(part.study[0] for part in declared.parts if part.study):
                    if verb not in plugin.commands and verb not in verbs.names():
                        raise UsageError(f"study: there is no verb {verb!r}")
    except BrokenPlugin as error:
        raise ContractFailure("tables of the paper that can be read", error.cause, error.repair) from error
    except UsageError as error:
        raise ContractFailure(
            "tables of the paper whose recipes, options and verbs exist",
            f"{name}.yaml: {error}",
            f"correct {name}.yaml",
        ) from error
    return ", ".join(table_files(plugin))


def defaults_stand_only_in_signatures(subject: Subject) -> str:
    """The default recipe repeats no value of the signatures: a default that stands twice will one day differ.

    Published recipes may repeat one: there it is a statement about the paper, not about the default.
    """
    recipe = _recipes(subject)["default"]
    repeated = []
    for part, cls in zip(PARTS, subject.classes(), strict=True):
        parameters = inspect.signature(cls).parameters
        for name, value in (recipe.get(part) or {}).items():
            default = parameters[name].default if name in parameters else inspect.Parameter.empty
            if type(value) is type(default) and value == default:
                repeated.append(f"{part}.{name}: {value!r}")
    if repeated:
        raise ContractFailure(
            "a default.yaml that states only what differs from the signatures",
            f"it repeats {', '.join(repeated)}",
            "delete these lines from default.yaml; what it leaves out is taken from the signatures",
        )
    return ""


def options_are_typed(subject: Subject) -> str:
    """Every parameter of both classes is named and has a type, from which its option is made."""
    classes = subject.classes()
    parameters = [(cls.__qualname__, *item) for cls in classes for item in inspect.signature(cls).parameters.items()]
    for where, name, parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ContractFailure(
                "parameters that are all named in the signature, which alone states options and defaults",
                f"{where} takes {parameter}",
                "write its parameters out; give a dictionary a name and a type",
            )
        if parameter.annotation is parameter.empty:
            raise ContractFailure(
                "a type for every parameter, so that a wrong value is refused before training",
                f"{where}: {name} has none",
                f"write {name}: TYPE in the signature",
            )
    return f"{len(parameters)} options"


def options_are_documented(subject: Subject) -> str:
    """Every parameter of both classes has a help text, taken from the docstring."""
    from lightning_suite.options import parser_of

    classes = dict(zip(PARTS, subject.classes(), strict=True))
    actions = actions_of(parser_of(subject.plugin, "suite"))
    actions = [action for action in actions if action.dest.split(".")[0] in PARTS and "." in action.dest]
    for action in actions:
        part, _, name = action.dest.partition(".")
        if not (action.help or "").strip():
            raise ContractFailure(
                "a help text for every option, for `suite fit --plugin NAME --help`",
                f"--{action.dest} has none",
                f"describe {name} under 'Args:' in the docstring of {classes[part].__qualname__}",
            )
    return f"{len(actions)} options"


def commands_have_help(subject: Subject) -> str:
    """Every verb of the plugin's own is a function with a docstring and typed parameters."""
    if not subject.plugin.commands:
        raise NotApplicable("it has no verbs of its own")
    for command in subject.plugin.commands:
        try:
            function = resolve(subject.plugin, command)
        except BrokenPlugin as error:
            raise NotRun("record_is_complete") from error
        if not (inspect.getdoc(function) or "").strip():
            raise ContractFailure(
                "a docstring whose first line says what the verb does, for `suite`",
                f"{subject.plugin.commands[command]} has none",
                "write one",
            )
        for name, parameter in inspect.signature(function).parameters.items():
            variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if variable or parameter.annotation is parameter.empty:
                raise ContractFailure(
                    "a name and a type for every parameter, from which the verb's options are made",
                    f"{subject.plugin.commands[command]}: {parameter}",
                    f"write {name}: TYPE" if not variable else "write its parameters out",
                )
    return ", ".join(subject.plugin.commands)


def commands_are_reachable(subject: Subject) -> str:
    """No verb of the plugin's own has the name of a verb of ``suite``, which would hide it."""
    if not subject.plugin.commands:
        raise NotApplicable("it has no verbs of its own")
    for command in subject.plugin.commands:
        if command in verbs.names() or not re.fullmatch(r"[a-z][a-z0-9_-]*", command):
            raise ContractFailure(
                "names of lower-case letters that are no verbs of suite",
                f"a verb called {command!r}",
                "rename it",
            )
    return ""


def _recipes(subject: Subject) -> dict[str, Mapping[str, Any]]:
    try:
        recipes = recipes_of(subject.plugin)
    except BrokenPlugin as error:
        raise NotRun("recipes_parse") from error
    if not recipes:
        raise NotApplicable("it has no recipes")
    return recipes


CHECKS = (
    record_is_cheap_to_import,
    record_is_complete,
    recipes_parse,
    recipes_state_what_they_expect,
    reproductions_can_be_made,
    defaults_stand_only_in_signatures,
    options_are_typed,
    options_are_documented,
    commands_have_help,
    commands_are_reachable,
)
