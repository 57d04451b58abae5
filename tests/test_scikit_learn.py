"""scikit-learn's own tests of its spectral clustering and embedding, from the installed package, with our classes.

Each file is loaded anew and finds our classes and functions under the names of its own. What asks for pyamg is asked of
us as well, since our ``amg`` needs none. Left out are tests of scikit-learn's private functions alone.
"""

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import sklearn

import suite_spectral
from suite_spectral.clusters import rotation

OURS = {
    "SpectralClustering": suite_spectral.SpectralClustering,
    "spectral_clustering": suite_spectral.spectral_clustering,
    "cluster_qr": rotation.cluster_qr,
    "discretize": rotation.discretize,
    "SpectralEmbedding": suite_spectral.SpectralEmbedding,
    "spectral_embedding": suite_spectral.spectral_embedding,
}

EXPECTED = {
    "test_clustering_n_components": "the default affinity makes two complete graphs of its points, not one: next test",
    "test_clustering_verbose[kmeans]": "our k-means prints nothing of its own",
    "test_embedding_fallback_amg": "our amg takes dense weights and few points too, and has nothing to warn of",
}
"""Tests that fail, with the reason."""

PRIVATE = {
    "test_sparse_graph_connected_component",
    "test_connectivity",
    "test_spectral_eigen_tol_auto",  # asks how a module calls scipy
    "test_error_pyamg_not_available",
}
"""Tests of scikit-learn's private functions."""


def load(place: str) -> ModuleType:
    """Return one of scikit-learn's test files with our names in place of its own."""
    path = Path(sklearn.__file__).parent / place
    spec = importlib.util.spec_from_file_location(f"scikit_learn_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        stand_in = ModuleType("pyamg")
        stand_in.smoothed_aggregation_solver = None  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "pyamg", stand_in)
        spec.loader.exec_module(module)
    for name, ours in OURS.items():
        if hasattr(module, name):
            setattr(module, name, ours)
    return module


def named_apart(module: ModuleType, prefix: str) -> dict[str, Callable[..., None]]:
    """Return the tests of a module, by names that tell the modules apart."""
    names = (name for name in vars(module) if name.startswith("test_") and name not in PRIVATE)
    return {name.replace("test_", f"test_{prefix}_", 1): getattr(module, name) for name in names}


globals().update(named_apart(load("cluster/tests/test_spectral.py"), "clustering"))
globals().update(named_apart(load("manifold/tests/test_spectral_embedding.py"), "embedding"))


@pytest.fixture
def global_random_seed() -> int:
    return 42


@pytest.fixture(autouse=True)
def expected(request: pytest.FixtureRequest) -> None:
    """Let those tests fail of which ``EXPECTED`` says why."""
    if reason := EXPECTED.get(request.node.name):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


def test_the_default_affinity_is_all_that_n_components_is_missed_by(global_random_seed: int) -> None:
    theirs = load("cluster/tests/test_spectral.py")
    theirs.SpectralClustering = partial(suite_spectral.SpectralClustering, affinity="rbf", gamma=1.0)  # type: ignore[attr-defined]
    theirs.test_n_components(global_random_seed)
