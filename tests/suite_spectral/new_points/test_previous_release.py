"""``previous_release.npz`` holds what the first release stored of small sets, new points, and its answers for these."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from suite_spectral.network import FittedClusters
from suite_spectral.new_points.previous_release import read_previous_release

with np.load(Path(__file__).with_name("previous_release.npz")) as archive:
    ARRAYS = {name: torch.from_numpy(archive[name]) for name in archive.files}
WAYS = sorted({name.split("/")[0] for name in ARRAYS})


def state_of(way: str) -> dict[str, Tensor]:
    prefix = f"{way}/state/"
    return {name.removeprefix(prefix): value for name, value in ARRAYS.items() if name.startswith(prefix)}


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_for_new_points_are_those_of_the_previous_release(way: str) -> None:
    network = FittedClusters()
    network.load_state_dict(state_of(way))
    new = ARRAYS[f"{way}/new"]
    queries = new.to_sparse_csr() if way == "precomputed" else new
    assert torch.equal(network(queries), ARRAYS[f"{way}/clusters"])
    torch.testing.assert_close(network.embed(queries), ARRAYS[f"{way}/rows"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("connectivity", {"n_neighbors": 5, "weights": "connectivity"}),
        ("rbf", {"sigma": 0.3}),
        ("better by landmarks", {"sigma": 1.0}),
        ("landmarks of rbf", {}),
        ("landmarks", {}),
        ("cosine", {}),
    ],
)
def test_what_was_chosen_is_known(way: str, expected: dict[str, object]) -> None:
    fitted = read_previous_release(state_of(way))
    assert fitted is not None
    assert fitted.chosen == expected


def test_a_run_that_had_fitted_nothing_has_nothing() -> None:
    network = FittedClusters()
    network.load_state_dict(
        {name: value[:0] if name != "choices" else value for name, value in state_of("rbf").items()}
    )
    assert not network.is_fitted


def test_a_state_that_lacks_something_is_refused() -> None:
    state = state_of("rbf")
    del state["scale"]
    with pytest.raises(RuntimeError, match="scale is missing"):
        FittedClusters().load_state_dict(state)
