"""N-grams beside a network: what the tweets of an account say again, word for word.

Two models come from one pass over the training tweets: Kneser-Ney over the tokens, and, where tokens are words,
Kneser-Ney over the characters, which knows what new words look like in their places. They can also count on: every
tweet is predicted from all that were written before it, and then counted with them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from suite_tweets.characters import Characters
from suite_tweets.ngrams import Distributions, Floats, Ints, KneserNey
from suite_tweets.tokens import END, UNKNOWN, Tokenizer, with_digits


class Counted(NamedTuple):
    """What n-grams say of each token of some texts, END after each.

    Attributes:
        nats: (token, model) -ln p by the n-grams of tokens and, if there are any, by those of characters; without the
            spelling of unknown words.
        known: (token, feature) see `known`.
    """

    nats: Tensor
    known: Tensor


class NGrams:
    """Kneser-Ney models of training texts.

    Args:
        texts: to count.
        tokenizer: of the texts.
        order: tokens of the longest n-grams.
        to_come: texts that will be counted later; their new words have numbers of their own.
        characters: whether those of words are counted too.
    """

    predictors: int
    features: int

    def __init__(
        self,
        texts: Sequence[str],
        tokenizer: Tokenizer,
        order: int,
        *,
        to_come: Sequence[str] = (),
        characters: bool = True,
    ) -> None:
        self._tokenizer = tokenizer
        new = {word for text in to_come for word in tokenizer.unknown(text)} if tokenizer.escape else set()
        self._new = {word: number for number, word in enumerate(sorted(new), start=tokenizer.size)}
        counted, coming = ([self._encode(text) for text in part] for part in (texts, to_come))
        self.model: KneserNey = KneserNey(counted, order=order, size=tokenizer.size + len(new), to_come=coming)
        characters = characters and tokenizer.whole_words
        self.predictors, self.features = 1 + characters, 2 * (order - 1)
        self._characters: Characters | None = None
        if characters:
            self._characters = Characters(self._letters(texts), to_come=self._letters(to_come))
        # Training texts meet all words of the vocabulary, so that nothing is known of unknown words alone.
        alone = bool(tokenizer.escape and len(texts))
        self.nothing: Floats = np.full(self.model.size, 0.0 if alone else 1 / tokenizer.size)
        if alone:
            self.nothing[UNKNOWN] = 1.0

    def _encode(self, text: str) -> list[int]:
        tokens = [END, *self._tokenizer.encode(text), END]
        if not self._new:
            return tokens
        unknown = iter(self._tokenizer.unknown(text))
        return [self._new.get(next(unknown), UNKNOWN) if token == UNKNOWN else token for token in tokens]

    def _letters(self, texts: Sequence[str]) -> list[str]:
        return [with_digits(text, self._tokenizer.digits) for text in texts]

    def scores(self, texts: Sequence[str]) -> Counted:
        """Return what is known of texts from the texts that were counted."""
        found = self.model.find([self._encode(text) for text in texts])
        tokens = found.grams[0]
        spelling = np.zeros(len(tokens))
        if self._tokenizer.whole_words:
            words = [word for text in texts for word in self._tokenizer.unknown(text)]
            unknown = (tokens == UNKNOWN) | (tokens >= self._tokenizer.size)
            spelling[unknown] = [self._tokenizer.spelling_nats(word) for word in words]
        # A new word that was counted has a probability of its own beside that of being spelt.
        spelt = np.where(tokens >= self._tokenizer.size, spelling, 0)
        nothing = np.where(tokens >= self._tokenizer.size, np.exp(-spelt) * self.nothing[UNKNOWN], self.nothing[tokens])
        with np.errstate(divide="ignore"):  # what n-grams call impossible, others of a mixture may not
            nats = [-np.log(self.model.probabilities(found, nothing)) - spelt]
        if self._characters is not None:
            nats.append(self._characters.words(self._characters.find(self._letters(texts))) - spelling)
        return Counted(torch.from_numpy(np.stack(nats, axis=1)), known(self.model, found.contexts))

    def counting_on(self, texts: Sequence[str]) -> Counted:
        """Return what is known of each text from all before it; count it then."""
        each = []
        for text in texts:
            each.append(self.scores([text]))
            self.model.count(self.model.find([self._encode(text)]))
            if self._characters is not None:
                self._characters.count(self._characters.find(self._letters([text])))
        return Counted(*(torch.cat(parts) for parts in zip(*each, strict=True)))

    def following(self, grams: Ints) -> tuple[Distributions, Tensor]:
        """Return the probabilities of all tokens, and what is known there (row, feature).

        Args:
            grams: (order, row) the n-grams that end with the last tokens, as of ``model.read``.
        """
        contexts = self.model.contexts(grams)
        return self.model.distributions(contexts, self.nothing), known(self.model, contexts)


def known(model: KneserNey, contexts: Ints) -> Tensor:
    """Return how much is known after contexts (order, token): numbers by which predictors can be weighed.

    Of each order but that of none how much is left to shorter contexts, and the logarithm of how often it was seen.
    """
    left, totals = model.left(contexts)
    return torch.from_numpy(np.concatenate((left[1:], np.log1p(totals[1:]) / math.log(1000))).T)
