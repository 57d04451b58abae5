"""Trains a plugin in one call: the options of the command line as arguments."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.run import Run as RunFiles
from lightning_suite.trained import Run

if TYPE_CHECKING:
    from pytorch_lightning.callbacks import Callback

    from lightning_suite.options import Settings
    from lightning_suite.plugin import Plugin

Options = Mapping[str, Any]


def fit(
    plugin: str,
    *,
    recipe: str | None = None,
    data: "str | os.PathLike[str] | Options | None" = None,
    model: Options | None = None,
    trainer: Options | None = None,
    config: "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]" = (),
    runs: "str | os.PathLike[str]" = "runs",
    callbacks: "Sequence[Callback]" = (),
    **options: Any,
) -> Run:
    """Train a plugin into a new run folder, test its best checkpoint, and return the run, as ``suite fit`` does.

    Args:
        plugin: its name, module:attribute or path/to/file.py:attribute.
        recipe: named settings of the plugin; its default by default.
        data: options of the data; or the path of the data, which is the option ``path``.
        model: options of the model.
        trainer: options of Lightning's Trainer.
        config: files of options, which win over the recipe.
        runs: the folder of all runs.
        callbacks: of Lightning, beside those that the options name.
        options: further options by their names on the command line: ``seed=3``, ``**{"model.heads": 4}``.

    Raises:
        UsageError: there is no such plugin, recipe or option, or a value is not what it should be.
        PluginError: the plugin cannot be used.
        DataError: the data cannot be read.
        RunError: no step was taken, or what was trained cannot be tested.
        Interrupted: training was ended from outside; `Run.resume` goes on.

    Example:
        Two epochs of a small network on a file of one's own:

            run = fit("dsa", data="reviews.csv", model={"heads": 2}, trainer={"max_epochs": 2}, seed=1)
            run.metrics["test_accuracy"]
    """
    from lightning_suite import training
    from lightning_suite.options import given_options
    from lightning_suite.plugins import find

    files = [config] if isinstance(config, str | os.PathLike) else list(config)
    typed = [word for file in files for word in ("--config", os.fspath(file))]
    given = given_options(options | {"data": data, "model": model, "trainer": trainer})
    record = find.get(plugin)
    settings = settings_to_fit(record, recipe, typed, name=plugin, own=("--recipe", "--runs"), given=given)
    done, _ = training.fit(record, settings, root=Path(runs), callbacks=callbacks)
    return Run(RunFiles.at(done.folder))


def settings_to_fit(
    plugin: "Plugin",
    recipe: str | None,
    typed: Sequence[str] = (),
    *,
    name: str,
    own: Sequence[str] = (),
    given: Options = MappingProxyType({}),
) -> "Settings":
    """Return the settings of a new run: what is given or typed wins over config files, these over the recipe.

    Args:
        plugin: the plugin to train.
        recipe: its recipe; None: that of a config file, else the default.
        typed: words of a command line.
        name: what the plugin was named by.
        own: other options of the command, to suggest for a mistyped one.
        given: options of a call in Python, as ``given_options`` returns them.

    Raises:
        UsageError: there is no such recipe or option, or a value is not what it should be.
    """
    from lightning_suite.options import config_files, configs_limited, parse, read_config
    from lightning_suite.plugins import find

    files = config_files(typed)[0]
    configured = [read_config(file).get("recipe") for file in files]
    recipe = recipe or next(filter(None, reversed(configured)), None) or next(iter(recipe_files(plugin)), None)
    start = recipe_of(plugin, recipe) if recipe else {}
    with configs_limited(plugin, files, typed):
        settings = parse(plugin, typed, start=start, given=given, name=find.reference(name), own=own)
    return replace(settings, recipe=recipe)
