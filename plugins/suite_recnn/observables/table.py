"""The observables by name, each with its symbol and unit, and a table of several of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.spelling import no_such
from suite_recnn.jets import Jets
from suite_recnn.observables.measures import (
    angularity,
    blocks,
    check_radius,
    mass,
    multiplicity,
    n_subjettiness,
    ptd,
    soft_drop_mass,
    subjettiness_ratio,
    width,
)


@final
class Block:
    """Jets, and what several of their observables share: computed once, when it is first needed.

    Attributes:
        jets: the jets.
        radius: R of their jet algorithm.
    """

    def __init__(self, jets: Jets, radius: float) -> None:
        self.jets = jets
        self.radius = radius

    @cached_property
    def taus(self) -> NDArray[np.float64]:
        """τ₁, τ₂, τ₃: (jet, 3)."""
        return n_subjettiness(self.jets, (1, 2, 3), radius=self.radius)


class Observable(NamedTuple):
    """A number that is measured of each jet.

    Attributes:
        measure: computes it, (jet,).
        symbol: what pictures call it.
        unit: "" for a number without unit.
    """

    measure: Callable[[Block], NDArray[np.float64]]
    symbol: str
    unit: str = ""


OBSERVABLES: Final[Mapping[str, Observable]] = {
    "multiplicity": Observable(lambda block: multiplicity(block.jets), "multiplicity"),
    "width": Observable(lambda block: width(block.jets, block.radius), "width λ¹₁"),
    "mass_angularity": Observable(lambda block: angularity(block.jets, 1, 2, block.radius), "mass angularity λ¹₂"),
    "ptd_squared": Observable(lambda block: angularity(block.jets, 2, 0), "squared pTᴰ = λ²₀"),
    "ptd": Observable(lambda block: ptd(block.jets), "pTᴰ"),
    "mass": Observable(lambda block: mass(block.jets), "mass m", "GeV"),
    "soft_drop_mass": Observable(
        lambda block: soft_drop_mass(block.jets, radius=block.radius), "soft-drop mass", "GeV"
    ),
    "tau1": Observable(lambda block: block.taus[:, 0], "τ₁"),
    "tau2": Observable(lambda block: block.taus[:, 1], "τ₂"),
    "tau3": Observable(lambda block: block.taus[:, 2], "τ₃"),
    "tau21": Observable(lambda block: subjettiness_ratio(block.taus[:, 1], block.taus[:, 0]), "τ₂₁ = τ₂ / τ₁"),
    "tau32": Observable(lambda block: subjettiness_ratio(block.taus[:, 2], block.taus[:, 1]), "τ₃₂ = τ₃ / τ₂"),
}
"""The observables by name. Any other angularity is called ``angularity_KAPPA_BETA``, such as ``angularity_1_0.5``."""


def observable(name: str) -> Observable:
    """Return the observable of a name: one of OBSERVABLES, or any angularity.

    Raises:
        UsageError: there is no observable of this name.

    Example:
        >>> observable("tau21").symbol, observable("mass").unit, observable("angularity_1_0.5").symbol
        ('τ₂₁ = τ₂ / τ₁', 'GeV', 'λ, κ = 1, β = 0.5')
    """
    if name in OBSERVABLES:
        return OBSERVABLES[name]
    if exponents := re.fullmatch(r"angularity_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", name):
        kappa, beta = map(float, exponents.groups())
        return Observable(
            lambda block: angularity(block.jets, kappa, beta, block.radius), f"λ, κ = {kappa:g}, β = {beta:g}"
        )
    raise UsageError(no_such("observable", name, [*OBSERVABLES, "angularity_KAPPA_BETA"], "there are"))


def table(
    jets: Jets,
    names: Sequence[str] = tuple(OBSERVABLES),
    *,
    radius: float = 0.8,
    progress: Callable[[int], None] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return several observables of each jet by name, (jet,) each.

    The jets are measured in blocks, so that the memory needed beyond the results is that of one block.

    Args:
        jets: with any number of constituents.
        names: from OBSERVABLES, or ``angularity_KAPPA_BETA``.
        radius: R of the jet algorithm.
        progress: called after each block with its number of jets.

    Raises:
        UsageError: there is no observable of such a name, or the radius is not above 0.
        ValueError: a momentum is not finite.

    Example:
        >>> jets = Jets(np.array([[3.0, 0, 4, 5], [1, 0, 0, 1]]), np.array([0, 2]))
        >>> {name: values.round(3).tolist() for name, values in table(jets, ["multiplicity", "mass"]).items()}
        {'multiplicity': [2.0], 'mass': [2.0]}
    """
    check_radius(radius)
    measures = {name: observable(name).measure for name in names}
    values = {name: np.empty(len(jets)) for name in measures}
    for rows in blocks(len(jets)):
        block = Block(jets.take(rows), radius)
        for name, measure in measures.items():
            values[name][rows] = measure(block)
        if progress is not None:
            progress(len(rows))
    return values
