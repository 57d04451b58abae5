"""Settings that a run folder, a checkpoint or a config file holds: checked, and held to what they may import."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jsonargparse import ArgumentParser

from lightning_suite import trust
from lightning_suite.errors import RunError, UsageError
from lightning_suite.lightning_internals import imports_limited
from lightning_suite.options.config import GROUPS, flat, nested, read_config
from lightning_suite.options.defaults import add_options, without_shown
from lightning_suite.options.mistakes import strict
from lightning_suite.options.parser import parse
from lightning_suite.options.paths import ROLES, located
from lightning_suite.options.renaming import renamed_options
from lightning_suite.options.settings import ONE_PROCESS, Settings
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.run import KEY, Run
from lightning_suite.spelling import no_such


def settings_of(run: Run) -> Settings:
    """Return the settings of a run, to train with.

    Raises:
        RunError: there are none, or they are not the settings of a run.
        PluginError: their plugin is not installed, or broken.
        UsageError: the run is from elsewhere and would import what is not listed.
    """
    return _settings_of(run, {})


def evaluation_settings(run: Run) -> Settings:
    """Return the settings of a run, for one process and all of the data; raises what ``settings_of`` does."""
    return _settings_of(run, ONE_PROCESS)


def changed_settings(
    run: Run,
    typed: Sequence[str] = (),
    prog: str = "suite test",
    own: Sequence[str] = (),
    given: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Return the settings to evaluate a run with: its own for one process and all data, then given and typed options.

    Args:
        run: the run.
        typed: words of a command line.
        prog: the command, for messages.
        own: other options of the command, to suggest for a mistyped one.
        given: options of a call in Python, as ``given_options`` returns them.

    Raises:
        UsageError: an option does not exist, or what ``settings_of`` does.
    """
    before = evaluation_settings(run)
    if not typed and not given:
        return before
    return parse(
        find.get(before.plugin), typed, start=asdict(before), given=given, prog=prog, name=before.plugin, own=own
    )


def checkpoint_settings(checkpoint: Mapping[str, Any], where: Path, groups: Collection[str] = GROUPS) -> Settings:
    """Return the settings that a checkpoint holds; raises what ``settings_of`` does.

    Args:
        checkpoint: its contents.
        where: its path.
        groups: ``model``, ``data``, ``trainer``: whose options are going to be used.
    """
    stored = checkpoint[KEY]
    return stored_settings(stored["settings"], where, stored.get("signature"), groups=groups, trainer=ONE_PROCESS)


def stored_settings(
    values: Mapping[str, Any],
    where: str | Path,
    signature: object = None,
    *,
    groups: Collection[str] = GROUPS,
    trainer: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Return settings that were written down, with old names of options replaced by new ones.

    Args:
        values: the settings by name.
        where: the file, for messages.
        signature: what was written beside them when they were signed.
        groups: ``model``, ``data``, ``trainer``: whose options are going to be used.
        trainer: options of the trainer in place of theirs.

    Raises:
        RunError: a name is unknown or missing, or a value has another type.
        PluginError: their plugin is not installed, or broken.
        UsageError: they are from elsewhere and would import what is not listed.
    """
    _refuse_misfits(values, where)
    is_trusted = trust.is_trusted(values, signature)
    if not is_trusted:
        trust.refuse_plugin(values["plugin"], where)
    plugin = find.get(values["plugin"])
    settings = Settings(**nested(renamed_options(plugin.renamed, flat(values), f"in {where}")))
    settings = replace(settings, trainer=settings.trainer | dict(trainer))
    if not is_trusted:
        for group in groups:
            _refuse_imports(plugin, group, getattr(settings, group), where)
    return settings


@contextlib.contextmanager
def configs_limited(plugin: Plugin, files: Sequence[str], typed: Sequence[str]) -> Iterator[None]:
    """Hold the imports of options within the block to what config files from elsewhere, and the user, may name.

    Args:
        plugin: has the options.
        files: the config files.
        typed: the command line, whose class paths may be imported.

    Raises:
        UsageError: a file is from elsewhere and would import what is not listed.
    """
    foreign = [file for file in files if not is_own_config(file)]
    if not foreign:
        yield
        return
    for file in foreign:
        trust.refuse(trust.unlisted_classes(read_config(file), plugin), file)
    with _limited([*trust.listed_for(plugin), *trust.typed_names(typed)], "an option", ", ".join(foreign)):
        yield


def is_own_config(file: str) -> bool:
    """Return whether a config file is trusted: the user says so, or it is that of a run that this user trained."""
    path = Path(file).expanduser()
    signature: object = None
    with contextlib.suppress(RunError):
        signature = Run.in_folder(path.parent).record.get("signature") if path.name == "config.yaml" else None
    return trust.is_trusted(read_config(file), signature)


def _settings_of(run: Run, trainer: Mapping[str, Any]) -> Settings:
    values, where, signature = run.stored()
    settings = stored_settings(values, where, signature, trainer=trainer)
    links = [path for name in ("checkpoints", "figures") if (path := run.folder / name).is_symlink()]
    if links and run.settings_file != run.checkpoint and not trust.is_trusted(values, signature):
        raise UsageError(
            f"{links[0]} is a link to {links[0].readlink()}, where this command might write.\n"
            f"Replace it by a folder; or, if you trust whoever made the run: {trust.command()}"
        )
    return located(settings, run.record.get("typed_paths"))


def _refuse_misfits(values: Mapping[str, Any], where: str | Path) -> None:
    """Raise a RunError that names what is not as in the settings of a run."""
    expected = vars(Settings(plugin="", recipe=""))
    wrong = [] if "plugin" in values else ["it has no 'plugin'"]
    for name, value in values.items():
        if name not in expected:
            wrong.append(no_such("setting", name, expected, "a run has"))
        elif not isinstance(value, type(expected[name])) and (name, value) != ("recipe", None):
            wrong.append(f"{name}: expected {type(expected[name]).__name__}, got {value!r:.60}")
    if wrong:
        raise RunError(f"{where} does not hold the settings of a run: {wrong[0]}")


def _refuse_imports(plugin: Plugin, group: str, values: Mapping[str, Any], where: str | Path) -> None:
    """Refuse the options of a group that would import what is not listed: they are parsed once without such imports.

    Raises:
        UsageError: they would.
        RunError: they are not what the class takes.
    """
    if not values:
        return
    trust.refuse(trust.unlisted_classes({group: values}, plugin), where)
    from pytorch_lightning import Trainer

    parser = ArgumentParser(exit_on_error=False)
    add_options(parser, Trainer if group == "trainer" else resolve(plugin, ROLES[group]), group)
    (options,) = without_shown(parser, flat({group: values}))
    with _limited(trust.listed_for(plugin), group, where):
        try:
            strict(parser, lambda: parser.parse_object(deepcopy(nested(options))))  # it changes its argument
        except UsageError as error:
            raise RunError(f"{where}: {error}") from error


@contextlib.contextmanager
def _limited(listed: Collection[str], place: str, where: str | Path) -> Iterator[None]:
    """Refuse what jsonargparse is asked to import within the block and is not listed.

    Raises:
        UsageError: it was asked to, even where it made do without.
    """
    with imports_limited(listed) as denied:
        try:
            yield
        except (UsageError, RunError):
            if not denied:
                raise
    trust.refuse([(place, path) for path in dict.fromkeys(denied)], where)
