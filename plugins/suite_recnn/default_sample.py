"""The jets that are used where no path is given: generated once, and kept in the cache."""

from pathlib import Path

from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.assets import cache_folder
from lightning_suite.errors import UsageError
from lightning_suite.needs import needs

JETS = 12_000
"""Of each class: about two minutes on two cores."""


def sample_folder() -> Path:
    """Return the folder of the sample; a release with another number of jets uses another folder."""
    return cache_folder() / f"jets-{JETS}"


def generate_sample(*classes: str) -> None:
    """Generate the jets of classes; existing files are kept.

    Raises:
        UsageError: Pythia is not set up for a class, or a package is missing.
    """
    with needs("generating jets", "lightning-suite[recnn]"):
        from suite_recnn.generation.production import CLASSES, Settings, file_name, generate

    folder = sample_folder()
    for name in classes:
        if name not in CLASSES:
            raise UsageError(
                f"{name!r} cannot be generated; expected one of {', '.join(CLASSES)}. "
                "Jets of other classes are read from --data.path FOLDER"
            )
    if not all((folder / file_name(name, Settings(), 1)).exists() for name in classes):
        rank_zero_info(
            f"data: no --data.path: generating {JETS:,} {' and '.join(classes)} jets each with Pythia into {folder}, "
            "once; this takes some minutes"
        )
    generate(folder, list(classes), JETS, Settings(), seed=1)
