"""The runs and studies that a table needs, each with its key, so that none is made twice.

A key is made of everything that determines a result: the settings with every default, the code of the core and of the
plugin, versions of what they are built on, and the content of the files that options name. The seed has a folder of
its own below it. Two tables that need the same run share it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_suite.files import write_text
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.reproduction.fingerprints import Digests, code_fingerprint, content_of, key_of, read_digests
from lightning_suite.reproduction.parts import Cell, Deviation, Picture, Table, Training
from lightning_suite.reproduction.words import mark, option_words, pairs_of, replaced
from lightning_suite.seed_groups import NOT_THE_RESULT

if TYPE_CHECKING:
    from lightning_suite.options import Settings

DIGESTS = "digests.json"
"""The file of digests of data files, so that they are not read at every call."""

RUN = "run"
"""The name of a cell's own run in the words of a study."""


@dataclass(frozen=True)
class Fit:
    """A training: the words behind ``suite``, and the folder of its run, in which ``run`` leads to it."""

    words: tuple[str, ...]
    folder: Path
    key: str

    @property
    def run(self) -> Path:
        """Return the path by which other commands name the run."""
        return self.folder / "run"


@dataclass(frozen=True)
class Study:
    """A verb on runs: the words behind ``suite``, the runs, and the folder that it writes into."""

    words: tuple[str, ...]
    folder: Path
    fits: tuple[Fit, ...]


@dataclass(frozen=True)
class Plan:
    """What a table needs.

    Attributes:
        table: what is made again.
        seeds: of each cell.
        made_by: for each cell, and for each picture, what makes it, a step for each seed.
        cannot: for each cell or picture that cannot be made, by row and column or by name, what is missing.
        deviations: what the command changes: the quick setting, options that were typed.
        made: what makes the data.
    """

    table: Table
    seeds: tuple[int, ...]
    made_by: Mapping[tuple[str, str], tuple[Fit | Study, ...]]
    cannot: Mapping[tuple[str, str], str]
    deviations: tuple[Deviation, ...] = ()
    made: tuple[Study, ...] = ()

    @property
    def fits(self) -> list[Fit]:
        """Return all trainings, in the order of seeds and cells: the first seed of the whole table comes first."""
        steps = [steps[i] for i in range(len(self.seeds)) for steps in self.made_by.values() if i < len(steps)]
        return list(dict.fromkeys(fit for step in steps for fit in ((step,) if isinstance(step, Fit) else step.fits)))

    @property
    def studies(self) -> list[Study]:
        """Return all studies."""
        return list(dict.fromkeys(s for steps in self.made_by.values() for s in steps if isinstance(s, Study)))

    @property
    def steps(self) -> list[Fit | Study]:
        """Return all trainings, then all studies."""
        return [*self.fits, *self.studies]


@dataclass
class Planner:
    """Makes the plan of a table.

    Attributes:
        name: of the plugin, or its path.
        plugin: its record.
        typed: options of ``suite fit`` that were typed, for every run.
        folder: of runs and studies.
    """

    name: str
    plugin: Plugin
    typed: Sequence[str]
    folder: Path

    def __post_init__(self) -> None:
        self._digests: Digests = read_digests(self.folder / DIGESTS)
        self._code = code_fingerprint(self.plugin)
        self._keys: dict[tuple[str, ...], str] = {}
        self._made: dict[str, str] = {}

    def makes(self, table: Table) -> list[Study]:
        """Return what makes the data of a table, which has to be there before its plan is made."""
        made = []
        for name, (verb, *words) in table.makes.items():
            folder = self.folder / "studies" / f"{verb}-{key_of(words, self._code)}"
            own = ["--plugin", self.name] if verb in self.plugin.commands else []
            folder_of_data = str(folder / "data")
            self._made[mark(name)] = folder_of_data
            made.append(Study((verb, *own, *(replaced(w, {"{output}": folder_of_data}) for w in words)), folder, ()))
        return made

    def plan(self, table: Table, seeds: Sequence[int]) -> Plan:
        """Return the plan of a table.

        Raises:
            UsageError: an option does not exist, or its value is not what the signature asks for.
        """
        made = self.makes(table)
        made_by: dict[tuple[str, str], tuple[Fit | Study, ...]] = {}
        cannot: dict[tuple[str, str], str] = {}
        for part in table.parts:
            place = place_of(part)
            if missing := part.cannot or self._missing(table, part):
                cannot[place] = missing
                continue
            of_part = seeds if isinstance(part, Cell) else seeds[:1]
            made_by[place] = tuple(self._step(table, part, seed) for seed in of_part)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / DIGESTS, json.dumps(self._digests))
        return Plan(table, tuple(seeds), made_by, cannot, tuple(self._deviations(table)), tuple(made))

    def fit(self, training: Training, seed: int, placed: Collection[str] = ()) -> Fit:
        """Return a training with a seed.

        Args:
            training: its recipe and options.
            seed: its seed.
            placed: typed options that stand where ``{NAME}`` does, and nowhere else.
        """
        words = self._words(training, placed)
        recipe = training.recipe or next(iter(recipe_files(self.plugin)), None)
        named = ["--recipe", recipe] if recipe else []
        key = self._key(recipe, words)
        folder = self.folder / "fits" / f"{recipe or 'signature'}-{key}" / f"seed-{seed}"
        return Fit(("fit", "--plugin", self.name, *named, *words, "--seed", str(seed)), folder, key)

    def settings(self, training: Training) -> "Settings":
        """Return all settings of a training, the defaults included."""
        from lightning_suite.options import parse

        recipe = training.recipe or next(iter(recipe_files(self.plugin)), None)
        start = recipe_of(self.plugin, recipe) if recipe else {}
        return parse(self.plugin, self._words(training, ()), start=start, name=find.reference(self.name))

    def _step(self, table: Table, part: Cell | Picture, seed: int) -> Fit | Study:
        if not part.study:
            return self.fit(part.training, seed, _placed(table))
        text = " ".join(part.study)
        trainings = {RUN: part.training, **table.runs}
        fits = {
            name: self.fit(training, seed, _placed(table)) for name, training in trainings.items() if mark(name) in text
        }
        given = self._given()
        fixed = self._made | {"{seed}": str(seed)} | {mark(name): given[name] for name in table.needs if name in given}
        words = [replaced(word, fixed) for word in part.study]
        contents = [content_of(word, self._digests) for word in words if "/" in word and Path(word).exists()]
        key = key_of(words, contents, self._code, {name: (fit.key, seed) for name, fit in fits.items()})
        folder = self.folder / "studies" / f"{words[0]}-{key}"
        paths = {"{output}": str(folder)} | {mark(name): str(fit.run) for name, fit in fits.items()}
        verb, *rest = (replaced(word, paths) for word in words)
        own = ["--plugin", self.name] if verb in self.plugin.commands and not fits else []
        return Study((verb, *own, *rest), folder, tuple(fits.values()))

    def _words(self, training: Training, placed: Collection[str]) -> list[str]:
        """Return the options of a training as words; what was typed comes last, and wins."""
        marks = self._made | {mark(name): value for name, value in self._given().items() if name in placed}
        options = {name: replaced(value, marks) for name, value in training.options.items()}
        return [
            *option_words(replace(training, options=options)),
            *chain(*(pair for name, pair in pairs_of(self.typed) if name not in placed)),
        ]

    def _given(self) -> dict[str, str]:
        """Return the values of typed options by name."""
        return {name: pair[0].partition("=")[2] or pair[-1] for name, pair in pairs_of(self.typed)}

    def _key(self, recipe: str | None, words: list[str]) -> str:
        from lightning_suite.options import flat, parse, path_options

        name = (recipe or "", *words)
        if name not in self._keys:
            start = recipe_of(self.plugin, recipe) if recipe else {}
            settings = parse(self.plugin, words, start=start, name=find.reference(self.name))
            settings = replace(settings, recipe=None, seed=0)
            options: dict[str, Any] = flat(asdict(settings))
            for path in path_options(self.plugin, settings):
                options[path] = self._contents(options[path])
            kept = {option: value for option, value in options.items() if option not in NOT_THE_RESULT}
            self._keys[name] = key_of(kept, self._code)
        return self._keys[name]

    def _contents(self, value: Any) -> Any:
        if isinstance(value, list):
            return list(map(self._contents, value))
        return content_of(value, self._digests) if isinstance(value, str) and Path(value).exists() else value

    def _missing(self, table: Table, part: Cell | Picture) -> str:
        """Return which option a cell or picture needs that was not typed; empty where nothing is missing."""
        for name, what in table.needs.items():
            is_needed = mark(name) in _text(table, part) or name not in _placed(table)
            if is_needed and name not in self._given():
                return f"--{name} is missing: {what}"
        return ""

    def _deviations(self, table: Table) -> list[Deviation]:
        found = [Deviation("quick", table.quick, "", comparable=False)] if table.quick else []
        changed = [
            " ".join(pair)
            for name, pair in pairs_of(self.typed)
            if name not in table.needs and name not in NOT_THE_RESULT
        ]
        if changed:
            found.append(Deviation("options", " ".join(changed), "", comparable=False))
        return found


def place_of(part: Cell | Picture) -> tuple[str, str]:
    """Return what a cell or a picture is found by: row and column, or its name and nothing."""
    return (part.row, part.column) if isinstance(part, Cell) else (part.name, "")


def _text(table: Table, part: Cell | Picture) -> str:
    """Return all that is said of what makes a cell or picture."""
    study = " ".join(part.study)
    named = [training.options for name, training in table.runs.items() if mark(name) in study]
    return f"{[*named, part.training.options]} {study}"


def _placed(table: Table) -> set[str]:
    """Return the needed options that stand somewhere in the table as ``{NAME}``; the others are for every run."""
    return {name for name in table.needs if any(mark(name) in _text(table, part) for part in table.parts)}
