"""Gives up, early, collisions that cannot make a jet of the wanted transverse momentum.

Jets above a transverse momentum come from hard collisions far below it, too, with the help of radiation before the
collision. Such collisions are many times as frequent, and nearly all of them make no such jet. Pythia develops a
collision from hard to soft emissions. Once only emissions below SCALE are left, which is after a hundredth of the work
on an event, the partons are clustered: where no cluster is hard enough, the collision is given up, and Pythia tries the
next. The events that pass are in their natural proportions; none needs a weight.

Soft emissions add little to a jet: the clusters are wider than the jets by the factor WIDER, and may be softer by
`margin`. benchmarks/recnn_generation.py measures that no jets are lost by this.
"""

import pythia8mc

from suite_recnn.jet_finding import JetDefinition

SCALE = 20.0
"""GeV: softer emissions have not happened yet."""
WIDER = 1.3
IN_DECAYS = 5
"""Pythia asks again while what a W or a top has decayed to radiates; then the event is nearly complete."""
PATIENCE = 300_000
"""Collisions in a row without a cluster that is hard enough, after which there will never be one; about a minute."""


def margin(radius: float) -> float:
    """Return by how much (GeV) a cluster may be softer than the jets: soft radiation, and the underlying event.

    Example:
        >>> round(margin(0.8), 1)
        39.2
    """
    return 20.0 + 30.0 * radius**2  # the underlying event grows with a jet's area


class Veto(pythia8mc.UserHooks):  # type: ignore[misc]
    """Pythia asks it about each collision.

    Attributes:
        is_hopeless: whether PATIENCE collisions in a row were given up; it then lets all pass.
    """

    def __init__(self, jets: JetDefinition) -> None:
        super().__init__()
        self.is_hopeless = False
        self._in_a_row = 0
        radius = WIDER * jets.radius
        # Anti-kt (-1) of all particles of the final state (1) with their masses (2), without FastJet and its banner.
        self._clusters = pythia8mc.SlowJet(
            -1, radius, max(jets.pt_min - margin(jets.radius), 1.0), jets.eta_max + radius, 1, 2, None, False
        )

    def canVetoPT(self) -> bool:
        """Return that it is to be asked."""
        return True

    def scaleVetoPT(self) -> float:
        """Return the transverse momentum of emissions, GeV, at which it is asked."""
        return SCALE

    def doVetoPT(self, position: int, event: pythia8mc.Event) -> bool:
        """Return whether to give up a collision."""
        if position == IN_DECAYS:
            return False
        self._clusters.analyze(event)
        if self._clusters.sizeJet() or self.is_hopeless:
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        self.is_hopeless = self._in_a_row >= PATIENCE
        return True
