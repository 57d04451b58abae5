"""Exported sentence classifiers: sentences and pairs, tables of one source and of several, and without torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_suite.exporting import LARGEST_DIFFERENCE, written
from lightning_suite.exporting.exportable import Kind
from suite_dsa.exporting import LookUp
from suite_dsa.module import SentenceClassifier
from suite_dsa.vectors.side_by_side import SideBySide
from suite_dsa.vocabulary import Vocabulary

EXAMPLE = re.compile(r"A sentence classifier.*?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "exporting.md"
# ONNX takes seconds a network: `make trust` writes it of all, `make test` torch's graph, from which ONNX is made.
KIND: Kind = "onnx" if os.environ.get("LIGHTNING_SUITE_TRUST") == "full" else "torch-export"
WORDS = ["a", "film", "good", "thin"]


def classifier(attention: str = "dynamic", columns: int = 1, encoder: str = "dense-cnn") -> SentenceClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        sizes = {"head_dim": 6, "first_dim": 8, "layer_dim": 4, "compressed_dim": 8, "hidden_dim": 4}
        sizes |= {"lstm_dim": 5, "kim_dim": 4}
        module = SentenceClassifier(encoder=encoder, attention=attention, heads=2, **sizes)
        module._build(Vocabulary(WORDS, range(1, 5)), ["blame", "praise"], columns, "ptb", {"vectors": (5, 7)}, 0)
        module.vectors.normal_()
    return module.eval()


@pytest.mark.parametrize(
    ("encoder", "attention", "columns"),
    [
        ("dense-cnn", "dynamic", 2),
        ("dense-cnn", "static", 1),
        ("bilstm", "last", 1),
        ("kim-cnn", "max", 1),
    ],
)
def test_a_graph_computes_what_the_module_does(encoder: str, attention: str, columns: int, tmp_path: Path) -> None:
    exportable = classifier(attention, columns, encoder).exportable()
    difference, examples = written(exportable, KIND, tmp_path / "model.pt2", examples=100)
    assert (difference <= LARGEST_DIFFERENCE, examples) == (True, 100)


def test_several_sources_are_looked_up_as_the_module_does() -> None:
    counts = torch.tensor([0, 1, 3, 2, 3, 0])
    shapes = {
        "table_0": (20, 3),
        "rows_0": (9,),
        "offsets_0": (7,),
        "table_1": (9, 4),
        "rows_1": (6,),
        "offsets_1": (7,),
    }
    sources = SideBySide(shapes)
    sources.offsets_0[1:], sources.offsets_1[:] = counts.cumsum(0), torch.arange(7)
    for name in ("table_0", "table_1"):
        sources.get_buffer(name).normal_()
    sources.rows_0.random_(0, 20), sources.rows_1.random_(0, 9)
    words = torch.tensor([5, 2, 2, 0, 4, 1, 3])
    assert torch.equal(LookUp(None, sources, None)(words), sources(words))


def test_a_process_without_torch_runs_the_file(tmp_path: Path) -> None:
    module = classifier()
    written(module.exportable(), "onnx", tmp_path / "model.onnx", examples=60)
    (example,) = EXAMPLE.findall(DOCS.read_text(encoding="utf-8"))
    blocked = "import sys\nsys.modules['torch'] = sys.modules['lightning_suite'] = None\n"
    code = f"{blocked}{example}print(*best, *(repr(float(logit)) for logit in logits.flatten()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second, *logits = done.stdout.split()
    expected = module(torch.tensor([1, 3, 2, 4]), torch.tensor([0, 3, 4])).detach()
    assert [first, second] == [module.labels[place] for place in expected.argmax(1)]
    torch.testing.assert_close(torch.tensor([*map(float, logits)]).view(2, 2), expected)
