"""What a trained model remembers of the tweets it was trained on, in three measures.

*Membership*: how well one can tell training tweets from held-out ones by the bits per character that the model needs
for them, as the area under the ROC curve, AUC: the probability that a training tweet needs fewer bits than a held-out
one (Yeom, Giacomelli, Fredrikson, Jha, 2018, arXiv:1709.01604). 0.5: not at all. Some tweets are easier than others
whatever the model; calibrated, a tweet's bits are less those of a model of characters which has read neither, but the
validation tweets, so that they say what reading it has brought (Watson, Guo, Cormode, Sablayrolles, 2022,
arXiv:2111.08440). That model alone is the control: its AUC is how much the two kinds of tweets differ by themselves.
The training tweets are the latest ones, those nearest in time to the held-out ones.

*Copies by prefix*: given the first words of a tweet, how many of the words after them the model goes on with, word for
word, when it takes the likeliest each time (Carlini et al., 2023, arXiv:2202.07646). Held-out tweets are the control.

*Exposure* of canaries, texts that were planted (``canaries``): with a rank r among n texts made up in the same way,

    exposure = log2(n + 1) - log2(r)

in bits (Carlini, Liu, Erlingsson, Kos, Song, 2019, arXiv:1802.08232, definition 2): 1.4 on average where nothing is
remembered, log2(n + 1) at most.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_suite.tables import clip, table
from suite_tweets.account import Account
from suite_tweets.canaries import Canary, made_up
from suite_tweets.scoring import TextScores, characters
from suite_tweets.spelling import Spelling
from suite_tweets.state import Reader
from suite_tweets.tokens import Tokenizer, with_digits
from suite_tweets.writing.generating import LIMIT
from suite_tweets.writing.rows import Writer, write_rows
from suite_tweets.writing.sampling import Sampling

PREFIXES = (1, 2, 4, 8)
"""Words that are given of a tweet."""

Score = Callable[[Sequence[str]], TextScores]
"""Says how well each of some texts is predicted, each read from nothing on: ``TweetModel.score``."""

_DRAWS, _TOGETHER, _EXAMPLES = 1000, 512, 3


class Membership(NamedTuple):
    """How well training tweets and held-out ones are told apart by a number of each.

    Attributes:
        name: of the number.
        auc: area under the ROC curve.
        low: lower end of its 95 % interval, by bootstrap over the tweets of both kinds.
        high: the upper end.
    """

    name: str
    auc: float
    low: float
    high: float


class Copied(NamedTuple):
    """How far a tweet is continued word for word.

    Attributes:
        text: of the tweet.
        prefix: words that were given.
        words: after them that are the tweet's own.
        whole: whether all to the end of the tweet are.
    """

    text: str
    prefix: int
    words: int
    whole: bool


class Exposed(NamedTuple):
    """A canary, how many times it was planted, and its exposure in bits."""

    text: str
    times: int
    exposure: float


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a model remembers.

    Attributes:
        bits: (tweet,) bits per character of training and held-out tweets, by the name of the kind.
        membership: by the model, calibrated, and the control.
        copies: of tweets of each kind.
        canaries: that were planted.
        most: exposure that can be measured at most.
    """

    bits: dict[str, NDArray[np.float64]]
    membership: list[Membership]
    copies: dict[str, list[Copied]]
    canaries: list[Exposed]
    most: float

    def report(self) -> str:
        """Return tables: membership, copies by prefix, exposure by how often canaries were planted."""
        parts = [table(["told apart by", "AUC", "from", "to (95 %)"], [_row(each) for each in self.membership])]
        rows = []
        for prefix in sorted({each.prefix for copies in self.copies.values() for each in copies}):
            for kind, copies in self.copies.items():
                of = [each for each in copies if each.prefix == prefix]
                words = [each.words for each in of]
                whole = 100 * np.mean([each.whole for each in of]) if of else math.nan
                mean, longest = (np.mean(words), max(words)) if of else (math.nan, 0)
                rows.append([str(prefix), kind, str(len(of)), f"{mean:.2f}", f"{longest}", f"{whole:.1f}"])
        columns = ["words given", "tweets that are", "tweets", "copied words, mean", "longest", "whole (%)"]
        parts.append(table(columns, rows))
        by_text = {each.text: each for each in sorted(self.copies["trained on"], key=lambda copied: copied.words)}
        longest_copies = sorted(by_text.values(), key=lambda copied: -copied.words)[:_EXAMPLES]
        shown = [[str(each.words), str(each.prefix), clip(each.text, 100)] for each in longest_copies if each.words]
        parts += [table(["copied words", "after", "longest copies"], shown)] if shown else []
        if self.canaries:
            times = sorted({canary.times for canary in self.canaries})
            lists = [[each.exposure for each in self.canaries if each.times == number] for number in times]
            cells = [
                [str(number), str(len(bits)), f"{np.mean(bits):.1f}", f"{self.most:.1f}"]
                for number, bits in zip(times, lists, strict=True)
            ]
            parts.append(table(["planted", "canaries", "exposure, mean (bits)", "at most"], cells))
        return "\n\n".join(parts)


def audit(
    score: Score,
    reader: Reader,
    tokenizer: Tokenizer,
    trained_on: Sequence[str],
    validation: Sequence[str],
    held_out: Sequence[str],
    *,
    canaries: Sequence[Canary] = (),
    candidates: int = 9999,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Audit:
    """Return what a model remembers.

    Args:
        score: how well it predicts texts.
        reader: what it writes with, in evaluation mode.
        tokenizer: the one it was trained with.
        trained_on: its training tweets, oldest first; as many of the latest as are held out count.
        validation: tweets by which at most its checkpoint was chosen.
        held_out: tweets that it has not seen.
        canaries: that were planted among the training tweets.
        candidates: made-up texts that each canary is ranked among.
        seed: of the candidates, and of the bootstrap.
        progress: is called with the number of texts that were read.
    """
    advance = progress or (lambda texts: None)
    members = trained_on[-len(held_out) :]
    kinds = {"trained on": members, "held out": held_out}
    bits = {kind: bits_of(score, texts, advance) for kind, texts in kinds.items()}
    sizes = {kind: np.array([characters(text) for text in texts]) for kind, texts in kinds.items()}
    spelling = Spelling(validation)
    reference = {kind: np.array([spelling.bits(" ".join(text.split())) for text in kinds[kind]]) for kind in kinds}
    signals = {
        "bits per character": {kind: bits[kind] / sizes[kind] for kind in kinds},
        "calibrated": {kind: (bits[kind] - reference[kind]) / sizes[kind] for kind in kinds},
        "without the model": {kind: reference[kind] / sizes[kind] for kind in kinds},
    }
    copies = {kind: copied(reader, tokenizer, texts, advance) for kind, texts in kinds.items()}
    ranked = exposures(score, trained_on, canaries, candidates, seed, advance) if canaries else []
    return Audit(
        bits=signals["bits per character"],
        membership=[Membership(name, *auc_interval(*of.values(), seed=seed)) for name, of in signals.items()],
        copies=copies,
        canaries=ranked,
        most=math.log2(candidates + 1),
    )


def bits_of(score: Score, texts: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.float64]:
    """Return the bits of each text and its end, read from zeros on, (text,)."""
    parts = []
    for begin in range(0, len(texts), _TOGETHER):
        some = texts[begin : begin + _TOGETHER]
        scores = score(some)
        parts.append((scores.nats / math.log(2) + scores.oov_bits).numpy())
        advance(len(some))
    return np.concatenate(parts) if parts else np.empty(0)


def auc(lower: NDArray[np.float64], higher: NDArray[np.float64]) -> float:
    """Return the probability that a number of the first kind is below one of the second; half of it for equal ones.

    Example:
        >>> auc(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        0.875
    """
    ordered = np.sort(higher)
    below, upto = (np.searchsorted(ordered, lower, side=side) for side in ("left", "right"))
    return float(1 - (below + upto).mean() / (2 * len(ordered)))


def auc_interval(
    lower: NDArray[np.float64], higher: NDArray[np.float64], *, seed: int, draws: int = _DRAWS
) -> tuple[float, float, float]:
    """Return the AUC, and its 95 % interval by bootstrap (percentiles; both kinds are drawn anew)."""
    generator = np.random.default_rng(seed)
    drawn = [auc(generator.choice(lower, len(lower)), generator.choice(higher, len(higher))) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return auc(lower, higher), low, high


def copied(reader: Reader, tokenizer: Tokenizer, texts: Sequence[str], advance: Callable[[int], None]) -> list[Copied]:
    """Return how far each text is continued word for word after its first words, by the likeliest token each time.

    A text of no more words than are given is left out.
    """
    sampling, generator = Sampling(temperature=0.0), torch.Generator().manual_seed(0)
    writer = Writer(reader, tokenizer, Account(), sampling, generator, None, LIMIT)
    found = []
    asked = [(text.split(), prefix) for prefix in PREFIXES for text in texts if len(text.split()) > prefix]
    for begin in range(0, len(asked), _TOGETHER):
        some = asked[begin : begin + _TOGETHER]
        given = [tokenizer.encode(" ".join(words[:prefix])) for words, prefix in some]
        with torch.inference_mode():
            rows = write_rows(writer, given)
        for (words, prefix), row in zip(some, rows, strict=True):
            own = tokenizer.decode(row.tokens).split()[prefix:]
            rest = with_digits(" ".join(words[prefix:]), tokenizer.digits).split()
            same = min(len(own), len(rest))
            same = next((i for i in range(same) if own[i] != rest[i]), same)
            found.append(Copied(" ".join(words), prefix, same, same == len(rest) == len(own) and row.ended))
        advance(len(some))
    return found


def exposures(
    score: Score,
    texts: Sequence[str],
    canaries: Sequence[Canary],
    candidates: int,
    seed: int,
    advance: Callable[[int], None],
) -> list[Exposed]:
    """Return the exposure of each canary, by its rank among others made up of the words of the training tweets."""
    words = len(canaries[0].text.split())
    planted = {canary.text for canary in canaries}
    others = [
        text
        for text in made_up(texts, candidates, words=words, seed=seed + 1_000_003)  # other ones than were planted
        if text not in planted
    ]
    ordered = np.sort(bits_of(score, others, advance))
    bits = bits_of(score, [canary.text for canary in canaries], advance)
    ranks = np.searchsorted(ordered, bits, side="left") + 1
    most = math.log2(len(ordered) + 1)
    return [
        Exposed(canary.text, canary.times, most - math.log2(rank))
        for canary, rank in zip(canaries, ranks.tolist(), strict=True)
    ]


def _row(membership: Membership) -> list[str]:
    return [membership.name, *(f"{number:.3f}" for number in membership[1:])]
