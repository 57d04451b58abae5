"""Jets made up for the tests: sprays of massless particles around random axes."""

from collections.abc import Callable

import numpy as np
import pytest

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


@pytest.fixture
def make_jets() -> Callable[..., Jets]:
    """The function that makes them."""
    return spray
