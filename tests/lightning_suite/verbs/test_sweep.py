"""A sweep trains every combination once, and shows what its runs have measured."""

import csv
from pathlib import Path

import fake_slurm
import pytest

from lightning_suite.errors import UsageError
from lightning_suite.verbs import reproduce, sweep


def test_every_combination_is_trained_and_its_metrics_are_shown(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--plugin", tiny, "--grid", "model.hidden=4,13", "--grid", "data.points=96,192", "--seeds", "2"]
    assert sweep.run(words) == 1  # 13 fails
    assert "plan: 8 runs and 0 studies, 0 of them kept from before\n" in capsys.readouterr().out
    (file,) = Path("sweeps/tiny").glob("sweep-*/table.csv")
    with file.open() as text:
        rows = {row["row"]: row for row in csv.DictReader(text)}
    assert list(rows) == [f"model.hidden={size}, data.points={count}" for size in (4, 13) for count in (96, 192)]
    first = rows["model.hidden=4, data.points=192"]
    assert (first["column"], first["values"], first["verdict"]) == ("test_loss", "0.6 0.61", "")
    assert first["command"] == f"suite fit --plugin {tiny} --model.hidden 4 --data.points 192 --seed 0"
    assert "no room for 13" in rows["model.hidden=13, data.points=96"]["why"]
    sweep.run(words)
    assert "4 of them kept from before" in capsys.readouterr().out


def test_the_help_says_how_many_seeds_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, usual in ((sweep, "3"), (reproduce, "as the table says")):
        with pytest.raises(SystemExit):
            verb.run(["--help"])
        assert f"seeds 0 to N - 1 (default: {usual})" in " ".join(capsys.readouterr().out.split())


def test_combinations_are_trained_on_a_cluster(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--plugin", tiny, "--grid", "model.hidden=4,13", "--seeds", "1", "--cluster", "slurm"]
    with fake_slurm.installed(tmp_path / "fake", monkeypatch):
        assert sweep.run([*words, "--partition", "gpu", "--memory", "8GB", "--slurm", "constraint=a100"]) == 1
    assert "no room for 13" in capsys.readouterr().out
    (file,) = Path("sweeps/tiny").glob("sweep-*/table.csv")
    with file.open() as text:
        assert [row["values"] for row in csv.DictReader(text)] == ["0.5", ""]
    (script, _) = Path("sweeps/tiny/slurm").glob("*_submission.sh")
    for line in ("partition=gpu", "mem=8GB", "constraint=a100", "time=1440", "job-name=suite-tiny"):
        assert f"#SBATCH --{line}\n" in script.read_text()


def test_one_metric_is_shown_where_it_is_asked_for(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--plugin", tiny, "--grid", "model.hidden=4", "--seeds", "1", "--metric", "seconds_per_epoch"]
    assert sweep.run(words) == 0
    assert "seconds_per_epoch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grid", "model.hidden=4"], "needs --plugin NAME and --grid"),
        (["--plugin", "TINY", "--grid", "model.hidden"], "expected an option and its values"),
        (["--plugin", "TINY", "--grid", "model.hidden=[4"], "the list does not parse"),
        (["--plugin", "TINY", "--grid", "model.hidden=4", "--grid", "model.hidden=5"], "an option is given twice"),
        (["--plugin", "TINY", "--grid", "model.hiden=4"], "hiden"),
        (["--plugin", "TINY", "--grid", "model.hidden=4", "--partition", "gpu"], "give --cluster slurm too"),
        (["--plugin", "TINY", "--grid", "model.hidden=4", "--cluster", "slurm", "--gpus", "0"], "--gpus: expected at"),
        (["--plugin", "TINY", "--grid", "model.hidden=4", "--cluster", "slurm", "--slurm", "a100"], "constraint=a100"),
        (["--plugin", "TINY", "--grid", "model.hidden=4", "--study", "optuna", "--plan"], "not known before"),
    ],
)
def test_mistakes_in_a_sweep_are_explained(tiny: str, words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sweep.run([word.replace("TINY", tiny) for word in words])


def test_a_study_goes_on_from_its_own_storage(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    optuna = pytest.importorskip("optuna")
    words = ["--plugin", tiny, "--grid", "model.hidden=4..6", "--grid", "data.points=96,192", "--seeds", "1"]
    words += ["--study", "optuna", "--trials"]
    sweep.run([*words, "2"])
    capsys.readouterr()
    (file,) = Path("sweeps/tiny").glob("sweep-*/study.db")
    study = optuna.load_study(study_name=file.parent.name, storage=f"sqlite:///{file}")
    begun = study.ask({"model.hidden": optuna.distributions.IntDistribution(4, 6)})  # as a process that was killed
    assert sweep.run([*words, "4"]) == 0
    study = optuna.load_study(study_name=file.parent.name, storage=f"sqlite:///{file}")
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == 4
    assert states[begun.number] == "PRUNED"
    assert study.best_value == 0.6
    rows = list(csv.DictReader((file.parent / "table.csv").open()))
    assert {row["column"] for row in rows} == {"test_loss"}
