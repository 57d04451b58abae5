"""A step of the language model as ONNX: any number of texts side by side, the unknown token too, and without torch."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_suite.errors import UsageError
from lightning_suite.exporting import LARGEST_DIFFERENCE, written
from suite_tweets.exporting import Step, exportable
from suite_tweets.module import TweetModel
from suite_tweets.network import LanguageModel

EXAMPLE = re.compile(r"One step of a language model.*?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "exporting.md"


def model(layers: int = 2) -> LanguageModel:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        rates = dict.fromkeys(["token_dropout", "input_dropout", "hidden_dropout", "output_dropout"], 0.3)
        sizes = {"embedding_dim": 5, "hidden_dim": 7, "layers": layers, "tied": True, "dropout": "sequence"}
        network = LanguageModel(9, range(6, 9), **sizes, **rates, weight_dropout=0.2)  # type: ignore[arg-type]
        torch.nn.init.normal_(network.embedding.weight)
    return network.eval()


def test_onnx_computes_what_the_network_does_and_without_torch(tmp_path: Path) -> None:
    network = model()
    spelled = [f"w{number}" for number in range(9)]
    exported = exportable(Step.of(network), network, spelled, "nothing")
    difference, examples = written(exported, "onnx", tmp_path / "model.onnx", examples=200)
    assert (difference <= LARGEST_DIFFERENCE, examples) == (True, 200)

    (example,) = EXAMPLE.findall(DOCS.read_text(encoding="utf-8"))
    blocked = "import sys\nsys.modules['torch'] = sys.modules['lightning_suite'] = None\n"
    code = f"{blocked}{example}print(likeliest, *(repr(float(logit)) for logit in logits[0]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    likeliest, *logits = done.stdout.split()
    expected = network(torch.tensor([[0]]), network.initial_state(1))[0][0, 0].detach()
    assert likeliest == spelled[expected.argmax()]
    torch.testing.assert_close(torch.tensor([*map(float, logits)]), expected)


def test_without_a_network_it_says_so() -> None:
    module = TweetModel(predictor="ngram")
    module.network = None
    with pytest.raises(UsageError, match="ngram has no export"):
        module.exportable()
