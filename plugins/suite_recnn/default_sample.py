"""The jets that are used where no path is given: generated once, and kept in the cache."""

from pathlib import Path

from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.assets import cache_folder
from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from suite_recnn.generation import GENERATION

JETS = 12_000
"""Of each class: about five minutes on two cores."""
PTHAT_MIN = 250.0
"""GeV, of the hard collisions: leaves out the W jets that recoil against a jet of the radiation, which are half of all
and would take four times as long; no jets of QCD are lost."""


def sample_folder() -> Path:
    """Return the folder of the sample; a release that makes other jets, or more of them, uses another folder."""
    return cache_folder() / f"jets-{JETS}-{GENERATION}"


def generate_sample(*classes: str) -> None:
    """Generate the jets of classes; existing files are kept.

    Raises:
        UsageError: Pythia is not set up for a class, or a package is missing.
    """
    with needs("generating jets", "lightning-suite[recnn]"):
        from suite_recnn.generation.production import CLASSES, Settings, file_name, generate

    folder, settings = sample_folder(), Settings(pthat_min=PTHAT_MIN)
    for name in classes:
        if name not in CLASSES:
            raise UsageError(
                f"{name!r} cannot be generated; expected one of {', '.join(CLASSES)}. "
                "Jets of other classes are read from --data.path FOLDER"
            )
    if not all((folder / file_name(name, settings, 1)).exists() for name in classes):
        rank_zero_info(
            f"data: no --data.path: generating {JETS:,} {' and '.join(classes)} jets each with Pythia into {folder}, "
            "once; this takes some minutes"
        )
    generate(folder, list(classes), JETS, settings, seed=1)
