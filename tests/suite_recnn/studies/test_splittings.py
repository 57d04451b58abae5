import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import call
from lightning_suite.run import Run
from suite_recnn.studies import splittings


def saliency(run: Run, folder: Path, *words: str) -> None:
    words = (str(run.folder), "--output", str(folder), "--limit", "20", *words)
    call(splittings.saliency, words, prog="suite saliency")


def test_saliency_prints_means_by_class_and_draws_them(
    train: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saliency(train(), tmp_path, "--deletion", "branch")
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert {words[0] for words in lines if words} >= {"qcd", "w", "random", "relative", "integrated", "none"}
    assert out.splitlines()[-1].startswith("next: suite mass-direction")
    rows = list(csv.DictReader((tmp_path / "saliency.csv").open(encoding="utf-8")))
    filled = [row for row in rows if row["saliency"]]
    assert filled
    assert all(int(row["splittings"]) >= 5 for row in filled)
    assert {row["class"] for row in rows} == {"qcd", "w"}
    names = ["deletion-branch.csv", "deletion-branch.png", "saliency.csv", "saliency.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_saliency_with_a_sign_and_of_one_jet_have_pictures_of_their_own(
    train: Callable[..., Run], tmp_path: Path
) -> None:
    saliency(train(), tmp_path, "--method", "gradient_input")
    saliency(train(), tmp_path, "--jet", "3")
    assert {path.name for path in tmp_path.glob("*.png")} == {"saliency-gradient_input.png", "saliency-jet-3.png"}


def test_networks_without_a_tree_have_saliency_of_constituents_alone(train: Callable[..., Run], tmp_path: Path) -> None:
    run = train("--model.network", "fcn")
    with pytest.raises(UsageError, match="got FCN: it does not read the clustering tree"):
        saliency(run, tmp_path)
    saliency(run, tmp_path, "--jet", "0", "--method", "gradient_input")
    rows = list(csv.DictReader((tmp_path / "saliency-jet-0.csv").open(encoding="utf-8")))
    assert all(float(row["saliency"]) == 0 for row in rows if row["harder"])
    assert any(float(row["saliency"]) != 0 for row in rows)


def test_mass_direction_prints_steps_depths_and_chance(
    train: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(train().folder), "--output", str(tmp_path), "--folds", "2"]
    call(splittings.mass_direction, words, prog="suite mass-direction")
    out = capsys.readouterr().out
    assert out.splitlines()[2].startswith("R² of ln m at the root: ")
    assert {"trained", "untrained", "+0", "+1"} <= set(out.split())
    rows = list(csv.DictReader((tmp_path / "mass-direction.csv").open(encoding="utf-8")))
    assert {row["what"] for row in rows} >= {"r2_root", "change", "true_change", "r2_refitted", "random_near"}
    assert (tmp_path / "mass-direction.png").read_bytes().startswith(b"\x89PNG")
