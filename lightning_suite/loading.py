"""Load a trained module, or the data it learnt from, from its run folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.run import KEY, Run

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule


def load(run: str | Path | Run) -> "LightningModule":
    """Return the trained module of a run folder or a checkpoint, on the CPU and in evaluation mode.

    The checkpoint names its plugin and holds its settings. The global random generators stay as they are.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.

    Example:
        What ``suite fit`` prints at its end is the path to give:

            module = load("runs/dsa/2026-01-31-120000-default")
            module.encode(["a gorgeous, witty, seductive movie"])
    """
    from pytorch_lightning.utilities.seed import isolate_rng

    from lightning_suite.building import restore_into
    from lightning_suite.options import build_model, stored_settings
    from lightning_suite.plugins import find

    run = run if isinstance(run, Run) else Run.at(run)
    checkpoint = run.read_checkpoint()
    settings = stored_settings(checkpoint[KEY]["settings"], run.checkpoint)
    with isolate_rng():
        module = build_model(find.get(settings.plugin), settings)
        restore_into(module, run, checkpoint)
    return module.eval()


def load_data(run: str | Path | Run) -> "LightningDataModule":
    """Return the data module of a run folder or a checkpoint, with the settings of the run; it has not read anything.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.
    """
    from pytorch_lightning.utilities.seed import isolate_rng

    from lightning_suite.building import seeded
    from lightning_suite.options import stored_settings
    from lightning_suite.plugins import find

    run = run if isinstance(run, Run) else Run.at(run)
    settings = stored_settings(run.read_checkpoint()[KEY]["settings"], run.checkpoint)
    with isolate_rng():
        return seeded(find.get(settings.plugin), settings).data
