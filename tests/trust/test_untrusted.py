"""Run folders from elsewhere import nothing that is not listed, whatever they name, and wherever in them it stands.

Every attack is a run that ``suite fit`` wrote and somebody altered. Beside it, and in the current folder, lies code
that makes a file when it is imported.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from altered_keys import changes_of
from batches import chance_of, complaint, findings
from forked import Answer, run_suite
from hostile_checkpoints import HOSTILE, flip
from roomy_plugin import install

from lightning_suite.checkpoint import read
from lightning_suite.cli import main
from lightning_suite.run import KEY

Settings = dict[str, Any]

CODE = """import pathlib

pathlib.Path({mark!r}).touch()

from pytorch_lightning import Callback
from torch import nn

from lightning_suite import Plugin

plugin = Plugin(name="roomy", summary="", module="roomy.module:Net", data="roomy.data:Data")


class Evil(Callback, nn.Module):
    pass


def evil(*arguments, **options):
    return Evil()
"""

EVIL = "evil_code.Evil"
SPEC = {"class_path": EVIL}
LISTED = {"class_path": "pytorch_lightning.callbacks.LambdaCallback", "init_args": {"on_fit_start": "evil_code.evil"}}
DDP = "pytorch_lightning.strategies.DDPStrategy"

PLUGINS = ["{folder}/evil_code.py:plugin", "evil_code.py:plugin", "evil_code:plugin", "./evil_code.py:plugin"]

OPTIONS: list[tuple[str, str, Any]] = [
    *(
        ("trainer", option, value)
        for option in ("callbacks", "plugins", "logger", "profiler")
        for value in (EVIL, SPEC, [EVIL], [SPEC])
    ),
    *(("trainer", option, value) for option in ("strategy", "accelerator", "precision") for value in (EVIL, SPEC)),
    ("trainer", "callbacks", [LISTED]),
    ("trainer", "callbacks", [{"class_path": "LambdaCallback", "init_args": {"on_fit_start": "evil_code.evil"}}]),
    ("trainer", "callbacks", "{class_path: evil_code.Evil}"),
    ("trainer", "callbacks+", SPEC),
    ("trainer", "callbacks.class_path", EVIL),
    ("trainer", "callbacks", "{folder}/evil.yaml"),
    ("trainer", "callbacks", ["{folder}/evil.yaml"]),
    ("trainer", "plugins", {"class_path": "evil_code.evil"}),
    ("trainer", "plugins", [{"class_path": "lightning_fabric.plugins.io.os.evil_code.Evil"}]),
    ("trainer", "strategy", {"class_path": DDP, "init_args": {"ddp_comm_hook": "evil_code.evil"}}),
    ("trainer", "strategy", {"class_path": DDP, "init_args": {"checkpoint_io": SPEC}}),
    ("trainer", "strategy", {"class_path": DDP, "dict_kwargs": {"x": SPEC}}),
    ("trainer", "strategy", {"class_path": DDP, "init_args": {"accelerator": EVIL}}),
    ("model", "layer", SPEC),
    ("model", "layer", EVIL),
    ("model", "layer", {"class_path": "torch.nn.Sequential", "init_args": {"args": [SPEC]}}),
    ("model", "kind", EVIL),
    ("model", "make", "evil_code.evil"),
    ("model", "make", SPEC),
    ("model", "name", "evil_code.evil"),
    ("model", "anything", SPEC),
    ("model", "anything", {"a": [{"b": SPEC}]}),
    ("model", "many", [SPEC]),
    ("model", "many+", SPEC),
    ("model", "table", {"a": SPEC}),
    ("model", "layer.class_path", EVIL),
    ("data", "source", SPEC),
    ("data", "source", [SPEC]),
]
"""Group, option and value."""

VERBS: dict[str, list[str]] = {
    "test": ["test", "{run}"],
    "validate": ["validate", "{run}", "--data.points=4"],
    "predict": ["predict", "{run}", "--output", "{folder}/out.csv"],
    "resume": ["fit", "--resume", "{folder}", "--trainer.max_epochs=2"],
    "config": ["fit", "--config", "{folder}/config.yaml", "--runs", "{folder}/more"],
    "rerun": ["rerun", "{folder}", "--runs", "{folder}/more"],
    "describe": ["describe", "{run}"],
    "mistyped": ["tset", "{run}"],
}

MOST = 1000
"""Findings that are told."""

CARRIERS = ("folder", "checkpoint", "both")
"""Where the altered settings stand: in config.yaml, in a checkpoint that stands alone, in all files of the folder."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def received(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that somebody else trained."""
    root = tmp_path_factory.mktemp("elsewhere")
    words = ["fit", "--plugin", "roomy", "--runs", "runs", "--trainer.max_epochs=1", "--trainer.accelerator=cpu"]
    answer = run_suite(words, cwd=root, env={"PYTHONPATH": str(site), "XDG_STATE_HOME": str(root / "theirs")})
    assert answer.status == 0, answer.stderr
    (folder,) = (root / "runs" / "roomy").iterdir()
    return folder


class Attack:
    """An altered copy of the run, with the code beside it that must not run."""

    def __init__(self, received: Path, site: Path, folder: Path) -> None:
        self.site, self.folder, self.mark = site, folder, folder.parent / "imported"
        shutil.copytree(received, folder)
        (folder / "evil_code.py").write_text(CODE.format(mark=str(self.mark)), encoding="utf-8")
        (folder / "evil.yaml").write_text("class_path: evil_code.Evil\n", encoding="utf-8")

    def alter(self, change: Callable[[Settings], None], carrier: str) -> Path:
        """Change the settings and return what to give to a verb."""
        if carrier in ("folder", "both"):
            file = self.folder / "config.yaml"
            settings = yaml.safe_load(file.read_text(encoding="utf-8"))
            change(settings)
            file.write_text(yaml.safe_dump(settings), encoding="utf-8")
        if carrier in ("checkpoint", "both"):
            for file in (self.folder / "checkpoints").iterdir():
                contents = torch.load(file, weights_only=True)
                change(contents[KEY]["settings"])
                torch.save(contents, file)
        return self.folder / "lone.ckpt" if carrier == "checkpoint" else self.folder

    def run(self, verb: str, run: Path, *more: str, env: Mapping[str, str] | None = None) -> Answer:
        """Run a verb in the folder that came, as somebody who did not train the run."""
        if run.name == "lone.ckpt":
            shutil.copy(self.folder / "checkpoints" / "best.ckpt", run)
        words = [word.format(run=run, folder=self.folder) for word in VERBS[verb]]
        environment = {"PYTHONPATH": str(self.site), "XDG_STATE_HOME": str(self.folder.parent / "mine")}
        return run_suite([*words, *more], cwd=self.folder, env=environment | dict(env or {}))


@pytest.fixture
def attack(received: Path, site: Path, tmp_path: Path) -> Callable[[], Attack]:
    """Makes an altered copy."""
    counter = iter(range(10**6))
    return lambda: Attack(received, site, tmp_path / f"{next(counter)}" / "run")


def put(settings: Settings, group: str, option: str, value: Any) -> None:
    settings[group][option] = value


def filled(value: Any, folder: Path) -> Any:
    """The value with the folder in it."""
    if isinstance(value, str):
        return value.replace("{folder}", str(folder))
    return [filled(one, folder) for one in value] if isinstance(value, list) else value


def wrong(attack: Attack, answer: Answer, verb: str) -> str:
    """What is wrong with an answer; empty when the promise held."""
    if attack.mark.exists():
        return "the code ran"
    if "Traceback" in answer.stderr or "unexpected" in answer.stderr:
        return f"not said in words: {answer.stderr}"
    if answer.status and len(answer.stderr.strip().splitlines()) > 6 and not answer.stdout.strip():
        return f"more than six lines: {answer.stderr}"
    return ""


def test_what_a_run_from_elsewhere_names_is_not_imported(trust: Any, attack: Callable[[], Attack]) -> None:
    """Every plugin path and every form of a class path, in every file that settings are read from, with every verb."""
    changes: list[tuple[str, Any]] = [("plugin", path) for path in PLUGINS] + [("option", one) for one in OPTIONS]
    trials = [(kind, what, carrier, verb) for kind, what in changes for carrier in CARRIERS for verb in VERBS]
    trials = [one for one in trials if one[2] != "checkpoint" or one[3] not in ("resume", "config", "rerun")]
    chosen = trust.random.sample(trials, trust.size(small=10, full=200))
    failures = []
    for kind, what, carrier, verb in chosen:
        made = attack()
        if kind == "plugin":
            run = made.alter(lambda s, w=what, m=made: s.update(plugin=filled(w, m.folder)), carrier)
        else:
            run = made.alter(lambda s, w=what, m=made: put(s, w[0], w[1], filled(w[2], m.folder)), carrier)
        answer = made.run(verb, run)
        if problem := wrong(made, answer, verb):
            failures.append(f"{what} in {carrier}, {verb}: {problem}")
        shutil.rmtree(made.folder.parent)
    held = len(chosen) - len(failures)
    trust.outcome("Untrusted", "code that a run names", trials=len(chosen), held=held, failures=failures[:10])


def test_a_hostile_checkpoint_is_refused_in_few_lines_little_memory_and_soon(trust: Any, tmp_path: Path) -> None:
    made = {name: tmp_path / f"{name.replace(' ', '-')}.ckpt" for name in HOSTILE}
    names = list(HOSTILE)
    for name in names:
        HOSTILE[name](made[name])

    def trial(number: int) -> str | None:
        answer, problem = complaint(read, made[names[number]])
        return problem or (None if answer is None else f"{names[number]}: it was read")

    failures = [f"{names[found.number]}: {found.what}" for found in findings(trial, len(names), most=len(names))]
    held = len(names) - len(failures)
    trust.outcome(
        "Untrusted", "hostile checkpoints: bombs, false sizes", trials=len(names), held=held, failures=failures
    )


def test_a_flipped_bit_in_the_weights_is_noticed(trust: Any, tmp_path: Path) -> None:
    count = trust.size(small=50, full=2000)

    def trial(number: int) -> str | None:
        flip(tmp_path / "flipped.ckpt", chance_of(trust.seed, "flip", number).randrange)
        answer, problem = complaint(read, tmp_path / "flipped.ckpt")
        return problem or (None if answer is None else "it was read")

    failures = [f"{found.number}: {found.what}" for found in findings(trial, count)]
    held = count - len(failures)
    trust.outcome("Untrusted", "one bit of the weights flipped", trials=count, held=held, failures=failures)


def test_an_altered_key_is_said_with_its_file(trust: Any, received: Path, site: Path, tmp_path: Path) -> None:
    """Each key of config.yaml and of the checkpoint that a verb reads, removed, renamed and of another type."""
    verbs = {"test": ["best.ckpt"], "resume": ["last.ckpt"], "describe": ["best.ckpt"]}
    trials = [
        (change, verb)
        for verb, files in verbs.items()
        for file in ["config.yaml", *(f"checkpoints/{name}" for name in files)]
        for change in changes_of(received, file)
    ]
    chosen = trust.random.sample(trials, trust.size(small=10, full=300))

    def trial(number: int) -> str | None:
        change, verb = chosen[number]
        folder = tmp_path / f"altered{number}"
        shutil.copytree(received, folder)
        change.make(folder)
        sys.path.insert(0, str(site))
        os.chdir(tmp_path)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            words = [word.format(run=folder, folder=folder) for word in VERBS[verb]]
            status = main([*words, "--quiet"])
        shutil.rmtree(folder)
        lines = [line for line in said.getvalue().strip().splitlines() if line]
        what = ""
        if "unexpected" in said.getvalue() or "Traceback" in said.getvalue():
            what = "not in words"
        elif status and len(lines) > 6:
            what = f"{len(lines)} lines"
        elif status and folder.name not in said.getvalue():
            what = "its file is not named"
        return f"{what} (status {status}): {' / '.join(lines)[:400]}" if what else None

    failures = [f"{chosen[n][1]}: {chosen[n][0]}: {what}" for n, what in findings(trial, len(chosen), most=MOST)]
    held = len(chosen) - len(failures)
    trust.outcome("Untrusted", "a key removed, renamed, retyped", trials=len(chosen), held=held, failures=failures)


@pytest.mark.parametrize("name", ["figures", "checkpoints"])
def test_a_link_out_of_a_run_folder_is_not_written_through(attack: Callable[[], Attack], name: str) -> None:
    made = attack()
    outside = made.folder.parent / "outside"
    shutil.move(made.folder / name, outside)
    (made.folder / name).symlink_to(outside)
    before = {file: file.read_bytes() for file in outside.iterdir()}
    for verb in ("test", "resume"):
        answer = made.run(verb, made.folder)
        assert answer.status == 2
        assert f"{name} is a link to" in answer.stderr
    assert {file: file.read_bytes() for file in outside.iterdir()} == before


def test_links_in_place_of_files_are_replaced_and_not_followed(attack: Callable[[], Attack]) -> None:
    made = attack()
    outside = made.folder.parent / "outside"
    outside.write_text("mine")
    names = ["run.json", "metrics.csv", "out.csv", "config.yaml.partial", "checkpoints/last.ckpt.partial"]
    for name in names:
        (made.folder / name).unlink(missing_ok=True)
        (made.folder / name).symlink_to(outside)
    for verb in ("test", "resume", "predict"):
        made.run(verb, made.folder)
    assert outside.read_text() == "mine"


def test_code_in_the_current_folder_is_not_imported(attack: Callable[[], Attack]) -> None:
    """The form of torchrun; ``json`` is imported by every verb, ``torch`` by most."""
    made = attack()
    for name in ("json", "torch", "yaml", "roomy_extra"):
        shutil.copy(made.folder / "evil_code.py", made.folder / f"{name}.py")
    command = [sys.executable, "-m", "lightning_suite"]
    for words in (["list"], ["tset", "."]):
        subprocess.run([*command, *words], cwd=made.folder, capture_output=True, check=False)
    assert not made.mark.exists()
    named = os.environ | {"PYTHONPATH": str(made.folder)}
    subprocess.run([*command, "list"], cwd=made.folder, capture_output=True, check=False, env=named)
    assert made.mark.exists()


@pytest.mark.parametrize("verb", ["test", "describe"])
def test_an_unaltered_run_of_an_installed_plugin_needs_no_trust(attack: Callable[[], Attack], verb: str) -> None:
    made = attack()
    assert made.run(verb, made.folder).status == 0


@pytest.mark.parametrize("verb", ["test", "resume"])
@pytest.mark.parametrize("change", [{"plugin": PLUGINS[0]}, {"trainer": {"plugins": [SPEC]}}], ids=["plugin", "class"])
def test_trust_imports_what_a_run_names(attack: Callable[[], Attack], verb: str, change: Settings) -> None:
    made = attack()
    made.alter(lambda s: s.update({key: filled(value, made.folder) for key, value in change.items()}), "folder")
    answer = made.run(verb, made.folder)
    assert (answer.status, made.mark.exists()) == (2, False)
    assert "evil_code" in answer.stderr
    assert answer.stderr.splitlines()[-1].endswith("--trust")
    made.run(verb, made.folder, "--trust", env={"PYTHONPATH": f"{made.site}{os.pathsep}{made.folder}"})
    assert made.mark.exists()
