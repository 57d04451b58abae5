"""The commands on a trained model: write new tweets, and show what it remembers of its training tweets."""

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite import Run, load
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import write_text
from lightning_suite.needs import needs
from lightning_suite.progress import progress, say

if TYPE_CHECKING:
    from suite_tweets.module import TweetModel


def generate(
    run: str,
    *,
    n: int = 10,
    temperature: float | None = None,
    top_k: int = 0,
    top_p: float | None = None,
    seed: int = 0,
    no_repeat: int = 3,
    prompt: str | None = None,
    avoid_copies: int | None = None,
    limit: int = 280,
    output: str | None = None,
) -> None:
    """Write new tweets, one a line on standard output.

    A line break within a tweet is written as a space. The same options give the same tweets.

    Args:
        run: a run folder or a checkpoint.
        n: how many.
        temperature: below 1 likely words become likelier, above 1 unlikely ones do; at 0 the likeliest is always taken;
            by default the run's --model.temperature.
        top_k: draw from this many of the likeliest tokens only; 0: from all.
        top_p: draw from the fewest tokens whose probabilities add up to this; by default the run's --model.top_p.
        seed: another one gives other tweets.
        no_repeat: a run of this many words occurs only once in a tweet; 0: runs may be repeated.
        prompt: what each tweet begins with; by default a first word of the account's tweets is drawn.
        avoid_copies: discard tweets that share this many words in a row with a training tweet; 0: discard none; by
            default those that share more than 15 words in a row or more than 70 % of their words.
        limit: characters as X counts them; 280 at most.
        output: a file for the tweets, instead of standard output.

    Raises:
        UsageError: an option makes no sense, the run is not of this plugin, or too many tweets had to be refused.
        RunError: there is no such run.
        DataError: to avoid copies as asked, and the tweets of the training are not there any more.
    """
    with needs("writing tweets", "lightning-suite[tweets]"):
        from suite_tweets.writing.generating import LIMIT
    check({"n": [Interval(int, 1)]}, locals(), where="-")
    check({"limit": [Interval(int, 1, LIMIT)], "no_repeat": [Interval(int, 0)]}, locals(), where="--")
    check({"avoid_copies": [Interval(int, 0), None]}, locals(), where="--")
    path = None if output is None else Path(output).expanduser()
    if path is not None and not path.parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {path.parent}")
    if path is not None and path.exists():
        raise UsageError(f"--output {output} is there already: name another, or move it away")
    tweets = new_tweets(
        run,
        n,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        no_repeat=no_repeat,
        prompt=prompt,
        avoid_copies=avoid_copies,
        limit=limit,
    )
    lines = "".join(f"{' '.join(tweet.splitlines())}\n" for tweet in tweets)
    if path is None:
        print(lines, end="")
        return
    write_text(path, lines)
    print(f"tweets: {path}\nnext: suite analyse {shlex.quote(str(path))}")


def new_tweets(
    run: "str | os.PathLike[str]",
    n: int = 10,
    *,
    temperature: float | None = None,
    top_k: int = 0,
    top_p: float | None = None,
    seed: int = 0,
    no_repeat: int = 3,
    prompt: str | None = None,
    avoid_copies: int | None = None,
    limit: int = 280,
) -> list[str]:
    """Return new tweets, which `suite generate` prints; its options are explained there.

    Args:
        run: a run, whose model stays loaded; or a run folder or a checkpoint.
        n: how many.

    Raises:
        UsageError: the run is not of this plugin, or too many tweets had to be refused.
        ValueError: an option is out of its range.
        RunError: there is no such run.
        DataError: to avoid copies as asked, and the tweets of the training are not there any more.

    Example:
        new_tweets("runs/tweets/2026-01-31-120000-default", 3, prompt="The rocket", temperature=0.8)
    """
    from suite_tweets.writing.sampling import Sampling

    given = {name: value for name, value in (("temperature", temperature), ("top_p", top_p)) if value is not None}
    Sampling(top_k=top_k, no_repeat=no_repeat, **given)  # a mistake is told before anything is loaded
    module = load_writer(run)
    sampling = replace(module.sampling, top_k=top_k, no_repeat=no_repeat, **given)
    refused = _refusal(run, module, avoid_copies)
    with progress("writing", total=n, unit="tweets") as advance:
        tweets = module.write(n, sampling, seed=seed, prompt=prompt, refused=refused, limit=limit, progress=advance)
    if sampling.always_the_same and (different := len(set(tweets))) < n:
        say(
            f"{different} of {n} tweets {'is' if different == 1 else 'are'} different: the likeliest word is always "
            "taken. A --temperature above 0 varies them"
        )
    return tweets


def audit(run: str, *, output: str | None = None, candidates: int = 9999, seed: int = 0) -> None:
    """Show what a model remembers of its training tweets.

    How well training tweets are told from held-out ones, how far tweets are continued word for word after their first
    words, and the exposure of canaries where the run has planted some (--data.canaries 30). Print tables, and write
    pictures (PNG) with their numbers (CSV) into a folder.

    Args:
        run: a run folder or a checkpoint.
        output: the folder of the pictures; by default audit, in the run's folder.
        candidates: made-up texts that each canary is ranked among.
        seed: of these, and of the intervals.

    Raises:
        UsageError: an option makes no sense, or the run is not of this plugin.
        RunError: there is no such run.
        DataError: the tweets of the training are not there any more.
    """
    with needs("auditing a model", "lightning-suite[tweets]"):
        import matplotlib  # noqa: F401

        from suite_tweets import audit_pictures
        from suite_tweets.audit import PREFIXES
        from suite_tweets.audit import audit as audited
        from suite_tweets.data import read_again
    check({"candidates": [Interval(int, 1)]}, locals(), where="--")
    module = load_writer(run)
    folder = Path(output).expanduser() if output is not None else Run.at(run).folder / "audit"
    data, trained_on = read_again(run, module.account)
    held_out = [text for text in data.parts.test if not module.account.knows(text)]
    if not held_out:
        raise DataError(
            f"all {len(data.parts.test):,} tweets that would be held out were trained on: expected the file as it was "
            "when the run was trained, with its latest tweets",
            data.path or run,
        )
    planted = data.planted(trained_on)
    total = 2 * len(held_out) * (1 + len(PREFIXES)) + (len(planted) + candidates if planted else 0)
    with progress("auditing", total=total, unit="texts") as advance:
        result = audited(
            module.score,
            module.reader,
            module.tokenizer,
            trained_on,
            data.parts.validation,
            held_out,
            canaries=planted,
            candidates=candidates,
            seed=seed,
            progress=advance,
        )
    audit_pictures.write_membership(folder / "membership.png", result)
    audit_pictures.write_copies(folder / "copies.png", result)
    if planted:
        audit_pictures.write_exposure(folder / "exposure.png", result)
    print(f"{result.report()}\n\npictures: {folder}\nnext: suite generate {shlex.quote(run)} -n 10")


def load_writer(run: "str | os.PathLike[str]") -> "TweetModel":
    """Return the model of a run; that of a ``Run`` is the one that it has loaded.

    Raises:
        UsageError: it is a run of another plugin.
        RunError: there is no such run.
    """
    from suite_tweets.module import TweetModel

    module = run.model if isinstance(run, Run) else load(run)
    if not isinstance(module, TweetModel):
        raise UsageError(f"{os.fspath(run)} is a run of {type(module).__name__}, which writes no tweets")
    return module


def _refusal(
    run: "str | os.PathLike[str]", module: "TweetModel", avoid_copies: int | None
) -> Callable[[str], bool] | None:
    """Return what refuses copies of a run's training tweets, as the option of ``generate`` says."""
    from suite_tweets.data import training_texts
    from suite_tweets.quality import Copies
    from suite_tweets.tokens import with_digits

    if avoid_copies == 0:
        return None
    digits = module.tokenizer.digits
    try:
        copies = Copies(with_digits(text, digits) for text in training_texts(run, module.account))
    except DataError as error:
        if avoid_copies is not None:
            raise
        say(f"tweets are not compared with the training tweets, and may be copies: {error}")
        return None
    is_copy = copies.overlaps if avoid_copies is None else partial(copies.copied, n=avoid_copies)
    return lambda text: is_copy(with_digits(text, digits))
