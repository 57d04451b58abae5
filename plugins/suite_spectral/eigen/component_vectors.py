"""The eigenvectors of each component of a graph, from those of the whole graph, which may mix them.

The eigenvalue 0 of a graph of several components belongs to all their indicators together, so its eigenvectors are any
rotation of these; and components that are alike have other eigenvalues in common too.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from suite_spectral.eigen.spectrum import Spectrum

PURE = 0.99
"""A vector with this share of its squared length in one component belongs to it."""
PRESENT = 0.01
"""Less squared length than this in a component is an error of the solver."""


class ComponentVectors(NamedTuple):
    """The eigenvectors of one component.

    Attributes:
        component: its number.
        points: (member,) int64, its points.
        vectors: (member, vector) float64, as many as the clusters it gets.
    """

    component: int
    points: Tensor
    vectors: Tensor


def component_vectors(spectrum: Spectrum, n_clusters: int) -> list[ComponentVectors]:
    """Return the eigenvectors of each component: of the n_clusters smallest eigenvalues those that are its own.

    An eigenvector reaches over several components only where their eigenvalues coincide. Its part in each is then an
    eigenvector of that component, so the parts are made orthogonal (Rayleigh and Ritz) and those that carry most of the
    squared length are kept, as many as there were. Every component has at least its vector of eigenvalue 0.
    """
    vectors = spectrum.vectors.double()
    components = spectrum.components.to(vectors.device)
    count = int(components.max()) + 1
    mass = torch.zeros(count, vectors.shape[1], dtype=torch.float64, device=vectors.device)
    mass.index_add_(0, components, vectors.square())
    home = mass.argmax(dim=0)
    pure = mass.amax(dim=0) >= PURE
    order = components.argsort(stable=True)
    members = torch.split(order, components.bincount(minlength=count).tolist())
    # eigenvalue, component, vector on the component's points
    candidates = [(float(spectrum.values[j]), int(home[j]), vectors[members[home[j]], j]) for j in pure.nonzero()[:, 0]]
    candidates += _unmixed(spectrum.values[~pure], vectors[:, ~pure], mass[:, ~pure], members)
    # A component remains one although the solver missed its first vector; any constant vector stands for it.
    missed = set(range(count)) - {component for _, component, _ in candidates}
    candidates += [(0.0, lost, torch.full_like(members[lost], 1, dtype=torch.float64)) for lost in sorted(missed)]
    # The first of each component is kept whatever its rank: an error of rounding must not lose a component.
    candidates.sort(key=lambda candidate: candidate[:2])
    leaders: dict[int, int] = {}
    for rank, (_, component, _) in enumerate(candidates):
        leaders.setdefault(component, rank)
    others = [rank for rank in range(len(candidates)) if rank not in set(leaders.values())]
    kept = sorted([*leaders.values(), *others[: max(0, n_clusters - len(leaders))]])
    own = {number: [candidates[j][2] for j in kept if candidates[j][1] == number] for number in sorted(leaders)}
    return [ComponentVectors(number, members[number], torch.stack(columns, 1)) for number, columns in own.items()]


def _unmixed(
    values: Tensor, vectors: Tensor, mass: Tensor, members: tuple[Tensor, ...]
) -> list[tuple[float, int, Tensor]]:
    parts = []
    for component in (mass.sum(dim=1) > PRESENT).nonzero()[:, 0].tolist():
        part = vectors[members[component]]  # member, vector
        squares, turn = torch.linalg.eigh(part.T @ part)
        squares, turn = squares[squares > PRESENT], turn[:, squares > PRESENT]
        lengths = squares.sqrt()
        inner = lengths[:, None] * (turn.T @ (values[:, None] * turn)) / lengths
        own, within = torch.linalg.eigh((inner + inner.T) / 2)
        basis = part @ turn / lengths @ within
        weight = within.T.square() @ squares  # of the squared length each new vector explains
        parts += [(round(-float(weight[j]), 2), float(own[j]), component, basis[:, j]) for j in range(len(own))]
    parts.sort(key=lambda part: part[:3])
    return [part[1:] for part in parts[: len(values)]]
