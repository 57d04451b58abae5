"""Simulated jets: ``collisions`` (Pythia), ``detector``, and ``production`` of whole files by many processes."""

GENERATION = 2
"""Raised when the same settings begin to give other jets, so that those of before are not mixed with later ones.

Since 2 the limit of the hard collision loses no jets, and the ECAL's forward cells are those of the card."""
