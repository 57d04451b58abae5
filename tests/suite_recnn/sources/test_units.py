"""Momenta that no jet has are doubted, and the unit that would fit is named."""

import numpy as np
import pytest

from suite_recnn.sources.units import Unit, doubt


@pytest.mark.parametrize(
    ("median", "unit", "words"),
    [
        (600.0, "GeV", ""),
        (20.0, "GeV", ""),
        (600e3, "GeV", "in MeV it would be 600 GeV (a factor of 0.001)"),
        (20e3, "GeV", "in MeV it would be 20 GeV (a factor of 0.001)"),
        (0.6, "MeV", "in GeV it would be 600 GeV (a factor of 1000)"),
        (0.8, "GeV", "0.8 GeV; are they relative to their jet's?"),
        (1e-3, "GeV", "0.001 GeV; are its columns in another order or unit?"),
        (1e12, "GeV", "1,000,000,000,000 GeV; are its columns in another order or unit?"),
    ],
)
def test_the_unit_that_fits_is_named(median: float, unit: Unit, words: str) -> None:
    found = doubt(median * np.array([0.9, 1.0, 1.2]), unit)
    assert words in found
    assert bool(found) == bool(words)


def test_no_jets_are_no_doubt() -> None:
    assert doubt(np.zeros(0), "GeV") == ""
