"""The commands on the tweets of an account: collect them, and analyse them."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np

from lightning_suite.assets import fetch
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from lightning_suite.progress import track
from lightning_suite.text_files import bare_name
from suite_tweets import analysis, cleaning, pictures, report
from suite_tweets.collecting.accounts import account_name, file_of
from suite_tweets.collecting.choice import Choice, parse_moment
from suite_tweets.collecting.from_api import collect_from_api
from suite_tweets.collecting.from_file import collect_from_file
from suite_tweets.collecting.output import summary
from suite_tweets.languages import languages
from suite_tweets.sources.rated_tweets import RATED_TWEETS, rated_tweets
from suite_tweets.sources.reading import read
from suite_tweets.tweets import write_tweets


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
