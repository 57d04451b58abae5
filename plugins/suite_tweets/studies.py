"""The commands of the plugin: collect tweets, analyse them, write new ones with a trained model, and audit it."""

import shlex
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lightning_suite import load
from lightning_suite.assets import fetch
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import write_text
from lightning_suite.needs import needs
from lightning_suite.progress import progress, say, track
from lightning_suite.run import Run
from lightning_suite.text_files import bare_name
from suite_tweets import analysis, cleaning, pictures, report
from suite_tweets.account import Account
from suite_tweets.collecting.accounts import account_name, file_of
from suite_tweets.collecting.choice import Choice, parse_moment
from suite_tweets.collecting.from_api import collect_from_api
from suite_tweets.collecting.from_file import collect_from_file
from suite_tweets.collecting.output import summary
from suite_tweets.languages import languages
from suite_tweets.sources.rated_tweets import RATED_TWEETS, rated_tweets
from suite_tweets.sources.reading import read
from suite_tweets.tweets import write_tweets

if TYPE_CHECKING:
    from suite_tweets.module import TweetModel


def collect(
    account: str,
    *,
    output: str | None = None,
    limit: int | None = None,
    retweets: bool = True,
    replies: bool = True,
    since: str | None = None,
    until: str | None = None,
    text_column: str | None = None,
    time_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
) -> None:
    """Collect an account's tweets into a CSV file: from the X API, or from a file.

    The file has id, created_at and text. The API gives an account's newest 3,200 tweets, newest first. It wants a
    bearer token in the environment (X_BEARER_TOKEN). An interrupted call goes on where it stopped when it is made
    again; a later one adds the tweets that are newer. LIGHTNING_SUITE_X_API sets another address of the API, such as a
    proxy's.

    Args:
        account: name, @name or https://x.com/name; or a file: an X archive (tweets.js, its folder or .zip), JSONL, CSV.
        output: the CSV file; by default ACCOUNT.csv in the working directory.
        limit: at most this many tweets: the newest of an account, the first of a file; by default all.
        retweets: whether to include retweets.
        replies: whether to include replies to others; threads of the account's own are no replies.
        since: a date or a time (UTC unless it says otherwise); no older tweets.
        until: a date or a time; no newer tweets.
        text_column: name of a file's column or key with the text, where it is none of the usual names.
        time_column: name of the one with the time.
        id_column: name of the one with the number of the tweet.
        encoding: of a file that is not Unicode, such as cp1251.

    Raises:
        UsageError: an option makes no sense, there is no token, or another file is in the way.
        ApiError: the X API refuses or cannot be reached; what was collected is kept.
        DataError: a file cannot be read.
    """
    choice = Choice(
        limit=limit,
        retweets=retweets,
        replies=replies,
        since=parse_moment(since, "--since"),
        until=parse_moment(until, "--until"),
    )
    source = file_of(account)
    if source is None:
        if text_column or time_column or id_column or encoding:
            raise UsageError(
                f"--text_column, --time_column, --id_column and --encoding are for files, and {account!r} is none"
            )
        name = account_name(account)
        written = Path(output or f"{name}.csv").expanduser()
        tweets = collect_from_api(name, written, choice)
    else:
        written = Path(output or f"{source.resolve().name.split('.')[0]}.csv").expanduser()
        contents = read(
            source, text_column=text_column, time_column=time_column, id_column=id_column, encoding=encoding
        )
        tweets = collect_from_file(source, written, choice, contents)
    print(summary(tweets, written))
    print(f"next: suite analyse {shlex.quote(str(written))}")


def analyse(
    file: str,
    *,
    output: str | None = None,
    rules: Literal["paper", "modern", "none"] = "paper",
    words: int = 20,
    clean: bool = False,
    examples: int = 5,
    text_column: str | None = None,
    time_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
) -> None:
    """Show what an account's tweets are like: lengths, languages, words, and what training on them would lose.

    Print tables, and write pictures (PNG) with their numbers (CSV) into a folder, and the cleaned tweets (cleaned.csv).

    Args:
        file: CSV, JSON, JSONL, text, or an X archive; or default: the tweets of the recipe default.
        output: the folder of the pictures; by default the file's name and -analysis, in the working directory.
        rules: of cleaning, before words are counted.
        words: how many of the most frequent words are shown.
        clean: also show how many tweets each rule changes, and some tweets before and after.
        examples: how many of these tweets are shown.
        text_column: name of the column or key with the text, where it is none of the usual names.
        time_column: name of the one with the time.
        id_column: name of the one with the number of the tweet.
        encoding: of a file that is not Unicode, such as cp1251.

    Raises:
        UsageError: an option makes no sense, or a package is missing.
        DataError: the file cannot be read, or holds no tweet.
        AssetError: the default tweets cannot be fetched.
    """
    with needs("analysing tweets", "lightning-suite[tweets]"):
        import matplotlib  # noqa: F401
        import py3langid  # noqa: F401
    check({"words": [Interval(int, 1)], "examples": [Interval(int, 1)]}, locals(), where="--")
    path = Path(file).expanduser()
    folder = Path(output or f"{Path(bare_name(path.resolve())).stem or 'tweets'}-analysis").expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--output {folder}: expected a folder, this is a file")
    columns = {"text_column": text_column, "time_column": time_column, "id_column": id_column, "encoding": encoding}
    is_default = file == "default" and not path.exists()
    tweets = rated_tweets(fetch(RATED_TWEETS)) if is_default else read(path, **columns)
    name = "tweets of the recipe default" if is_default else path.name

    texts = [tweet.text for tweet in tweets]
    cleaned = [cleaning.clean(text, cleaning.RULE_SETS[rules]) for text in track(texts, "cleaning", unit="tweets")]
    spoken = Counter(languages(track(texts, "detecting languages", unit="tweets")))
    split = [text.split() for text in cleaned]
    characters = {"characters": np.array([len(text) for text in texts])}
    lengths = {"words": np.array([len(text.split()) for text in texts])}
    if cleaning.RULE_SETS[rules]:
        lengths[f"words cleaned ({rules})"] = np.array(list(map(len, split)))
    trained = [*lengths.values()][-1]
    frequent = {
        "all words": analysis.frequent(split, words),
        "of 4 letters and more": analysis.frequent(split, words, letters=4),
    }

    print(report.heading(name, tweets))
    print(f"\n{report.lengths(characters | lengths)}")
    print(f"\n{report.tweets_of_kinds(texts)}")
    print(f"\n{report.tweets_of_languages(spoken)}")
    print(f"\n{report.words(frequent)}")
    if clean:
        print(f"\n{report.cleaning(texts, cleaned, rules, examples)}")

    title = f"Characters per tweet, {name}"
    pictures.write_histogram(folder / "characters.png", characters, title, "characters", pictures.LIMITS)
    pictures.write_histogram(folder / "words.png", lengths, f"Words per tweet, {name}", "words")
    pictures.write_words(folder / "words_frequent.png", frequent, f"Most frequent words, {name}")
    pictures.write_shares(folder / "languages.csv", spoken)
    kept = [tweet._replace(text=text) for tweet, text in zip(tweets, cleaned, strict=True)]
    write_tweets(folder / "cleaned.csv", kept)
    written = f"pictures: {folder}\ncleaned tweets: {folder / 'cleaned.csv'}"
    if not trained.any():
        print(f"\nno tweet has a word (--rules {rules}): there is nothing to train on\n{written}")
        return
    losses = analysis.losses(trained)
    pictures.write_losses(folder / "seq_length.png", losses, analysis.advised(trained))
    print(f"\n{report.training_sets(trained, losses)}\n\n{written}")
    chosen = {
        "path": None if is_default else file,
        "cleaning": None if rules == "paper" else rules,
        **columns,
        "seq_length": f"{analysis.advised(trained)}",
    }
    options = [f" --data.{option} {shlex.quote(value)}" for option, value in chosen.items() if value is not None]
    print(f"next: suite fit --plugin tweets --recipe model-1{''.join(options)}")


def generate(
    run: str,
    *,
    n: int = 10,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
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
        temperature: below 1 likely words become likelier, above 1 unlikely ones do; at 0 the likeliest is always taken.
        top_k: draw from this many of the likeliest tokens only; 0: from all.
        top_p: draw from the fewest tokens whose probabilities add up to this.
        seed: another one gives other tweets.
        no_repeat: so many words in a row come but once in a tweet; 0: they may come again.
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
        from suite_tweets.writing.sampling import Sampling
    check({"n": [Interval(int, 1)]}, locals(), where="-")
    check({"limit": [Interval(int, 1, LIMIT)], "no_repeat": [Interval(int, 0)]}, locals(), where="--")
    check({"avoid_copies": [Interval(int, 0), None]}, locals(), where="--")
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, no_repeat=no_repeat)
    path = None if output is None else Path(output).expanduser()
    if path is not None and not path.parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {path.parent}")
    if path is not None and path.exists():
        raise UsageError(f"--output {output} is there already: name another, or move it away")
    module = load_writer(run)
    refused = _refusal(run, module.account, avoid_copies)
    with progress("writing", total=n, unit="tweets") as advance:
        tweets = module.write(n, sampling, seed=seed, prompt=prompt, refused=refused, limit=limit, progress=advance)
    if sampling.always_the_same and (different := len(set(tweets))) < n:
        say(
            f"{different} of {n} tweets {'is' if different == 1 else 'are'} different: the likeliest word is always "
            "taken. A --temperature above 0 varies them"
        )
    lines = "".join(f"{' '.join(tweet.splitlines())}\n" for tweet in tweets)
    if path is None:
        print(lines, end="")
        return
    write_text(path, lines)
    print(f"tweets: {path}\nnext: suite analyse {shlex.quote(str(path))}")


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
    planted = data.planted()
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


def load_writer(run: str) -> "TweetModel":
    """Return the model of a run.

    Raises:
        UsageError: it is a run of another plugin.
        RunError: there is no such run.
    """
    from suite_tweets.module import TweetModel

    module = load(run)
    if not isinstance(module, TweetModel):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which writes no tweets")
    return module


def _refusal(run: str, account: Account, avoid_copies: int | None) -> Callable[[str], bool] | None:
    """Return what refuses copies of a run's training tweets, as the option of ``generate`` says."""
    from suite_tweets.data import training_texts
    from suite_tweets.quality import Copies

    if avoid_copies == 0:
        return None
    try:
        copies = Copies(training_texts(run, account))
    except DataError as error:
        if avoid_copies is not None:
            raise
        say(f"tweets are not compared with the training tweets, and may be copies: {error}")
        return None
    return copies.overlaps if avoid_copies is None else partial(copies.copied, n=avoid_copies)
