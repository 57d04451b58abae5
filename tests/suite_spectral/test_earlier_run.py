"""A run that starts from an earlier one, whose points, texts or nodes are most of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from lightning_suite import Run, fit
from lightning_suite.errors import UsageError
from suite_spectral.earlier_run import EarlierRun

QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
N = 2000


def run_of(folder: Path, path: Path, n_clusters: int = 10, data: dict[str, Any] | None = None, **model: Any) -> Run:
    settings = {"n_clusters": n_clusters, **model}
    return fit("spectral", data={"path": str(path), **(data or {})}, model=settings, trainer=QUIET, runs=folder, seed=0)


def with_a_hundredth_less(folder: Path) -> tuple[Path, Path]:
    """Return two files of a network of ten communities, the first without a hundredth of its nodes; nodes have names.

    The first edges of the second file are those of the new nodes, so that no node has its number of before.
    """
    draw = np.random.default_rng(0)
    inside = [draw.integers(N // 10, size=(N // 2, 2)) + part * N // 10 for part in range(10)]
    edges = np.concatenate([*inside, draw.integers(N, size=(3 * N, 2))])
    edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
    gone = np.isin(edges, draw.choice(N, N // 100, replace=False)).any(axis=1)
    before, after = folder / "before.edges", folder / "after.edges"
    for path, kept in ((before, edges[~gone]), (after, np.concatenate([edges[gone], edges[~gone]]))):
        path.write_text("".join(f"n{first} n{second}\n" for first, second in kept.tolist()))
    return before, after


def test_a_hundredth_more_nodes_take_half_the_steps_wherever_they_stand_in_the_file(tmp_path: Path) -> None:
    before, after = with_a_hundredth_less(tmp_path)
    earlier = run_of(tmp_path, before)
    cold, warm = run_of(tmp_path, after), run_of(tmp_path, after, warm_start=str(earlier.folder))
    assert 2 * warm.metrics["train_steps"] <= cold.metrics["train_steps"]
    assert warm.metrics["train_ncut"] == pytest.approx(cold.metrics["train_ncut"], rel=0.01)


@pytest.mark.parametrize(("standardize", "fewer"), [("none", 2), ("scale", 1.5)])
def test_a_hundredth_more_points_take_fewer_steps(tmp_path: Path, standardize: str, fewer: float) -> None:
    points = load_digits().data[np.random.default_rng(0).permutation(1797)]
    np.save(tmp_path / "before.npy", points[:1779])
    np.save(tmp_path / "after.npy", points)
    data = {"standardize": standardize}
    earlier = run_of(tmp_path, tmp_path / "before.npy", data=data)
    cold = run_of(tmp_path, tmp_path / "after.npy", data=data)
    warm = run_of(tmp_path, tmp_path / "after.npy", data=data, warm_start=str(earlier.folder))
    assert fewer * warm.metrics["train_steps"] <= cold.metrics["train_steps"]
    assert warm.metrics["train_ncut"] == pytest.approx(cold.metrics["train_ncut"], rel=0.01)


def test_texts_start_from_the_words_of_the_earlier_run(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = [[f"{topic}{number}" for number in range(40)] for topic in ("alpha", "beta", "gamma")]
    texts = [" ".join(draw.choice(words[number % 3] + words[0][:9], 12)) for number in range(606)]
    for name, count in (("before.txt", 600), ("after.txt", 606)):
        (tmp_path / name).write_text("\n".join(texts[:count]))
    earlier = run_of(tmp_path, tmp_path / "before.txt", 3)
    cold = run_of(tmp_path, tmp_path / "after.txt", 3)
    warm = run_of(tmp_path, tmp_path / "after.txt", 3, warm_start=str(earlier.folder))
    assert warm.metrics["train_steps"] < cold.metrics["train_steps"]
    assert warm.metrics["train_ncut"] == pytest.approx(cold.metrics["train_ncut"], rel=1e-3)


def test_what_cannot_be_started_from_is_refused_with_the_reason(tmp_path: Path) -> None:
    for name, dim in (("plane", 2), ("space", 3)):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(60, dim)))
    (tmp_path / "ring.edges").write_text("".join(f"{node} {(node + 1) % 60}\n" for node in range(60)))
    plane, space, ring = tmp_path / "plane.npy", tmp_path / "space.npy", tmp_path / "ring.edges"
    earlier = run_of(tmp_path, plane, 2)
    with pytest.raises(UsageError, match="its points have 2 numbers, these have 3"):
        run_of(tmp_path, space, 2, warm_start=str(earlier.folder))
    with pytest.raises(UsageError, match="expected a run of graph, got one of points"):
        run_of(tmp_path, ring, 2, warm_start=str(earlier.folder))
    with pytest.raises(UsageError, match="landmarks are solved in one step"):
        run_of(tmp_path, plane, 2, route="landmarks", warm_start=str(earlier.folder))
    with pytest.raises(UsageError, match=r"expected a number for --model.regularisation beside it, got null"):
        run_of(tmp_path, ring, 2, regularisation=None, warm_start=str(earlier.folder))
    by_landmarks = run_of(tmp_path, plane, 2, route="landmarks", landmarks=20)
    with pytest.raises(UsageError, match="got one by landmarks"):
        run_of(tmp_path, plane, 2, warm_start=str(by_landmarks.folder))
    with pytest.raises(UsageError, match="no run folder and no checkpoint is at"):
        run_of(tmp_path, plane, 2, warm_start=str(tmp_path / "nowhere"))


def test_a_checkpoint_without_the_eigenvectors_behind_starts_from_the_others(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(80, 2)))
    run = run_of(tmp_path, tmp_path / "points.npy", 3)
    path = run.folder / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    width = EarlierRun.at(str(path)).earlier.functions.shape[1]
    del checkpoint["state_dict"]["network.behind"]
    del checkpoint["clusters"]["names"]
    torch.save(checkpoint, path)
    assert (width, EarlierRun.at(str(path)).earlier.functions.shape[1]) == (4, 3)
