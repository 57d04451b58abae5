import numpy as np
import pytest

from suite_recnn.clustering import Trees
from suite_recnn.interpretation.lund_plane import boundary, likeness, lund_map, mass_line
from suite_recnn.lund import lund_coordinates

EDGES = np.array([0.0, 1.0, 2.0])


def test_a_cell_has_the_weighted_mean_of_its_splittings() -> None:
    x, y = np.full(5, 0.5), np.full(5, 1.5)
    found = lund_map(x, y, np.array([1.0, 1, 1, 1, 6]), np.array([1.0, 1, 1, 1, 4]), 2.0, EDGES, EDGES)
    assert found.mean[0, 1] == pytest.approx((4 + 24) / 8)
    assert found.counts.tolist() == [[0, 5], [0, 0]]
    assert found.density[0, 1] == pytest.approx(8 / 2)


def test_a_cell_of_four_splittings_has_no_mean_but_is_counted() -> None:
    found = lund_map(np.full(4, 0.5), np.full(4, 0.5), np.ones(4), np.ones(4), 1.0, EDGES, EDGES)
    assert np.isnan(found.mean).all()
    assert found.counts[0, 0] == 4


def test_splittings_outside_are_counted_and_unknown_ones_are_left_out() -> None:
    x, values = np.array([0.5, np.inf, -3.0, 0.5]), np.array([1.0, 1, 1, np.nan])
    found = lund_map(x, np.full(4, 0.5), values, np.ones(4), 1.0, EDGES, EDGES)
    assert (found.counts.sum(), found.outside) == (1, 2)


@pytest.mark.parametrize("z", [0.02, 0.2, 0.45])
def test_two_prongs_of_a_mass_lie_on_its_line(z: float) -> None:
    delta, pt = 0.1, 600.0
    hard, soft = (
        np.array([size * np.cos(phi), size * np.sin(phi), 0, size])
        for size, phi in (((1 - z) * pt, 0.0), (z * pt, delta))
    )
    trees = Trees(np.stack([hard, soft, hard + soft]), np.array([[-1, -1], [-1, -1], [0, 1]]), np.array([0, 3]))
    lund = lund_coordinates(trees)
    x, y = mass_line(float(lund.mass[2]), pt, points=2000)
    assert np.interp(-np.log(delta), x, y) == pytest.approx(np.log(lund.kt[2]), abs=0.01)


def test_a_line_of_mass_ends_on_the_boundary() -> None:
    x, y = mass_line(172.8, 600.0)
    assert boundary(x, 600.0)[-1] == pytest.approx(y[-1])
    assert (boundary(x, 600.0)[:-1] > y[:-1]).all()
    assert np.isfinite(y).all()


def test_two_maps_are_alike_as_their_cells_are() -> None:
    x = np.repeat([0.5, 1.5, 0.5, 1.5], [5, 5, 10, 5])
    y = np.repeat([0.5, 0.5, 1.5, 1.5], [5, 5, 10, 5])
    values = np.repeat([1.0, 2.0, 4.0, 7.0], [5, 5, 10, 5])
    generator = np.random.default_rng(0)
    one, other = (lund_map(x, y, each, np.ones(25), 1.0, EDGES, EDGES) for each in (values, generator.random(25)))
    assert likeness(one, one) == pytest.approx(1)
    assert likeness(one, one._replace(mean=5 - 2 * one.mean)) == pytest.approx(-1)
    cells = np.repeat(other.mean[[0, 1, 0, 1], [0, 0, 1, 1]], [5, 5, 10, 5])
    assert likeness(one, other) == pytest.approx(np.corrcoef(values, cells)[0, 1])
    assert np.isnan(likeness(one, one._replace(mean=np.full((2, 2), np.nan))))
