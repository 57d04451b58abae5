"""Every check catches what it is for: the plugin that `suite new` writes passes, and one edit makes one check fail."""

import contextlib
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet
import pytest
import torch

from lightning_suite import generators
from lightning_suite.errors import UsageError
from lightning_suite.late_loader import LateLoader
from lightning_suite.testing import CHECKS, check_plugin, contract_tests, machines, predicting, record
from lightning_suite.testing.contract import _is_not_the_plugins, run_check
from lightning_suite.testing.outcome import Outcome
from lightning_suite.testing.subject import Subject, difference
from lightning_suite.verbs.new import write

pytest_plugins = ["pytester"]

PROCESSES = "ddp_equals_one_process"  # the one check that costs seconds: it has tests of its own
INIT, DATA, NETWORK, MODULE = "__init__.py", "data.py", "network.py", "module.py"
DEFAULT, CHECK = "recipes/default.yaml", "recipes/check.yaml"


class Edit(NamedTuple):
    """What is written in the place of something in a file of the good plugin."""

    file: str
    old: str
    new: str


def before(file: str, anchor: str, code: str) -> Edit:
    """The edit that writes something in front of something."""
    return Edit(file, anchor, code + anchor)


def after(file: str, anchor: str, code: str) -> Edit:
    """The edit that writes something behind something."""
    return Edit(file, anchor, anchor + code)


def method(code: str) -> Edit:
    """One more method of the module."""
    return before(MODULE, "    def configure_optimizers", code + "\n\n")


def option(code: str, name: str) -> list[Edit]:
    """One more parameter of the module, with its help."""
    signature, documented = "learning_rate: float = 0.01", "learning_rate: learning rate of Adam."
    return [after(MODULE, signature, f", {code}"), after(MODULE, documented, f"\n        {name}: of no use.")]


def command(name: str, code: str) -> list[Edit]:
    """A verb of the plugin's own."""
    return [
        after(INIT, "    api=1,\n", f'    commands={{"{name}": "NAME.network:{name}"}},\n'),
        before(NETWORK, "class Network", f"def {name}(run: str) -> None:\n    {code}\n\n\n"),
    ]


def nan_accuracy(stage: str) -> Edit:
    """An accuracy of one stage that is no number."""
    return before(MODULE, "        # sync_dist", f"        if stage == '{stage}':\n            accuracy *= torch.nan\n")


SLOW = "import time\n\nstarted = time.process_time()\nwhile time.process_time() < started + 0.6:\n    pass\n"
BEGINS, STEP = "        super().__init__()\n", '        return self.measure(batch, "train")'
SETS, LOADS, SHUFFLES = (
    "        self.learning_rate = learning_rate\n",
    "        return DataLoader(self.part(0)",
    "shuffle=True)",
)
TO_PREDICT, SCORES = "read_points(Path(self.predict_path))),", "        probabilities = self.network(batch[0]"

EXPORTS_ANOTHER = """    def exportable(self) -> object:
        from lightning_suite.exporting.exportable import Exportable

        return Exportable(
            network=torch.nn.Identity(),
            reference=lambda points: 2 * points,
            inputs={"points": {0: "point"}},
            outputs=["points"],
            sample=lambda sizes, generator: (torch.ones(sum(sizes), 2),),
        )"""

REVERSES = """    def inputs(self, given: Tensor, module: object) -> Inputs:
        return Inputs([[given.flip(0)]])

    def read_inputs(self, path: str | Path, module: object) -> Tensor:
        return read_points(Path(path))

"""

BAD: dict[str, tuple[str, list[Edit]]] = {
    "heavy_record": ("record_is_cheap_to_import", [before(INIT, "from lightning_suite", "import numpy\n")]),
    "slow_record": ("record_is_cheap_to_import", [before(INIT, "plugin = Plugin(", f"{SLOW}\n")]),
    "wrong_path": ("record_is_complete", [Edit(INIT, "module:SpiralClassifier", "module:SpiralClasifier")]),
    "two_lines": ("record_is_complete", [Edit(INIT, '"Tells two spirals apart"', '"Tells two\\nspirals apart"')]),
    "no_such_option": ("recipes_parse", [Edit(DEFAULT, "max_epochs:", "max_epoch:")]),
    "wrong_value": ("recipes_parse", [Edit(DEFAULT, "max_epochs: 40", "max_epochs: many")]),
    "expects_nothing": ("recipes_state_what_they_expect", [Edit(DEFAULT, "  test_accuracy: 0.994\n", "")]),
    "no_summary": ("recipes_state_what_they_expect", [Edit(CHECK, "summary:", "# summary:")]),
    "no_table": ("reproductions_can_be_made", [after(INIT, "    api=1,\n", '    reproductions="NAME:recipes",\n')]),
    "two_truths": ("defaults_stand_only_in_signatures", [before(DEFAULT, "trainer:", "model: {layers: 3}\n")]),
    "untyped": ("options_are_typed", [Edit(DATA, "noise: float = 0.01", "noise=0.01")]),
    "anything": ("options_are_typed", option("**more: int", "more")),
    "undocumented": (
        "options_are_documented",
        [Edit(DATA, "noise: standard deviation of the noise on each coordinate.", "")],
    ),
    "silent_verb": ("commands_have_help", command("count", "pass")),
    "hidden_verb": ("commands_are_reachable", command("fit", '"""Fits."""')),
    "crash": ("fits", [before(MODULE, STEP, "        raise RuntimeError('out of luck')\n")]),
    "writes_environment": (
        "leaves_the_process_as_it_was",
        [before(DATA, LOADS, "        import os\n\n        os.environ['SPIRALS'] = '2'\n")],
    ),
    "unlogged_monitor": ("monitors_what_it_logs", [before(CHECK, "data:", "monitor: val_f1\n")]),
    "uphill": ("learns", [after(MODULE, "lr=self.learning_rate", ", maximize=True")]),
    "unused_layer": (
        "every_parameter_learns",
        [before(NETWORK, "        parts: list", "        self.spare = nn.Linear(2, 2)\n")],
    ),
    "forgotten_layer": (
        "every_parameter_learns",
        [Edit(MODULE, "Adam(self.parameters()", "Adam(self.network.layers[:2].parameters()")],
    ),
    "clock": (
        "same_seed_same_result",
        [
            before(
                MODULE,
                STEP,
                "        import time\n\n        batch = (batch[0] * (1 + 1e-6 * (time.time_ns() % 1000)), batch[1])\n",
            )
        ],
    ),
    "own_seed": ("another_seed_another_result", [after(MODULE, BEGINS, "        torch.manual_seed(0)\n")]),
    "hidden_state": (
        "resumes_exactly",
        [
            after(MODULE, SETS, "        self.seen = 0\n"),
            before(MODULE, STEP, "        self.seen += 1\n        batch = (batch[0] + 0.01 * self.seen, batch[1])\n"),
        ],
    ),
    "unwritten_option": ("config_repeats_the_run", option("_hidden: int = 1", "_hidden")),
    "object_in_checkpoint": (
        "checkpoint_is_safe",
        [method("    def on_save_checkpoint(self, checkpoint: dict) -> None:\n        checkpoint['class'] = Network")],
    ),
    "never_evaluates": (
        "checkpoint_describes_itself",
        [method("    def eval(self) -> LightningModule:\n        return self")],
    ),
    "val_nan": ("validates", [nan_accuracy("val")]),
    "test_nan": ("tests", [nan_accuracy("test")]),
    "dropout_in_test": (
        "evaluation_changes_nothing",
        [after(MODULE, "points, labels = batch\n", "        points = functional.dropout(points, 0.5)\n")],
    ),
    "exports_a_text": (
        "exports_what_it_computes",
        [method("    def exportable(self) -> str:\n        return 'a network'")],
    ),
    "exports_another": ("exports_what_it_computes", [method(EXPORTS_ANOTHER)]),
    "predict_crash": ("predicts", [before(MODULE, SCORES, "        batch.no_such_field\n")]),
    "shuffled": ("predict_keeps_order_and_number", [after(DATA, TO_PREDICT, " shuffle=True,")]),
    "sorted": ("predict_keeps_order_and_number", [Edit(DATA, "torch.tensor(points)", "torch.tensor(sorted(points))")]),
    "drops_inputs": ("predict_keeps_order_and_number", [after(MODULE, SCORES, "[:1]")]),
    "leaks": ("predictions_do_not_depend_on_the_batch", [after(MODULE, SCORES, " - batch[0].mean(dim=0)")]),
    "memory_reversed": (
        "predicts_the_same_from_memory",
        [
            after(DATA, "import DataError, UsageError\n", "from lightning_suite.inputs import Inputs, TakesInputs\n"),
            Edit(DATA, "SpiralData(LightningDataModule)", "SpiralData(TakesInputs, LightningDataModule)"),
            before(DATA, "    def part(self", REVERSES),
        ],
    ),
    "one_embedding": (
        "embeds",
        [
            method(
                "    def embed_step(self, batch: tuple[Tensor], batch_idx: int) -> Tensor:\n"
                "        return self.network(batch[0]).mean(dim=0, keepdim=True)"
            )
        ],
    ),
}
"""What each bad plugin is caught by, and what makes it bad."""


class Workshop:
    """A folder of plugins that can be imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, edits: list[Edit]) -> Subject:
        """A plugin that is the good one but for some edits, small enough for a hundred trainings."""
        smaller = [Edit(CHECK, "points: 160", "points: 80"), Edit(CHECK, "max_epochs: 5", "max_epochs: 4")]
        write(name, self.folder / name)
        package = self.folder / name / "src" / name
        for file, old, new in [*smaller, *edits]:
            text = (package / file).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"the template has changed: {file} holds {old!r} {text.count(old)} times"
            (package / file).write_text(text.replace(old, new.replace("NAME", name)), encoding="utf-8")
        sys.path.insert(0, str(package.parent))
        results = self.folder / name / "results"
        results.mkdir()
        return Subject(f"{name}:plugin", results)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The place of the plugins; the search path and the modules are put back."""
    path, modules, environment = list(sys.path), set(sys.modules), dict(os.environ)
    yield Workshop(tmp_path_factory.mktemp("plugins"))
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("bad_", "good_")):
            del sys.modules[name]
    for name in set(os.environ) - set(environment):
        del os.environ[name]


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Subject:
    return workshop.make("good_spirals", [])


def outcomes_of(subject: Subject, names: Iterable[str] = CHECKS) -> dict[str, Outcome]:
    return {name: run_check(name, subject) for name in names if name != PROCESSES}


def test_the_good_plugin_passes(good: Subject) -> None:
    outcomes = outcomes_of(good)
    failed = {name: outcome.message for name, outcome in outcomes.items() if not outcome.excused}
    assert not failed
    nothing = {name for name, outcome in outcomes.items() if outcome.status == "not applicable"}
    own = {"commands_have_help", "commands_are_reachable", "reproductions_can_be_made"}
    assert nothing == {*own, "embeds", "exports_what_it_computes", "predicts_the_same_from_memory"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_plugin_fails_the_check_that_is_for_it_and_no_other(name: str, workshop: Workshop) -> None:
    """Of the checks of trainings, ``make trust`` runs all, ``make test`` those that matter most."""
    check, edits = BAD[name]
    said = [each.__name__ for each in record.CHECKS]  # what a plugin says of itself does not change how it trains
    is_whole = os.environ.get("LIGHTNING_SUITE_TRUST") == "full" and check not in said
    outcomes = outcomes_of(
        workshop.make(f"bad_{name}", edits), CHECKS if is_whole else [*said, "fits", "learns", "validates", check]
    )
    failed = {name: outcome.message for name, outcome in outcomes.items() if outcome.status == "failed"}
    assert list(failed) == [check], failed
    roots = {outcome.message for outcome in outcomes.values() if outcome.status == "not run"}
    assert roots <= {f"needs {check}, which fails"}


def test_there_is_a_bad_plugin_for_every_check() -> None:
    elsewhere = {PROCESSES, "runs_on_every_device"}
    assert {check for check, _ in BAD.values()} | elsewhere == set(CHECKS)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A plugin that solves and takes no gradients."""
    return Subject(f"{Path(__file__).parent / 'solved.py'}:plugin", tmp_path_factory.mktemp("solved"))


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("learns", "returns no loss"),
        ("every_parameter_learns", "no parameter asks for a gradient"),
        ("another_seed_another_result", "does not depend on the seed"),
    ],
)
def test_a_check_of_gradients_has_nothing_to_look_at_where_none_are_taken(
    check: str, says: str, solved: Subject
) -> None:
    outcome = run_check(check, solved, muted=True)
    assert outcome.status == "not applicable"
    assert says in outcome.message


def test_a_method_without_gradients_can_be_the_same_in_two_processes(solved: Subject) -> None:
    outcome = run_check(PROCESSES, solved, muted=True)
    assert (outcome.status, "after an epoch" in outcome.message) == ("passed", True), outcome.message


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no other device than the CPU here")
def test_a_tensor_that_stays_on_the_cpu_is_caught(workshop: Workshop) -> None:
    edit = Edit(
        MODULE, "points, labels = batch\n", "points, labels = batch\n        points = points + torch.zeros(2)\n"
    )
    outcome = run_check("runs_on_every_device", workshop.make("bad_device", [edit]))
    assert outcome.status == "failed"
    assert "cuda" in outcome.message


def test_generators_that_are_restored_a_batch_too_late_are_caught(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LateLoader, "_enter_branch", lambda loader: generators.position())
    monkeypatch.setattr(LateLoader, "_leave_branch", lambda loader, here: None)
    assert run_check("resumes_exactly", workshop.make("bad_late", [])).status == "failed"


def test_two_processes_that_learn_from_the_same_samples_are_caught(workshop: Workshop) -> None:
    same = "sampler=DistributedSampler(self.part(0), num_replicas=1, rank=0))"
    edits = [
        Edit(DATA, SHUFFLES, same),
        Edit(DATA, "import DataLoader, TensorDataset", "import DataLoader, DistributedSampler, TensorDataset"),
    ]
    outcome = run_check(PROCESSES, workshop.make("bad_sampler", edits))
    assert outcome.status == "failed"
    assert "in double precision by" in outcome.message


def test_two_processes_that_never_end_are_ended(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = "        if self.trainer.world_size > 1:\n            __import__('time').sleep(3600)\n"
    subject = workshop.make("bad_wait", [before(MODULE, STEP, waits)])
    monkeypatch.setattr(machines, "TIME_LIMIT", 1.0)
    monkeypatch.setattr(machines, "SLOWER", 5)
    outcome = run_check(PROCESSES, subject)
    assert outcome.status == "failed"
    said = re.search(r"no end after (\d+) s", outcome.message)
    assert said is not None, outcome.message
    assert int(said[1]) >= 1


def test_a_failure_says_what_was_expected_what_was_there_and_what_to_do(workshop: Workshop) -> None:
    subject = workshop.make("bad_said", BAD["unlogged_monitor"][1])
    says = run_check("monitors_what_it_logs", subject).message
    assert [line.split(":")[0] for line in says.splitlines()] == ["expected", "got", "to do"]
    assert "'val_f1'" in says
    assert "val_loss" in says


def test_what_the_plugin_raises_is_told_with_its_line(workshop: Workshop) -> None:
    says = run_check("fits", workshop.make("bad_told", BAD["crash"][1])).message
    assert "RuntimeError: out of luck" in says
    assert "bad_told/module.py:" in says


def test_the_line_is_the_plugins_and_not_one_of_pythons_own_library() -> None:
    assert _is_not_the_plugins(contextlib.__file__)
    assert _is_not_the_plugins(torch.__file__)
    installed = Path(sysconfig.get_path("stdlib")) / "site-packages" / "knn_vote" / "module.py"
    assert not _is_not_the_plugins(str(installed))


def test_an_expected_failure_that_fails_is_excused(good: Subject) -> None:
    outcome = run_check("fits", Subject("no_such_module:plugin", good.folder), {"fits": "there is nothing there"})
    assert (outcome.status, outcome.message, outcome.excused) == ("expected failure", "there is nothing there", True)


def test_an_expected_failure_that_passes_is_a_failure(good: Subject) -> None:
    outcome = run_check("record_is_complete", good, {"record_is_complete": "it was broken"})
    assert (outcome.status, outcome.excused) == ("failed", False)
    assert "a failure, because: it was broken" in outcome.message
    assert "take it out of the expected failures" in outcome.message


def test_what_cannot_run_because_of_an_expected_failure_is_excused(workshop: Workshop) -> None:
    subject = workshop.make("bad_blocked", BAD["crash"][1])
    assert not run_check("learns", subject).excused
    assert run_check("learns", subject, {"fits": "the machine is out of luck"}).excused


def test_one_check_can_be_run_alone(good: Subject) -> None:
    assert [outcome.check for outcome in check_plugin(good.name, only=["options_are_typed"])] == ["options_are_typed"]


def test_a_check_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"there is no check 'lerns'\. Did you mean 'learns'\?"):
        check_plugin("any", only=["lerns"])
    with pytest.raises(UsageError, match="there is no check 'lerns'"):
        contract_tests("any", expected_failures={"lerns": "a reason"})


def test_weights_that_are_not_numbers_are_infinitely_far() -> None:
    weights, broken = {"w": torch.ones(2)}, {"w": torch.tensor([1.0, torch.nan])}
    assert difference(weights, broken) == (torch.inf, "w")
    assert difference(weights, dict(weights)) == (0.0, "")


@pytest.fixture
def plugin_tests(pytester: pytest.Pytester, good: Subject) -> Callable[..., dict[str, int]]:
    """Runs a test file of a plugin's author; how many cases ended in which way."""

    def run(source: str, *options: str) -> dict[str, int]:
        pytester.makepyfile(source)
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *options)
        return result.parseoutcomes()

    return run


LIGHT = ("-k", "record_is_complete or options_are_typed or commands_have_help")


def test_one_line_gives_a_test_for_every_check(plugin_tests: Callable[..., dict[str, int]]) -> None:
    source = "from lightning_suite.testing import contract_tests\ntest_it = contract_tests('good_spirals:plugin')\n"
    assert plugin_tests(source, *LIGHT) == {"passed": 2, "skipped": 1, "deselected": len(CHECKS) - 3}


def test_a_decorated_test_gets_every_check(plugin_tests: Callable[..., dict[str, int]]) -> None:
    source = """
        from lightning_suite.testing import parametrize_with_checks

        @parametrize_with_checks("good_spirals:plugin", expected_failures={"options_are_typed": "an old mistake"})
        def test_it(check):
            check()
    """
    assert plugin_tests(source, *LIGHT) == {"passed": 1, "skipped": 1, "failed": 1, "deselected": len(CHECKS) - 3}


def test_a_failure_that_was_expected_is_an_xfail(
    plugin_tests: Callable[..., dict[str, int]], workshop: Workshop
) -> None:
    workshop.make("bad_typed", BAD["untyped"][1])
    source = """
        from lightning_suite.testing import contract_tests
        test_it = contract_tests("bad_typed:plugin", expected_failures={"options_are_typed": "an old mistake"})
    """
    assert plugin_tests(source, *LIGHT) == {"passed": 1, "skipped": 1, "xfailed": 1, "deselected": len(CHECKS) - 3}


def test_inputs_in_a_parquet_file_are_reversed(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"x": [1, 2, 3]}), tmp_path / "a.parquet")
    rows = [{"y": number} for number in (10, 20, 30)]
    assert predicting._reverse_table(tmp_path / "a.parquet", tmp_path / "b.parquet", rows) == rows[::-1]
    assert pyarrow.parquet.read_table(tmp_path / "b.parquet")["x"].to_pylist() == [3, 2, 1]


def test_a_parquet_file_with_other_rows_than_predictions_is_left_alone(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"x": [1, 2, 3]}), tmp_path / "a.parquet")
    assert predicting._reverse_table(tmp_path / "a.parquet", tmp_path / "b.parquet", [{"y": 10}]) is None
    assert not (tmp_path / "b.parquet").exists()
