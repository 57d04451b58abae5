"""What can be typed next: names from the records, options from the source, run folders from the disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from lightning_suite import verbs
from lightning_suite.completion import candidates

VERBS = {verb: verbs.text(verb) for verb in verbs.names()}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run of tweets, a later one of dsa, and a folder that is none."""
    for run in ("tweets/2026-01-02-modern", "dsa/2026-02-01-default"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "config.yaml").write_text("plugin: x\n")
    (tmp_path / "dsa" / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fi", ["fit"]),
        ("gener", ["generate-jets", "generate"]),
        ("help swe", ["sweep"]),
        ("info s", ["spectral"]),
        ("fit --plugin d", ["dsa"]),
        ("fit --rec", ["--recipe"]),
        ("fit --print", ["--print-config"]),
        (
            "fit --plugin tweets --recipe mode",
            [*(f"model-{i}{end}" for i in "1234" for end in ("-best", "")), "modern"],
        ),
        ("fit --plugin tweets --model.optimizer ad", ["adam", "adamw"]),
        ("fit --plugin tweets --model.tied = t", ["true"]),
        ("fit --plugin dsa --trainer.max_ep", ["--trainer.max_epochs"]),
        ("fit --logger w", ["wandb"]),
        ("generate --top", ["--top-k", "--top-p"]),
        ("generate -n", ["-n"]),
        ("fit --plugin none --model.", []),
        ("completion f", ["fish"]),
        ("fit --data.path /", []),
    ],
)
def test_the_next_word(line: str, expected: list[str]) -> None:
    assert candidates(line.split(), VERBS) == expected


def test_runs_the_newest_first_and_of_the_plugin_that_has_the_verb(runs: Path) -> None:
    modern, default = str(runs / "tweets" / "2026-01-02-modern"), str(runs / "dsa" / "2026-02-01-default")
    assert candidates(["test", ""], VERBS, runs) == [default, modern]
    assert candidates(["fit", "--resume", ""], VERBS, runs) == [default, modern]
    assert candidates(["generate", ""], VERBS, runs) == [modern]
    assert candidates(["test", modern, "--data.seq"], VERBS) == ["--data.seq_length"]


def test_the_first_word_may_be_a_verb_of_the_suite_or_of_a_plugin() -> None:
    assert {"fit", "doctor", "help", "--version", *(["generate"])} <= set(candidates([], VERBS))


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from lightning_suite.cli import main; "
        "main(['completion', 'words', '--', 'fit', '--plugin', 'tweets', '--debug', '--model.opt']); "
        "sys.exit(str(sorted({'torch', 'numpy', 'jsonargparse', 'pytorch_lightning'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("--model.optimizer\n", "[]\n")
