"""What of a language model is exported: a step, from a token and the state before it to logits and the state after."""

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from lightning_suite.exporting.exportable import Exportable
from suite_tweets.state import Reader, State
from suite_tweets.tokens import UNKNOWN


class Step(nn.Module):
    """One step of a stack of LSTM layers, in plain operations.

    Args:
        embedding: (token, embedding_dim), that of UNKNOWN being what stands for it after training.
        lstms: the layers.
        softmax: the last layer's state to logits.
    """

    lstms: nn.ModuleList
    softmax: nn.Linear

    def __init__(self, embedding: Tensor, lstms: Sequence[nn.LSTM], softmax: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("embedding", embedding)
        self.lstms, self.softmax = nn.ModuleList(lstms), softmax

    @classmethod
    def of(cls, model: Any) -> "Step":
        """Return the step of a language model."""
        vectors = model.embedding
        table = vectors.weight.detach().clone()
        if len(vectors.once):  # what stands for UNKNOWN after training
            table[UNKNOWN] = table[vectors.once.start : vectors.once.stop].mean(dim=0)
        return cls(table, [lstm for lstm in model.lstms if isinstance(lstm, nn.LSTM)], model.softmax)

    def forward(self, tokens: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """(batch,), then h and c of each layer (batch, hidden_dim) -> logits (batch, token), then h and c after."""
        x = functional.embedding(tokens, self.get_buffer("embedding"))
        after: list[Tensor] = []
        for lstm, h, c in zip(self.lstms, states[::2], states[1::2], strict=True):
            weights = {
                name: lstm.get_parameter(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            }
            gates = functional.linear(x, weights["weight_ih"], weights["bias_ih"])
            gates = gates + functional.linear(h, weights["weight_hh"], weights["bias_hh"])
            i, f, g, o = gates.chunk(4, dim=1)  # input, forget, cell and output gate, in the order of torch's LSTM
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            x = o.sigmoid() * c.tanh()
            after += [x, c]
        return self.softmax(x), *after


def exportable(step: Step, reader: Reader, tokens: Sequence[str], left_out: str) -> Exportable:
    """Return what is exported of a language model.

    Args:
        step: on plain tensors.
        reader: what the model itself computes with, in evaluation mode.
        tokens: the spelling of each token.
        left_out: what the file does not do.
    """
    count = step.get_buffer("embedding").shape[0]
    widths = [lstm.hidden_size for lstm in step.lstms if isinstance(lstm, nn.LSTM)]
    names = [f"{part}_{layer}" for layer in range(len(widths)) for part in ("h", "c")]

    def reference(given: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        state: State = tuple((h[None], c[None]) for h, c in zip(states[::2], states[1::2], strict=True))
        logits, after = reader(given[None], state)
        return logits[0], *(each[0] for pair in after for each in pair)

    def sample(sizes: Sequence[int], generator: Generator) -> tuple[Tensor, ...]:
        given = torch.randint(count, (len(sizes),), generator=generator)
        given[torch.rand(len(sizes), generator=generator) < 0.05] = UNKNOWN
        states = [torch.randn(len(sizes), width, generator=generator).tanh() for width in widths for _ in ("h", "c")]
        return given, *states

    return Exportable(
        network=step,
        reference=reference,
        inputs={"tokens": {0: "batch"}, **{f"{name}_before": {0: "batch"} for name in names}},
        outputs=["logits", *(f"{name}_after" for name in names)],
        sample=sample,
        metadata={"tokens": json.dumps(list(tokens))},
        left_out=left_out,
    )
