"""The verbs `baselines` and `twins`, on a network that was trained on a made-up language."""

from pathlib import Path

import numpy as np
import pytest

from lightning_suite import training
from lightning_suite.errors import DataError
from lightning_suite.options import Settings
from lightning_suite.run import Run
from suite_dsa import plugin
from suite_dsa.studies.comparison import baselines, classified, labelled, opened, paired, twins

SMALL = {"head_dim": 8, "first_dim": 8, "layer_dim": 4, "layers": 2, "compressed_dim": 8, "hidden_dim": 8}


def trained(folder: Path, classes: tuple[str, str]) -> Run:
    rows = [
        f"{label}\t{word} film {i}\n" for i in range(40) for word, label in zip(("warm", "dull"), classes, strict=True)
    ]
    (folder / "films.tsv").write_text("label\ttext\n" + "".join(rows))
    settings = Settings(
        plugin="dsa",
        model=SMALL,
        data={"path": str(folder / "films.tsv"), "vectors": None, "word_dim": 4, "test_fraction": 0.2},
        trainer={"max_epochs": 1, "enable_progress_bar": False, "accelerator": "cpu"},
    )
    return training.fit(plugin, settings, root=folder / "runs")[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("films"), ("good", "bad"))


def test_baselines_are_trained_on_the_runs_data_and_shown_beside_the_network(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    baselines(str(run.folder))
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].split() == ["classifier", "validation", "test", "behind", "the", "network"]
    network, tf_idf = lines[2].split(), lines[3].split()
    metrics = run.record["metrics"]
    assert network[:3] == ["network", f"{metrics['val_accuracy']:.3f}", f"{metrics['test_accuracy']:.3f}"]
    assert tf_idf[:3] == ["tf-idf", "1.000", "1.000"]
    assert float(tf_idf[3]) == pytest.approx(float(network[2]) - 1, abs=1e-3)


def test_twins_are_written_as_a_table_and_measured(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "more.tsv"
    path.write_text("label\ttext\ngood\twarm film\nbad\tno warm film\nbad\tdull plot\ngood\twarm film 0\n")
    twins(str(run.folder), str(path))

    assert (run.folder / "twins.tsv").read_text().splitlines() == [
        "label\tsentence",
        "good\twarm film",
        "bad\tno warm film",
    ]
    assert "0.500" in capsys.readouterr().out.splitlines()[3]  # tf-idf: both are good


def test_a_file_without_twins_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "more.tsv"
    path.write_text("label\ttext\ngood\twarm film\nbad\tdull plot\n")

    with pytest.raises(DataError, match=r"more\.tsv: no two examples of different classes"):
        twins(str(run.folder), str(path))


def test_twins_in_trees_have_the_two_classes_of_the_network(tmp_path: Path) -> None:
    run = trained(tmp_path, ("positive", "negative"))
    path = tmp_path / "trees.test.txt"
    path.write_text("(0 (2 never) (4 (2 warm) (2 again)))\n(2 (2 again) (2 warm))\n")
    twins(str(run.folder), str(path))

    assert (run.folder / "twins.tsv").read_text().splitlines() == [
        "label\tsentence",
        "positive\twarm again",
        "negative\tnever warm again",
    ]


def test_twins_of_other_classes_are_refused_before_they_are_written(run: Run, tmp_path: Path) -> None:
    path, output = tmp_path / "more.tsv", tmp_path / "twins.tsv"
    path.write_text("label\ttext\nfine\twarm film\nbad\tno warm film\n")

    with pytest.raises(DataError, match=r"more\.tsv:2: expected one of the labels 'bad', 'good', got 'fine'"):
        twins(str(run.folder), str(path), output=str(output))
    assert not output.exists()


def test_classes_are_those_of_the_tested_network(run: Run) -> None:
    module, _, parts = opened(run.folder)
    test = labelled(module, parts["test"].examples)
    right = classified(module, test.texts, batch_size=3) == test.labels

    assert right.mean() == pytest.approx(run.record["metrics"]["test_accuracy"], abs=1e-6)


def test_a_paired_difference_of_equal_answers_has_no_error() -> None:
    assert paired(np.array([True, False]), np.array([True, False])) == (0.0, 0.0)
