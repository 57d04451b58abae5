"""Trains in several processes: ``python -m lightning_suite.testing.process FOLDER``, started by a check.

Lightning starts this module again for every further process. FOLDER holds settings.json and receives the run.
"""

import json
import sys
from pathlib import Path

from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.testing.callbacks import Steady
from lightning_suite.testing.silence import silence
from lightning_suite.training import fit


def main(folder: Path) -> None:
    """Train as the settings say, without dropout and batch statistics."""
    settings = Settings(**json.loads((folder / "settings.json").read_text(encoding="utf-8")))
    with silence():
        fit(find.get(settings.plugin), settings, root=folder, callbacks=[Steady()])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
