"""Exported jet taggers: every network computes what the module does, for jets of all sizes, and without torch."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.exporting import LARGEST_DIFFERENCE, written
from lightning_suite.exporting.exportable import Kind
from suite_recnn.forests import JetBatch
from suite_recnn.module import JetTagger

EXAMPLE = re.compile(r"A jet tagger.*?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "exporting.md"


def tagger(**settings: Any) -> JetTagger:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = JetTagger(**{"hidden_dim": 8, **settings})
    module.network.scaler.set(torch.linspace(-1, 1, 8), torch.linspace(0.2, 0.5, 8))
    return module.eval()


# ONNX takes seconds a network: `make trust` writes it of all, `make test` torch's graph, from which ONNX is made.
IS_FULL = os.environ.get("LIGHTNING_SUITE_TRUST") == "full"
KIND: Kind = "onnx" if IS_FULL else "torch-export"
RICH = {"network": "recnn", "mirror_average": IS_FULL, "mass_waves": 2, "pool": "mean", "layer_norm": True}


@pytest.mark.parametrize(
    "settings", [RICH, *({"network": name} for name in ("gated", "fcn", "lstm", "cnn"))], ids=lambda s: s["network"]
)
def test_a_graph_computes_what_the_module_does(settings: dict[str, Any], tmp_path: Path) -> None:
    difference, examples = written(tagger(**settings).exportable(), KIND, tmp_path / "model.pt2", examples=60)
    assert (difference <= LARGEST_DIFFERENCE, examples) == (True, 60)


def test_a_process_without_torch_runs_the_file(tmp_path: Path) -> None:
    module = tagger(network="recnn")
    written(module.exportable(), "onnx", tmp_path / "model.onnx", examples=60)
    (example,) = EXAMPLE.findall(DOCS.read_text(encoding="utf-8"))
    blocked = "import sys\nsys.modules['torch'] = sys.modules['lightning_suite'] = None\n"
    code = f"{blocked}{example}print(*(repr(float(logit)) for logit in logits))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    children = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1]])
    expected = module(JetBatch(torch.zeros(4, 8), children, torch.tensor([0, 3, 4]), None))
    torch.testing.assert_close(torch.tensor([*map(float, done.stdout.split())]), expected.detach())
