"""Lengths of tweets: which tweet takes which of the wanted lengths, and where a text may be cut."""

import re
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from suite_tweets.account import weighted_length

# Where a text may be cut: at white space, and beside a character of Chinese or Japanese, which put none between words.
_BOUNDARY = re.compile("\\s+|(?=[\u3040-\u30ff\u3400-\u9fff])|(?<=[\u3040-\u30ff\u3400-\u9fff])")


def match_lengths(lengths: Sequence[int], candidates: Sequence[int]) -> list[int]:
    """Return for each length another candidate, such that the sum of the differences is smallest.

    In one dimension the best pairs are in order: the i-th smallest length takes a candidate after that of the one
    before it, which dynamic programming finds in len(lengths) passes over the candidates.

    Args:
        lengths: wanted.
        candidates: what there is, at least as many.

    Returns:
        The index of the candidate of each length.

    Example:
        >>> match_lengths([40, 140], [130, 20, 45])
        [2, 0]
    """
    by_length, by_candidate = np.argsort(lengths, kind="stable"), np.argsort(candidates, kind="stable")
    offered = np.asarray(candidates, dtype=np.int64)[by_candidate]
    far = np.int64(2**40)
    before = np.zeros(len(offered) + 1, dtype=np.int64)  # least sum with the first j candidates
    sums = []
    for wanted in np.asarray(lengths, dtype=np.int64)[by_length]:
        with_this = before[:-1] + np.abs(offered - wanted)  # the last of the first j + 1 candidates is taken
        sums.append(with_this)
        before = np.concatenate(([far], np.minimum.accumulate(with_this)))
    taken = [0] * len(sums)
    end = len(offered)
    for rank in reversed(range(len(sums))):
        end = int(np.argmin(sums[rank][:end]))
        taken[int(by_length[rank])] = int(by_candidate[end])
    return taken


def cut_at_word(text: str, length: int, *, start: int = 0) -> str:
    """Return the first words of a text that fit into a length, at least one after its first ``start`` characters.

    Its last word is never among them: it may be half written. Empty when there is no other.

    Example:
        >>> cut_at_word("one two three", 9)
        'one two'
    """
    ends = [match.start() for match in _BOUNDARY.finditer(text, start) if start < match.start() < len(text)]
    fitting = bisect_right(ends, length, key=lambda end: weighted_length(text[:end]))
    return text[: ends[max(fitting - 1, 0)]].rstrip() if ends else ""
