"""CPU seconds of a training epoch of the dsa network: packed words beside padded sentences.

    python -m benchmarks.dsa_network

Forward, backward and optimizer step of the published single-DSA network with its classifier, one thread, on the
lengths of SST's training phrases (drawn from a lognormal distribution where the data are absent) and on longer
ones. Beside it stands the same network written in the straightforward way: sentences padded to the longest of their
batch, nn.Conv1d, nn.Dropout, a mask after every layer; with batches as they come, and with batches of similar lengths.
All give equal sentences from equal weights, which is asserted first. Prints one table, writes
benchmarks/results/dsa_network.json.
"""

import lzma
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks._markdown import markdown
from benchmarks._record import record
from lightning_suite import ragged
from suite_dsa.attention import DynamicSelfAttention
from suite_dsa.encoders.dense_cnn import DenseCNN
from suite_dsa.network import Classifier, SentenceEncoder
from suite_dsa.onednn_linear import ONEDNN

ROOT = Path(__file__).resolve().parents[1]
PHRASES = ROOT.parent / "shared/data/text/sst/derived.binary.phrases.train.xz"
EPOCH = 84_500  # sentences: all figures are for as many, whatever was measured
BATCH = 128
WORD_DIM = 300


class PaddedEncoder(nn.Module):
    """`SentenceEncoder` as one writes it first: (batch, word, word_dim) and a mask -> (batch, head_dim)."""

    def __init__(self, packed: SentenceEncoder) -> None:
        super().__init__()
        cnn, attention = packed.in_context, packed.attention
        assert isinstance(attention, DynamicSelfAttention)
        self.iterations = attention.iterations
        self.drop = nn.Dropout(packed.drop.dropout)
        self.activate = nn.Sequential(nn.Dropout(cnn.activate.dropout), nn.LeakyReLU(0.01))
        self.first, self.dense = nn.ModuleList(), nn.ModuleList()
        parts = zip(cnn.first.weight.split(cnn.first_dim), cnn.first.bias.split(cnn.first_dim), strict=True)
        for (weight, bias), block in zip(parts, cnn.blocks, strict=True):
            self.first.append(convolution(weight[..., None], bias))
            taps = [
                (layer.weight.unflatten(0, (block.kernel, -1)).permute(1, 2, 0), layer.bias) for layer in block.layers
            ]
            self.dense.append(nn.ModuleList(convolution(*both) for both in taps))
        self.compress = convolution(cnn.compress.weight[..., None], cnn.compress.bias)
        self.project = nn.Linear(attention.project.in_features, attention.output_dim)
        self.project.load_state_dict(attention.project.state_dict())

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        x0 = self.drop(words).transpose(1, 2)  # batch word_dim word
        inside = mask[:, None]  # batch 1 word
        outputs = []
        for first, layers in zip(self.first, self.dense, strict=True):
            block = self.activate(first(x0)) * inside
            for layer in layers:
                block = torch.cat([self.activate(layer(block)) * inside, block], dim=1)
            outputs.append(block)
        compressed = self.activate(self.compress(torch.cat([*outputs, x0], dim=1)))
        compressed = functional.normalize(compressed, dim=1).transpose(1, 2)  # batch word compressed_dim
        values = functional.leaky_relu(self.project(compressed), 0.01)  # batch word head_dim
        scores = values.new_zeros(mask.shape)
        for _ in range(self.iterations):
            weights = scores.masked_fill(~mask, -torch.inf).softmax(1)
            z = torch.bmm(weights[:, None], values)[:, 0].tanh()
            scores = scores + torch.bmm(values, z[..., None])[..., 0]
        return z


def convolution(weight: Tensor, bias: Tensor) -> nn.Conv1d:
    """Return the layer of this weight (output_dim, input_dim, kernel) that keeps the number of words."""
    layer = nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def pad(words: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Return packed words as (batch, word, word_dim), and a mask that is True where there is a word."""
    padded = nn.utils.rnn.pad_sequence(list(ragged.split(words, offsets)), batch_first=True)
    return padded, torch.arange(padded.shape[1]) < ragged.lengths(offsets)[:, None]


def lognormal(mean: float, longest: int, count: int) -> list[int]:
    """Return lengths from a lognormal distribution of sigma 0.8, at least 1."""
    drawn = torch.empty(count).log_normal_(torch.tensor(mean).log().item() - 0.32, 0.8)
    return drawn.round().clamp(1, longest).int().tolist()


def phrase_lengths(count: int) -> tuple[str, list[int]]:
    """Return the name of the distribution, and the lengths of so many sentences."""
    if not PHRASES.exists():
        return "lognormal, mean 9.3", lognormal(9.3, 52, count)
    with lzma.open(PHRASES, "rt", encoding="utf-8") as file:
        lengths = [len(line.split()) - 1 for line in file]
    return "SST phrases", [lengths[at] for at in torch.randperm(len(lengths))[:count].tolist()]


def batches(lengths: list[int], size: int = BATCH) -> list[tuple[Tensor, Tensor]]:
    """Return batches of sentences of random words: (word, word_dim) and offsets."""
    made = []
    for begin in range(0, len(lengths), size):
        offsets = ragged.offsets_of(torch.tensor(lengths[begin : begin + size]))
        made.append((torch.randn(int(offsets[-1]), WORD_DIM), offsets))
    return made


def epoch(encode: Callable[[Tensor, Tensor], Tensor], model: nn.Module, data: list[tuple[Tensor, Tensor]]) -> float:
    """Return CPU seconds of EPOCH sentences in such batches."""
    classifier = Classifier(600, 300, 1, 2, 0.4)
    optimizer = torch.optim.Adadelta([*model.parameters(), *classifier.parameters()], lr=1.0, weight_decay=1e-5)
    model.train()
    begin = time.process_time()
    for words, offsets in data:
        optimizer.zero_grad()
        logits = classifier(encode(words, offsets))
        functional.cross_entropy(logits, torch.arange(len(logits)) % 2).backward()
        optimizer.step()
    return (time.process_time() - begin) * EPOCH / (len(data) * BATCH)


def measure(lengths: list[int], repeats: int) -> dict[str, list[float]]:
    """Return CPU seconds of an epoch by variant, one number a repeat; the variants take turns."""
    cnn = DenseCNN(WORD_DIM, kernels=(3, 5), layers=4, first_dim=150, layer_dim=75, compressed_dim=300, dropout=0.2)
    packed = SentenceEncoder(cnn, DynamicSelfAttention(300, heads=1, head_dim=600, iterations=2), word_dropout=0.4)
    padded = PaddedEncoder(packed)
    as_they_come, bucketed = batches(lengths), batches(sorted(lengths))
    packed.eval()
    padded.eval()
    with torch.no_grad():
        for words, offsets in (as_they_come[0], bucketed[-1]):
            torch.testing.assert_close(padded(*pad(words, offsets)), packed(words, offsets), rtol=1e-4, atol=1e-5)
    epoch(packed, packed, as_they_come)  # kernels are compiled once, in the first of many epochs
    seconds: dict[str, list[float]] = {"packed": [], "padded, bucketed": [], "padded": []}
    for _ in range(repeats):
        seconds["packed"].append(epoch(packed, packed, as_they_come))
        seconds["padded, bucketed"].append(epoch(lambda *batch: padded(*pad(*batch)), padded, bucketed))
        seconds["padded"].append(epoch(lambda *batch: padded(*pad(*batch)), padded, as_they_come))
    return seconds


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds of an epoch, packed and padded."""
    rows = [
        [
            lengths,
            f"{medians['packed']:.0f}",
            f"{medians['padded, bucketed']:.0f} ({medians['padded, bucketed'] / medians['packed']:.1f}x)",
            f"{medians['padded']:.0f} ({medians['padded'] / medians['packed']:.1f}x)",
        ]
        for lengths, medians in results["medians"].items()
    ]
    return markdown(["CPU s for 84,500 sentences of", "packed", "padded, length-bucketed", "padded"], rows)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    source, lengths = phrase_lengths(12 * BATCH)
    sources = {source: lengths, "lognormal, mean 15": lognormal(15.0, 80, 6 * BATCH)}
    results = {name: measure(drawn, repeats=3) for name, drawn in sources.items()}
    medians = {name: {way: statistics.median(each) for way, each in row.items()} for name, row in results.items()}
    what = f"CPU seconds of forward, backward and Adadelta step for {EPOCH} sentences, batches of {BATCH}, 1 thread"
    record(
        "dsa_network",
        {
            "what": what,
            "onednn_product": ONEDNN,
            "measured_sentences": {name: len(drawn) for name, drawn in sources.items()},
            "mean_words": {name: round(statistics.fmean(drawn), 2) for name, drawn in sources.items()},
            "medians": {name: {way: round(x, 1) for way, x in row.items()} for name, row in medians.items()},
            "repeats": {
                name: {way: [round(x, 1) for x in each] for way, each in row.items()} for name, row in results.items()
            },
        },
    )
    print(what)
    print(f"{'':20}" + "".join(f"{way:>20}{'ratio':>8}" for way in medians[source]))
    for name, row in medians.items():
        cells = "".join(f"{seconds:20.1f}{seconds / row['packed']:8.1f}" for seconds in row.values())
        print(f"{name:20}{cells}")


if __name__ == "__main__":
    main()
