"""What of a sentence classifier is exported: the look-up of words, the encoder and the classifier."""

import json
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from lightning_suite.exporting.exportable import Exportable
from lightning_suite.offsets import offsets_of
from suite_dsa.tokens import word_pattern
from suite_dsa.vectors.side_by_side import SideBySide
from suite_dsa.vocabulary import UNKNOWN, Vocabulary

LONGEST = 120
"""Words of the longest sentences that are compared."""


class LookUp(nn.Module):
    """The vectors of words, from tables in which every word has as many rows: of sources side by side, padded.

    Args:
        vectors: (row, word_dim) of all words, or
        sources: the tables of several sources.
        changes: what training has added to the vectors of the first words.

    Attributes:
        rows: how many words there are.
    """

    def __init__(self, vectors: Tensor | None, sources: SideBySide | None, changes: nn.Embedding | None) -> None:
        super().__init__()
        self.changes = changes
        self.vectors: Tensor | None
        self.register_buffer("vectors", vectors)
        self.rows = 0 if vectors is None else len(vectors)
        self.sources: int = 0 if sources is None else sources.sources
        for i in range(self.sources):
            assert sources is not None
            offsets, rows = sources.get_buffer(f"offsets_{i}").long(), sources.get_buffer(f"rows_{i}")
            counts = offsets.diff()
            self.rows = len(counts)
            place = torch.arange(max(1, int(counts.max())))
            there = place < counts[:, None]  # word place
            padded = torch.zeros(there.shape, dtype=rows.dtype)
            padded[there] = rows
            self.register_buffer(f"table_{i}", sources.get_buffer(f"table_{i}"))
            self.register_buffer(f"rows_{i}", padded)
            self.register_buffer(f"counts_{i}", counts.to(torch.int32))

    def forward(self, rows: Tensor) -> Tensor:
        """(word,) -> (word, word_dim)."""
        words = self._side_by_side(rows) if self.vectors is None else functional.embedding(rows, self.vectors)
        if self.changes is None:
            return words
        changed: Tensor = self.changes(rows.where(rows < self.changes.num_embeddings, UNKNOWN))
        return words + changed

    def _side_by_side(self, words: Tensor) -> Tensor:
        blocks, flags = [], []
        for i in range(self.sources):
            counts = functional.embedding(words, self.get_buffer(f"counts_{i}")[:, None])  # word 1
            at = functional.embedding(words, self.get_buffer(f"rows_{i}"))  # word place
            vectors = functional.embedding(at, self.get_buffer(f"table_{i}")).float()  # word place dim
            there = torch.arange(at.shape[1], device=at.device) < counts
            total = (vectors * there[:, :, None]).sum(1).half()  # torch's own mean rounds here too
            blocks.append((total.float() / counts.clamp_min(1)).half().float())
            flags.append((counts > 0).float())
        return torch.cat([*blocks, *flags], dim=1)


class OfWords(nn.Module):
    """The logits of sentences, or of pairs of sentences, from the rows of their words.

    Args:
        look_up: the vectors of words.
        encoder: words to sentences.
        classify: sentences, of a pair both, to logits.
        parts: the networks in it.
    """

    look_up: LookUp
    encoder: nn.Module

    def __init__(
        self, look_up: LookUp, encoder: nn.Module, classify: Callable[..., Tensor], parts: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.look_up, self.encoder, self.classify = look_up, encoder, classify
        self.parts: nn.ModuleList = nn.ModuleList(parts)

    def forward(self, *columns: Tensor) -> Tensor:
        """(word,), (sentence + 1,), of pairs twice -> (sentence, class)."""
        pairs = zip(columns[::2], columns[1::2], strict=True)
        return self.classify(*(self.encoder(self.look_up(rows), offsets) for rows, offsets in pairs))


def exportable(
    network: OfWords,
    logits: Callable[[Tensor, Tensor], Tensor],
    vocabulary: Vocabulary,
    labels: Sequence[str],
    columns: int,
    tokenizer: str,
) -> Exportable:
    """Return what is exported of a classifier.

    Args:
        network: on plain tensors.
        logits: what the classifier computes from the rows of a batch and its offsets.
        vocabulary: the rows of words.
        labels: the names of the classes.
        columns: 1, or 2 of pairs.
        tokenizer: the name of what splits texts into words.
    """

    def reference(*given: Tensor) -> Tensor:
        first, *others = given[1::2]
        offsets = torch.cat([first, *(each[1:] + first[-1] for each in others)])
        return logits(torch.cat(given[::2]), offsets)

    def sample(sizes: Sequence[int], generator: Generator) -> tuple[Tensor, ...]:
        given: list[Tensor] = []
        for column in range(columns):
            offsets = offsets_of(torch.tensor([*sizes[column:], *sizes[:column]]))
            given += [torch.randint(network.look_up.rows, (int(offsets[-1]),), generator=generator), offsets]
        return tuple(given)

    names = ["words"] if columns == 1 else ["premise", "hypothesis"]
    kind = "sentence" if columns == 1 else "pair"
    inputs: dict[str, dict[int, str]] = {}
    for name in names:
        inputs |= {name: {0: name}, f"{name}_offsets": {0: f"{kind} + 1"}}
    return Exportable(
        network=network,
        reference=reference,
        inputs=inputs,
        outputs=["logits"],
        sample=sample,
        sizes=(0, LONGEST),
        metadata={
            "labels": json.dumps(list(labels)),
            "tokenizer": tokenizer,
            "word_pattern": word_pattern(tokenizer),
            "vocabulary": json.dumps(vocabulary.rows()),
        },
        left_out=f"splitting text into words (tokenizer {tokenizer}) and their rows, which the metadata name; "
        "logits, not probabilities, come out",
    )
