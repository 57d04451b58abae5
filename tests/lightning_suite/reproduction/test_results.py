"""Values of a cell: of an epoch, of a part of the module, of a CSV file; and why there is none."""

from pathlib import Path

import pytest

from lightning_suite.reproduction import jobs, results
from lightning_suite.reproduction.plan import Fit
from lightning_suite.run import Run


@pytest.fixture
def fit(run: Run, tmp_path: Path) -> Fit:
    """A finished run of the plugin of two layers, as a cell finds it."""
    made = Fit(("fit",), tmp_path / "seed-0", "key")
    (made.folder / "tiny").mkdir(parents=True)
    (made.folder / "tiny" / "2026-run").symlink_to(run.folder)
    made.run.symlink_to(run.folder)
    return made


def test_a_metric_is_that_of_the_best_checkpoint_or_of_an_epoch(fit: Fit, run: Run) -> None:
    assert jobs.record_of(fit) == run.record
    assert results._metric(fit, "test_loss") == run.record["metrics"]["test_loss"]
    assert results._metric(fit, "val_loss@1") == results._metric(fit, "val_loss@last") > 0
    with pytest.raises(results.Missing, match="no val_loss of epoch 2"):
        results._metric(fit, "val_loss@2")
    with pytest.raises(results.Missing, match="the run has no metric test_auc"):
        results._metric(fit, "test_auc")


def test_weights_are_counted_by_part(fit: Fit) -> None:
    assert results._metric(fit, "parameters.network") == (4 * 8 + 8) + (8 * 2 + 2)
    with pytest.raises(results.Missing, match="no part encoder"):
        results._metric(fit, "parameters.encoder")


def test_seconds_an_epoch_are_those_of_the_training(fit: Fit, run: Run) -> None:
    assert results._metric(fit, "seconds_per_epoch") == run.record["fit_seconds"] / run.record["epochs"]


def test_a_value_of_a_file_has_one_row(tmp_path: Path) -> None:
    (tmp_path / "r2.csv").write_text("layer,name,r2\na,mass,0.5\na,width,0.25\n")
    assert results._in_table(tmp_path / "r2.csv", {"name": "width"}, "r2") == 0.25
    with pytest.raises(results.Missing, match="has 2 rows"):
        results._in_table(tmp_path / "r2.csv", {"layer": "a"}, "r2")
    with pytest.raises(results.Missing, match="no number in 'auc'"):
        results._in_table(tmp_path / "r2.csv", {"name": "width"}, "auc")
    with pytest.raises(results.Missing, match="FileNotFoundError"):
        results._in_table(tmp_path / "gone.csv", {}, "r2")
