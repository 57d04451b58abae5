"""Jets mirrored and turned at random: what changes, what does not, and that features still belong together."""

import numpy as np
import pytest
import torch
from torch import Tensor

from suite_recnn import forests
from suite_recnn.clustering import Trees, cluster
from suite_recnn.forests import FEATURES, Forest, ForestData, JetBatch
from suite_recnn.lund import LUND_FEATURES
from suite_recnn.preprocessing import center
from suite_recnn.symmetries import mirror_images, mirrored, turned

NAMES = (*FEATURES, *LUND_FEATURES)


def batch_of(trees: Trees, kind: forests.NodeFeatures = "lund") -> JetBatch:
    forest = Forest(forests.features_of(trees, kind), trees.children, trees.offsets)
    return ForestData(forest, np.arange(len(forest)), None).batch(range(len(forest)))


def named(batch: JetBatch) -> dict[str, Tensor]:
    return dict(zip(NAMES, batch.features.unbind(1), strict=False))


@pytest.fixture
def trees(make_jets) -> Trees:
    """40 centred jets of 17 nodes."""
    jets = make_jets([9] * 40)
    return cluster(center(jets), jets.offsets)


def test_a_mirrored_jet_is_a_jet_with_its_eta_or_phi_turned_round(trees) -> None:
    torch.manual_seed(0)
    before = named(batch_of(trees))
    after = named(mirrored(batch_of(trees)))
    for name in ("p", "E", "E/E_jet", "pt", "log_mass", "log_delta", "log_kt", "log_z"):
        torch.testing.assert_close(after[name], before[name])
    sides = {name: (after[name] / before[name]).reshape(40, 17)[:, :9] for name in ("eta", "phi")}  # constituents
    for side in sides.values():
        torch.testing.assert_close(side, side[:, :1].sign().expand_as(side))  # the same for all of a jet
        assert 5 < (side[:, 0] > 0).sum() < 35
    torch.testing.assert_close(after["theta"], 2 * torch.atan(torch.exp(-after["eta"])), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("change", [mirrored, turned])
@pytest.mark.parametrize("kind", ["paper", "lund"])
def test_changed_jets_have_the_features_of_changed_momenta(trees, change, kind) -> None:
    torch.manual_seed(1)
    found = named(change(batch_of(trees, kind)))
    torch.manual_seed(1)
    sizes = np.diff(trees.offsets)
    x, y, z, energy = trees.momenta.T
    if change is mirrored:
        eta, phi = (torch.randint(0, 2, (40, 2)) * 2.0 - 1.0).numpy().repeat(sizes, axis=0).T
        y, z = phi * y, eta * z
    else:
        angle = (torch.rand(40) * (2 * torch.pi)).double().numpy().repeat(sizes)
        y, z = np.cos(angle) * y - np.sin(angle) * z, np.sin(angle) * y + np.cos(angle) * z
    moved = Trees(np.stack([x, y, z, energy], axis=1), trees.children, trees.offsets)
    expected = named(batch_of(moved, kind))
    assert list(found) == list(expected)
    for name in found.keys() & set(FEATURES):
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=2e-4, msg=lambda text, n=name: n + text)
    if kind == "lund":  # those of a splitting are turned as if the jet were narrow
        spread = 1e-4 if change is mirrored else 0.5
        for name in LUND_FEATURES:
            difference = (found[name] - expected[name]).abs()
            assert difference.quantile(0.9) < spread, name


def test_turned_jets_are_turned_by_any_angle(trees) -> None:
    torch.manual_seed(0)
    before, after = (named(batch).values() for batch in (batch_of(trees), turned(batch_of(trees))))
    psi = [
        torch.atan2(*[dict(zip(NAMES, side, strict=True))[n] for n in ("sin_psi", "cos_psi")])
        for side in (before, after)
    ]
    angles = ((psi[1] - psi[0]) % (2 * torch.pi)).reshape(40, 17)[:, 9:]
    torch.testing.assert_close(angles.cos(), angles[:, :1].cos().expand_as(angles), rtol=1e-3, atol=1e-3)
    assert torch.histc(angles[:, 0], 4, 0, 2 * torch.pi).min() > 2


def test_a_particle_along_the_beam_stays_finite() -> None:
    momenta = np.array([[5.0, 0, 0, 5], [0, 0, 3, 3], [0, 0, -3, 3]])
    for _ in range(5):
        assert turned(batch_of(cluster(momenta, np.array([0, 3])))).features.isfinite().all()


def test_the_mirror_images_of_jets_are_all_that_mirroring_makes(trees) -> None:
    batch = batch_of(trees)
    images = mirror_images(batch)
    assert len(images) == 4
    torch.testing.assert_close(images[0].features, batch.features)
    made = mirrored(batch).features.reshape(40, 17, 13)
    distances = torch.stack([(image.features.reshape(40, 17, 13) - made).abs().amax((1, 2)) for image in images])
    torch.testing.assert_close(distances.amin(0), torch.zeros(40), atol=1e-5, rtol=0)
    assert distances.argmin(0).unique().tolist() == [0, 1, 2, 3]
