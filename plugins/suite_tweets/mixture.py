"""Several predictors of the next token, weighed by what is known where it stands.

    p(w) = sum of g_k(context) p_k(w) over the predictors k,      g(context) = softmax(G f(context))

f(context) says how sure the network is and how often the n-grams have seen the last tokens; G, a few numbers a
predictor, is what predicts the validation tweets best (a mixture of experts: Jacobs, Jordan, Nowlan, Hinton: "Adaptive
Mixtures of Local Experts", Neural Computation 3, 1991). Each p_k and so p is a distribution, whatever the weights are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from suite_tweets.counting import Counted, NGrams
from suite_tweets.memory import Cache, Memory, cache_probability
from suite_tweets.ngrams import NONE
from suite_tweets.scoring import TokenScores, known_probabilities
from suite_tweets.state import Reader, State
from suite_tweets.tokens import UNKNOWN, Tokenizer

SMALL_WEIGHTS = 1e-4
"""What the squares of G cost, in nats a token: keeps it finite where a predictor is never right."""


class Predicted(NamedTuple):
    """What predictors say of each token of some texts.

    Attributes:
        nats: (token, predictor) double, -ln p by each; inf where it thinks the token impossible.
        context: (token, feature) double, what is known before the token; its first column is 1.
    """

    nats: Tensor
    context: Tensor

    def and_then(self, later: "Predicted") -> "Predicted":
        """Return both, one after the other."""
        return Predicted(torch.cat((self.nats, later.nats)), torch.cat((self.context, later.context)))

    def mixed(self, gate: Tensor) -> Tensor:
        """Return -ln p of each token by all predictors, weighed by G (predictor, feature)."""
        return -torch.logsumexp((self.context @ gate.double().T).log_softmax(dim=1) - self.nats, dim=1)


def combined(network: TokenScores | None, *counted: Counted, cache: Tensor | None = None) -> Predicted:
    """Return what the network, n-grams and, (token,), a cache's probabilities say of the same tokens together."""
    nats = [each.nats for each in counted]
    context = [torch.ones(len(nats[0]), 1, dtype=torch.float64), *(each.known for each in counted)]
    if network is not None:
        nats.insert(0, network.nats.cpu()[:, None])
        context.append(network.sureness.cpu().double())
    if cache is not None:
        nats.append(-cache.cpu()[:, None].log())
    return Predicted(torch.cat(nats, dim=1), torch.cat(context, dim=1))


def initial_gate(network: Reader | None, ngrams: NGrams) -> Tensor:
    """Return G (predictor, feature) of zeros: equal weights."""
    return torch.zeros(
        ngrams.predictors + (network is not None), 1 + ngrams.features + 2 * (network is not None)
    ).double()


def fitted_gate(predicted: Predicted) -> Tensor:
    """Return G (predictor, feature) that predicts best what was predicted, from equal weights on.

    Example:
        >>> nats = torch.tensor([[1.0, 3.0], [3.0, 1.0]]).repeat(50, 1).double()
        >>> context = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).repeat(50, 1).double()
        >>> tells = Predicted(nats, context)
        >>> bool(tells.mixed(fitted_gate(tells)).mean() < 1.1)
        True
    """
    with torch.inference_mode(False), torch.enable_grad():
        known = Predicted(*(part.clone() for part in predicted))
        sizes = (known.nats.shape[1], known.context.shape[1])
        gate = torch.zeros(*sizes, dtype=torch.float64, requires_grad=True)
        search = torch.optim.LBFGS([gate], max_iter=200, line_search_fn="strong_wolfe")

        def loss() -> float:
            search.zero_grad()
            value = known.mixed(gate).mean() + SMALL_WEIGHTS * gate.square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return float(value.detach())

        if sizes[0] > 1 and len(known.nats):
            search.step(loss)  # type: ignore[no-untyped-call]
    return gate.detach()


class CountingOn:
    """Predicts texts in their order, each from all that were written before it.

    The n-grams count on; others count only what comes after the training texts, for what is talked about lately; and
    a network has a cache.

    Args:
        counted: the training texts.
        tokenizer: of the texts.
        order: of the n-grams.
        validation: the texts after those, on which the weights are chosen.
        to_come: the texts after these.
    """

    def __init__(
        self,
        counted: Sequence[str],
        tokenizer: Tokenizer,
        order: int,
        *,
        validation: Sequence[str],
        to_come: Sequence[str],
    ) -> None:
        later = [*validation, *to_come]
        self._ngrams = (
            NGrams(counted, tokenizer, order, to_come=later),
            NGrams((), tokenizer, order, to_come=later, characters=False),
        )
        self._validation = validation
        self._cache: Cache | None = None
        self._gate: Tensor

    def begin(self, network: TokenScores | None, older: Memory | None, window: int) -> None:
        """Choose the weights.

        Args:
            network: its scores of the validation texts, if there is a network.
            older: what it read before those.
            window: tokens of the cache; 0: no cache.
        """
        shares = None
        if network is not None and older is not None and window:
            self._cache = Cache(network.nats, network.memory, older, window=window)
            shares = cache_probability(network.memory, older, window=window, flatness=self._cache.flatness)
        self._gate = fitted_gate(self._predicted(self._validation, network, shares))

    def nats(self, texts: Sequence[str], network: TokenScores | None) -> Tensor:
        """Return -ln p of each token of the next texts, (token,) double."""
        shares = self._cache.probability(network.memory) if self._cache and network is not None else None
        return self._predicted(texts, network, shares).mixed(self._gate)

    def _predicted(self, texts: Sequence[str], network: TokenScores | None, shares: Tensor | None) -> Predicted:
        return combined(network, *(ngrams.counting_on(texts) for ngrams in self._ngrams), cache=shares)


class Mixture:
    """Network and n-grams as one reader, for writing. Characters have no part in it: they would invent words.

    Args:
        network: None: n-grams alone.
        ngrams: of the training tweets.
        gate: (predictor, feature) see `fitted_gate`.
        escape: of the tokens, see ``tokens.Tokenizer``.
    """

    def __init__(self, network: Reader | None, ngrams: NGrams, gate: Tensor, escape: float) -> None:
        self._network, self._ngrams, self._escape = network, ngrams, escape
        self._gate = gate.cpu()[: 1 if network is None else 2]
        self.training = network is not None and network.training

    def train(self, mode: bool = True) -> None:
        """Turn dropout on or off."""
        self.training = mode
        if self._network is not None:
            self._network.train(mode)

    def initial_state(self, batch: int) -> State:
        """Return the network's, and after its layers the n-grams that end with the last token, of which is none."""
        grams = torch.full((1, batch, self._ngrams.model.order), NONE)
        return (*(self._network.initial_state(batch) if self._network is not None else ()), (grams,))

    def __call__(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(time, batch) tokens -> ln p (time, batch, token) of the token after each, and the state after the last."""
        after: State = ()
        if self._network is not None:
            logits, after = self._network(tokens, state[:-1])
        grams = state[-1][0][0].cpu().numpy().T  # order batch
        mixed = []
        for step, now in enumerate(tokens.cpu().numpy()):
            grams = self._ngrams.model.read(grams, now)
            counted, known = self._ngrams.following(grams)
            context = [torch.ones(len(known), 1), known.float()]
            if self._network is not None:
                probabilities, sure = (each.cpu() for each in known_probabilities(logits[step].float(), self._escape))
                context.append(sure)
            weights = (torch.cat(context, dim=1) @ self._gate.float().T).softmax(dim=1)
            if self._network is None:
                probabilities = torch.zeros(len(known), len(counted.single))
            else:
                probabilities *= weights[:, :1] * (1 - self._escape)
                if self._escape:
                    probabilities[:, UNKNOWN] = weights[:, 0] * self._escape
            counted.add_to(probabilities, weights[:, -1])
            mixed.append(probabilities.log_())
        return torch.stack(mixed), (*after, (torch.from_numpy(np.ascontiguousarray(grams.T))[None],))
