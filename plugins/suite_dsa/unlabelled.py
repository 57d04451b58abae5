"""What becomes of test data without labels, as GLUE publishes them: they are predicted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.predictions import Predictions

NAME = "test_predictions.csv"
"""The file in the run folder."""


def write_unlabelled(module: LightningModule, batches: Sequence[Any]) -> Path:
    """Write what ``predict_step`` returned for the batches of a test into the run folder, and return the file.

    Args:
        module: that is tested.
        batches: the columns of each batch, in the order of the test data.
    """
    output = Predictions(Path(module.trainer.default_root_dir) / NAME, "predict_step")
    output.on_predict_start(module.trainer, module)
    for number, columns in enumerate(batches):
        output.on_predict_batch_end(module.trainer, module, columns, None, number)
    output.on_predict_end(module.trainer, module)
    rank_zero_info(f"the test has no labels; its {output.rows:,} predictions: {output.path}")
    return output.path
