"""What models of tweets remember: how well training tweets are told from held-out ones, copies, exposure of canaries.

    python -m benchmarks.tweets_audit ["NAME=RUN" ...]

RUN is a run of ``suite fit --plugin tweets --data.canaries 9``, or one of its checkpoints; NAME says what it is. The
measures are those of `suite_tweets.audit`. Prints one table and writes benchmarks/results/tweets_audit.json; without
RUN it prints what was measured.
"""

import argparse
import statistics
from typing import Any

import torch

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from lightning_suite import load
from suite_tweets.audit import PREFIXES, audit
from suite_tweets.data import read_again
from suite_tweets.module import TweetModel

KINDS = ("trained on", "held out")


def measured(run: str) -> dict[str, Any]:
    """Return AUCs with their intervals, copies by the words given, and exposures by the times planted."""
    model = load(run)
    assert isinstance(model, TweetModel)
    data, trained_on = read_again(run, model.account)
    parts = data.parts
    found = audit(
        model.score,
        model.reader,
        model.tokenizer,
        trained_on,
        parts.validation,
        parts.test,
        canaries=data.planted(trained_on),
    )
    whole = {
        kind: {str(given): [each.whole for each in found.copies[kind] if each.prefix == given] for given in PREFIXES}
        for kind in KINDS
    }
    exposures: dict[str, list[float]] = {}
    for canary in found.canaries:
        exposures.setdefault(str(canary.times), []).append(canary.exposure)
    return {
        "tweets": {kind: len(found.bits[kind]) for kind in KINDS},
        "auc": {each.name: each[1:] for each in found.membership},
        "whole": {kind: {given: statistics.mean(of) for given, of in whole[kind].items() if of} for kind in KINDS},
        "longest": {kind: max(each.words for each in found.copies[kind]) for kind in KINDS},
        "exposure": {times: statistics.mean(bits) for times, bits in exposures.items()},
        "most": found.most,
    }


def table(results: dict[str, Any]) -> str:
    """Return AUC with its interval, tweets continued whole after four words, longest copies, exposure by planting."""
    rows = []
    for name, values in results["runs"].items():
        aucs = [
            f"{middle:.3f} ({low:.3f} to {high:.3f})"
            for middle, low, high in (values["auc"][signal] for signal in ("bits per character", "calibrated"))
        ]
        whole = " / ".join(f"{100 * values['whole'][kind].get('4', 0):.0f} %" for kind in KINDS)
        longest = " / ".join(str(values["longest"][kind]) for kind in KINDS)
        bits = ", ".join(f"{exposure:.1f}" for exposure in values["exposure"].values())
        rows.append([name, *aucs, whole, longest, bits])
    columns = ["", "AUC by bits per character", "calibrated", "whole after 4 words, trained on / held out"]
    return markdown([*columns, "longest copy (words)", "exposure by times planted (bits)"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN")
    arguments = parser.parse_args()
    results = {"runs": recorded("tweets_audit").get("runs", {})}
    torch.set_num_threads(1)
    for named in arguments.runs:
        name, run = named.split("=", maxsplit=1)
        results["runs"][name] = measured(run)
    if arguments.runs:
        record("tweets_audit", results)
    print(table(results))


if __name__ == "__main__":
    main()
