"""The second measure of a test: each tweet predicted by a model that goes on learning from those before it.

A network has a cache of what it read (``memory``), or learns from every tweet (``dynamic``), or both; n-grams go on
counting (``mixture.CountingOn``). How much each of these weighs is chosen on the validation tweets.
"""

from collections.abc import Callable, Sequence

from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from suite_tweets.dynamic import Dynamic
from suite_tweets.memory import Cache
from suite_tweets.mixture import CountingOn
from suite_tweets.scoring import TokenScores


class GoingOn:
    """Predicts tweets in their order, each by what is known before it. Needs a network and a window, or n-grams.

    Args:
        scores: returns a network's scores of the tokens of texts, if there is a network.
        train: the texts that were learnt; the cache begins with the last of them.
        validation: the texts after those, which choose the weights.
        window: tokens of the cache; 0: no cache.
        dynamic: the network as one that goes on learning, if it does.
        counting: n-grams that go on counting, if there are any.
    """

    def __init__(
        self,
        scores: Callable[[Sequence[str]], TokenScores | None],
        train: Sequence[str],
        validation: Sequence[str],
        *,
        window: int,
        dynamic: Dynamic | None,
        counting: CountingOn | None,
    ) -> None:
        self._dynamic, self._counting, self._cache = dynamic, counting, None
        # A token and an END are in each text at least, so that these are enough to fill the window.
        before = scores(train[-(window // 2) - 1 :])
        older = None if before is None else before.memory
        latest = dynamic.scores(validation) if dynamic else scores(validation)
        if counting is not None:
            counting.begin(latest, older, window)
        elif latest is not None and older is not None:
            self._cache = cache = Cache(latest.nats, latest.memory, older, window=window)
            said = f"flatness {cache.flatness}, weight {cache.weight}, by validation"
            rank_zero_info(f"cache of {window:,} tokens: {said}")

    def nats(self, texts: Sequence[str], network: TokenScores | None) -> Tensor:
        """Return -ln p of each token of the next texts, (token,) double.

        Args:
            texts: the next texts.
            network: the scores of the network as it was trained, if there is one.
        """
        if self._dynamic is not None:
            network = self._dynamic.scores(texts)
        if self._counting is not None:
            return self._counting.nats(texts, network)
        assert self._cache is not None and network is not None
        return self._cache.nats(network.nats, network.memory)
