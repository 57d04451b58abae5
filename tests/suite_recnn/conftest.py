"""Jets made up for the tests: sprays of massless particles around random axes; and small networks, trained once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.run import Run
from suite_recnn.jets import Jets, sort_by_pt


def spray(counts: list[int], seed: int = 0) -> Jets:
    """Jets of about 600 GeV with so many constituents each, hardest first, anywhere in the detector."""
    generator = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    axes = np.stack([generator.uniform(-2, 2, len(counts)), generator.uniform(-np.pi, np.pi, len(counts))], axis=1)
    eta, phi = (axes[owner] + 0.25 * generator.normal(size=(len(owner), 2))).T
    pt = generator.exponential(size=len(owner))
    pt *= 600 / np.maximum(np.bincount(owner, pt, len(counts))[owner], 1e-9)
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    momenta = momenta[sort_by_pt(momenta, offsets)]
    return Jets(momenta, offsets, {"event": np.arange(len(counts))})


@pytest.fixture(scope="session")
def make_jets() -> Callable[..., Jets]:
    """The function that makes them."""
    return spray


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """The function that trains a network of width 4 for two epochs on the 300 jets of the plugin, 60 % for its test.

    Its words are options of ``suite fit``; the same words give the same run.
    """
    from lightning_suite.verbs import fit

    quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]
    small = ["--model.hidden_dim=4", "--data.test_fraction=0.6", "--trainer.max_epochs=2"]
    runs: dict[tuple[str, ...], Run] = {}

    def run(*words: str) -> Run:
        if words not in runs:
            root: Path = tmp_path_factory.mktemp("runs")
            assert fit.run(["--plugin", "recnn", "--recipe", "check", "--runs", str(root), *quiet, *small, *words]) == 0
            (folder,) = (root / "recnn").iterdir()
            runs[words] = Run.at(folder)
        return runs[words]

    return run
