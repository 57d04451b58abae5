"""Pictures of what a model remembers (PNG), each with its numbers beside it (CSV)."""

from pathlib import Path

import numpy as np

from lightning_suite.pictures import COLOURS, GREY, drawing, numbers_of
from suite_tweets.audit import Audit


def write_membership(picture: Path, audit: Audit) -> Path:
    """Draw which share of the tweets needs fewer bits per character, trained on and held out; return the numbers' file.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [(kind, bits) for kind, numbers in audit.bits.items() for bits in np.sort(numbers).tolist()]
    told_apart = audit.membership[0]
    with drawing(picture, ["tweets", "bits_per_char"], rows, width=6.5, height=4.2) as figure:
        axes = figure.subplots()
        for colour, (kind, numbers) in zip(COLOURS, audit.bits.items(), strict=False):
            axes.ecdf(numbers, color=colour, label=f"{kind} ({len(numbers):,})")
        axes.set_xlabel("bits per character")
        axes.set_ylabel("share of the tweets with fewer bits")
        interval = f"{told_apart.low:.3f} to {told_apart.high:.3f}"
        axes.set_title(f"Tweets told apart by their bits: AUC {told_apart.auc:.3f} ({interval})", loc="left")
        axes.legend(loc="lower right")
    return numbers_of(picture)


def write_copies(picture: Path, audit: Audit) -> Path:
    """Draw how many words after given ones are the tweet's own, trained on and held out; return the numbers' file.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [(kind, *copied) for kind, copies in audit.copies.items() for copied in copies]
    with drawing(picture, ["tweets", "text", "given", "copied", "whole"], rows, width=6.5, height=4.2) as figure:
        axes = figure.subplots()
        for colour, (kind, copies) in zip(COLOURS, audit.copies.items(), strict=False):
            prefixes = sorted({copied.prefix for copied in copies})
            means = [np.mean([each.words for each in copies if each.prefix == prefix]) for prefix in prefixes]
            axes.plot(prefixes, means, color=colour, marker="o", label=kind)
        axes.set_ylim(0)
        axes.set_xlabel("words that are given of a tweet")
        axes.set_ylabel("words after them word for word, mean")
        axes.set_title("How far tweets are continued word for word", loc="left")
        axes.legend()
    return numbers_of(picture)


def write_exposure(picture: Path, audit: Audit) -> Path:
    """Draw the exposure of canaries by how many times they were planted; return the numbers' file.

    Raises:
        OutputError: a file cannot be written.
    """
    with drawing(picture, ["text", "planted", "exposure"], audit.canaries, width=6.5, height=4.2) as figure:
        axes = figure.subplots()
        times, bits = ([canary[column] for canary in audit.canaries] for column in (1, 2))
        axes.plot(times, bits, "o", color=COLOURS[0], alpha=0.6)
        axes.axhline(audit.most, color=GREY, linewidth=0.9, linestyle="--", label="at most")
        axes.axhline(1 / np.log(2), color=GREY, linewidth=0.9, linestyle=":", label="where nothing is remembered, mean")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted(set(times)), [str(number) for number in sorted(set(times))])
        axes.set_ylim(0, 1.1 * audit.most)
        axes.set_xlabel("times planted")
        axes.set_ylabel("exposure (bits)")
        axes.set_title("Exposure of canaries", loc="left")
        axes.legend(loc="center right")
    return numbers_of(picture)
