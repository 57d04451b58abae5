"""The compiled loops, and what serves where they are missing."""

import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from lightning_suite.compiled_loops import REQUIRE, compiled_loops
from lightning_suite.errors import OpsError
from suite_spectral.clusters.lloyd import lloyd, lloyd_reference, spread


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the extension is missing."""
    monkeypatch.setitem(sys.modules, "suite_spectral._kernels", None)
    monkeypatch.delenv(REQUIRE, raising=False)
    compiled_loops.cache_clear()
    yield
    compiled_loops.cache_clear()


def test_without_them_the_references_serve_and_one_warning_says_so(not_compiled: None) -> None:
    rows = np.array([[0.0], [1.0], [10.0], [11.0]])
    with pytest.warns(RuntimeWarning, match=r"suite_spectral\._kernels was not compiled\. To repair it, compile it"):
        found = lloyd(rows, rows[:2])
    np.testing.assert_array_equal(lloyd_reference(rows, rows[:2], np.ones(4)).labels, found.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(spread(rows, 2, np.random.default_rng(0))) == 2


def test_without_them_it_fails_where_they_are_required(not_compiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(OpsError, match=r"LIGHTNING_SUITE_REQUIRE_OPS is 1, but .* was not compiled"):
        lloyd(np.ones((3, 1)), np.ones((1, 1)))
