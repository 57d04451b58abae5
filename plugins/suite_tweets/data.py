"""What the language model learns from: the tweets of one account, cleaned, divided by time and cut into training sets.

Held-out tweets are handed over as texts, not as tokens: the module has the tokenizer, in its checkpoint.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import DataLoader, IterableDataset

from lightning_suite import load_data
from lightning_suite.assets import fetch
from lightning_suite.constraints import Interval, ListOf, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.inputs import Inputs, TakesInputs, texts_of
from suite_tweets.account import Account
from suite_tweets.batches import Batch, Sharing, Stream, Windows, windows
from suite_tweets.canaries import TIMES, WORDS, Canary, planted
from suite_tweets.cleaning import RULE_SETS, clean
from suite_tweets.division import Parts, divided, used_texts
from suite_tweets.languages import languages
from suite_tweets.sources.rated_tweets import RATED_TWEETS, rated_tweets
from suite_tweets.sources.reading import read
from suite_tweets.spelling import SpellingName
from suite_tweets.tokens import Digits, Tokenizer, learn
from suite_tweets.tweets import Tweet
from suite_tweets.word_list import Language

HELD_OUT_BATCH = 1024
"""Held-out tweets in a batch of texts; the module forms the network's batches out of them."""


_FRACTION = Interval(float, 0, 1, closed="neither")

CONSTRAINTS: dict[str, list[Any]] = {
    "cleaning": [Literal["paper", "modern", "none"], ListOf([str])],
    "retweets": [bool],
    "limit": [Interval(int, 1), None],
    "validation_fraction": [_FRACTION],
    "test_fraction": [_FRACTION],
    "split_seed": [int],
    "tokens": [Literal["words", "bpe"]],
    "vocabulary_size": [int, None],  # the least depends on the tokens, see ``tokens.learn``
    "digits": [Digits],
    "spelling": [SpellingName],
    "word_list": [Literal["auto"], Language, None],
    "training_set": [Literal["windows", "stream"]],
    "seq_length": [Interval(int, 1)],
    "batch_size": [Interval(int, 1)],
    "canaries": [Interval(int, 0)],
    "canary_times": [ListOf([Interval(int, 1)]), None],
    "seed": [int, None],
}
"""What the options may be."""


class Texts(IterableDataset[list[str]]):
    """Texts in their order, some at a time, all of them in every process.

    Lightning would give each of several processes a share, and some texts twice; sums over all of them are the same in
    every process.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return -(-len(self.texts) // HELD_OUT_BATCH)

    def __iter__(self) -> Any:
        for begin in range(0, len(self.texts), HELD_OUT_BATCH):
            yield list(self.texts[begin : begin + HELD_OUT_BATCH])


class TweetData(TakesInputs, LightningDataModule):
    """Tweets of an account from a file, with the tokens and the training set that are made of them.

    Formats: ``suite_tweets.sources.reading``; rules of cleaning: ``suite_tweets.cleaning``; training sets:
    ``suite_tweets.batches``. Where every tweet has a time the latest are held out, else a random choice.

    After ``setup("fit")`` there are ``parts``, ``tokenizer``, ``account``, ``counts``, ``fingerprint``, and what is
    trained on, ``learnt``: the training part and its canaries, as often as they are planted.

    Args:
        path: file with the tweets; null: 4,200 tweets of many accounts, which are fetched once.
        text_column: name of the column or key with the text; null: the first that is there of full_text, text, tweet,
            tweet_text, content, tweet_content, rawcontent, message, post, sentence, lemmas, текст, твит, сообщение.
        time_column: name of the one with the time; null: created_at, date, datetime, timestamp, time, created,
            tweet_created_at, дата, время.
        id_column: name of the one with the number of the tweet; null: id_str, id, tweet_id, tweetid, status_id.
        encoding: of a file that is not Unicode, such as cp1251; null: UTF-8, UTF-16 or UTF-32.
        cleaning: paper, modern or none, or the names of the rules.
        retweets: false leaves out the texts that begin with "RT @".
        limit: at most this many tweets, drawn at random; null: all.
        validation_fraction: share of the tweets, those before the latest, by which the checkpoint is chosen.
        test_fraction: share of the tweets, the latest, for testing.
        split_seed: of what is drawn at random: the tweets of limit, and the division where times are missing.
        tokens: words, or pieces of words by byte pair encoding.
        vocabulary_size: largest number of tokens; null: one for every word of the training tweets.
        digits: kept, or zeros: every digit becomes 0.
        spelling: of words that are no tokens, by 4-grams of characters and witten-bell, or 6-grams and kneser-ney.
        word_list: the language, such as en or ru, in whose list of words other words are looked up before they are
            spelt; auto: that of most training tweets; null: none.
        training_set: windows within tweets (the paper's variant 1) or one stream over all tweets (variant 2).
        seq_length: tokens that the network reads at a time in training.
        batch_size: windows, or readers of the stream, in a batch on each process.
        canaries: made-up texts that are planted among the training tweets, for ``suite audit``.
        canary_times: how many times each is planted, in turn; null: 1, 4, 16.
        seed: of the order; null: the run's.
        predict_path: the file whose texts are scored, one output each.

    Example:
        >>> from importlib.resources import files
        >>> data = TweetData(str(files("suite_tweets") / "recipes" / "check.csv"), training_set="stream", seq_length=6)
        >>> data.setup("fit")
        >>> [len(part) for part in data.parts], data.tokenizer.size
        ([128, 16, 16], 59)
    """

    canaries: int
    canary_times: list[int]
    division: str

    def __init__(
        self,
        path: str | None = None,
        text_column: str | None = None,
        time_column: str | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
        cleaning: Literal["paper", "modern", "none"] | list[str] = "paper",
        retweets: bool = True,
        limit: int | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.1,
        split_seed: int = 0,
        tokens: Literal["words", "bpe"] = "words",
        vocabulary_size: int | None = None,
        digits: Digits = "kept",
        spelling: SpellingName = "witten-bell",
        word_list: Literal["auto"] | Language | None = None,
        training_set: Literal["windows", "stream"] = "windows",
        seq_length: int = 8,
        batch_size: int = 64,
        canaries: int = 0,
        canary_times: list[int] | None = None,
        seed: int | None = None,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        check(CONSTRAINTS, locals(), where="--data.")
        if validation_fraction + test_fraction >= 1:
            raise UsageError(
                "--data.validation_fraction and --data.test_fraction must leave some tweets for training, got "
                f"{validation_fraction} and {test_fraction}"
            )
        self.path = path
        self.columns: dict[str, str | None] = {
            "text_column": text_column,
            "time_column": time_column,
            "id_column": id_column,
        }
        self.encoding = encoding
        self.rules: tuple[str, ...] = tuple(RULE_SETS[cleaning] if isinstance(cleaning, str) else cleaning)
        clean("", self.rules)  # refuses a name that is no rule before anything is read
        self.retweets = retweets
        self.limit = limit
        self.fractions: tuple[float, float] = (validation_fraction, test_fraction)
        self.split_seed = split_seed
        self.tokens = tokens
        self.vocabulary_size = vocabulary_size
        self.digits = digits
        self.spelling, self.word_list = spelling, word_list
        self.training_set = training_set
        self.seq_length = seq_length
        self.batch_size = batch_size
        self.canaries, self.canary_times = canaries, canary_times or list(TIMES)
        self.seed = seed
        self.predict_path = predict_path

        self.parts: Parts
        self.learnt: list[str]
        self.tokenizer: Tokenizer
        self.account: Account
        self.fingerprint: str | None = None
        self.counts: Counter[str] = Counter()
        self.division = ""

    # What Lightning asks for

    def prepare_data(self) -> None:
        """Fetch the default tweets where they are asked for."""
        predicting = self.trainer is not None and self.trainer.state.fn == TrainerFn.PREDICTING
        if self.path is None and not predicting:
            fetch(RATED_TWEETS)

    def setup(self, stage: str) -> None:
        """Read and divide the tweets; for training, learn the tokens too.

        Raises:
            DataError: the file is not what it should be, or holds too few tweets.
            AssetError: the default tweets cannot be fetched.
        """
        if stage == "predict":
            return
        if not hasattr(self, "parts"):
            self.parts = self._divide()
        if stage == "fit" and not hasattr(self, "tokenizer"):
            train = self.parts.train
            self.tokenizer = learn(
                train,
                self.tokens,
                self.vocabulary_size,
                self.digits,
                self.spelling,
                self._language(train),
                self.parts.validation,
            )
            self.account = Account.of(train)
            canaries = self.planted()
            self.learnt = [*train, *(canary.text for canary in canaries for _ in range(canary.times))]
            read = "\n".join([*train, *map(str, canaries), "", *self.parts.validation])
            self.fingerprint = hashlib.sha256(read.encode()).hexdigest()
            self._report()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches of tokens of the training set.

        Raises:
            DataError: no batch can be formed.
        """
        tweets = [self.tokenizer.encode(text) for text in self.learnt]
        trainer = self.trainer
        assert trainer is not None
        seed = self.seed if self.seed is not None else int(os.environ.get("PL_GLOBAL_SEED", "0"))
        sharing = Sharing(self.batch_size, seed, lambda: trainer.current_epoch, trainer.world_size, trainer.global_rank)
        cut: Windows | Stream
        if self.training_set == "windows":
            short = sum(len(tweet) < self.seq_length for tweet in tweets)
            if short == len(tweets):
                longest = max(map(len, tweets))
                raise DataError(
                    f"no training tweet has {self.seq_length} tokens, the longest has {longest}: give a smaller "
                    "--data.seq_length, or --data.training_set stream",
                    self._source(),
                )
            cut = Windows(windows(tweets, self.seq_length), sharing)
            rank_zero_info(
                f"data: {len(cut.windows):,} windows of {self.seq_length} tokens; "
                f"{short:,} tweets ({short / len(tweets):.1%}) are shorter and left out"
            )
        else:
            cut = Stream(tweets, self.seq_length, sharing)
            if not len(cut):
                raise DataError(
                    f"the training tweets have {cut.tokens} tokens, too few for {sharing.columns} readers: give a "
                    "smaller --data.batch_size",
                    self._source(),
                )
            rank_zero_info(f"data: a stream of {cut.tokens:,} tokens, read by {sharing.columns} readers")
        return DataLoader(cut, batch_size=None)

    def planted(self, train: Sequence[str] | None = None) -> list[Canary]:
        """Return the canaries of the training tweets, which are none of ``parts``.

        Args:
            train: what was trained on, where the file has changed since.
        """
        words = max(WORDS, self.seq_length) if self.training_set == "windows" else WORDS
        return planted(train or self.parts.train, self.canaries, self.canary_times, words=words, seed=self.split_seed)

    def val_dataloader(self) -> DataLoader[list[str]]:
        """Return the texts before the last ones."""
        return DataLoader(Texts(self.parts.validation), batch_size=None)

    def test_dataloader(self) -> DataLoader[list[str]]:
        """Return the last texts."""
        return DataLoader(Texts(self.parts.test), batch_size=None)

    def predict_dataloader(self) -> DataLoader[str]:
        """Return the texts of ``predict_path``, as they stand there.

        Raises:
            UsageError: no file is named.
            DataError: it cannot be read.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        texts = self.read_inputs(self.predict_path, None)
        return DataLoader(texts, batch_size=self.batch_size, collate_fn=list)  # type: ignore[arg-type]

    # Inputs from memory

    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return batches of texts.

        Args:
            given: a text or several.
            module: the trained model.

        Raises:
            TypeError: it is something else.
        """
        texts, is_single = texts_of(given)
        size = self.batch_size
        return Inputs((texts[begin : begin + size] for begin in range(0, max(1, len(texts)), size)), is_single)

    def read_inputs(self, path: str | Path, module: Any) -> list[str]:
        """Return the texts of a file, as they stand there.

        Raises:
            DataError: it cannot be read.
        """
        return [tweet.text for tweet in self._read(Path(path).expanduser())]

    # Reading

    def _source(self) -> str:
        return self.path or RATED_TWEETS.package

    def _read(self, path: Path) -> list[Tweet]:
        return read(path, encoding=self.encoding, **self.columns)

    def _language(self, texts: Sequence[str]) -> Language | None:
        """Return the language in whose list unknown words are looked up."""
        if self.tokens != "words":
            return None
        if self.word_list != "auto":
            return self.word_list
        ((code, _),) = Counter(languages(texts)).most_common(1)
        language = next((known for known in get_args(Language) if known == code), None)
        rank_zero_info(f"data: words are looked up in the list of {code}" if language else f"data: no list of {code}")
        return language

    def _divide(self) -> Parts:
        """Return the parts of the tweets that are used, and remember what was left out.

        Raises:
            DataError: the file cannot be read, too few tweets are left, or none of them has a letter.
            AssetError: the default tweets cannot be fetched.
        """
        tweets = self._read(Path(self.path).expanduser()) if self.path else rated_tweets(fetch(RATED_TWEETS))
        texts, self.counts, self.division = used_texts(
            tweets, self.rules, retweets=self.retweets, limit=self.limit, seed=self.split_seed
        )
        if len(texts) < 3:
            raise DataError(
                f"expected at least 3 different tweets, to train, validate and test on, got {len(texts)} of "
                f"{len(tweets)} after cleaning",
                self._source(),
            )
        if not any(character.isalpha() for text in texts for character in text):
            raise DataError(
                f"expected texts, got {len(texts):,} without a letter, such as {texts[0][:40]!r}. Which column holds "
                "the text: --data.text_column",
                self._source(),
            )
        return divided(texts, *self.fractions)

    def _report(self) -> None:
        left_out = ", ".join(f"{count:,} {name}" for name, count in self.counts.items() if name != "tweets" and count)
        sizes = ", ".join(
            f"{len(part):,} to {verb}" for part, verb in zip(self.parts, ("train", "validate", "test"), strict=True)
        )
        rank_zero_info(
            f"data: {self.counts['tweets']:,} tweets"
            + (f"; left out: {left_out}" if left_out else "")
            + f"; {sizes} on ({self.division})\ndata: {self.tokenizer.size:,} tokens ({self.tokens})"
        )


def read_again(run: str | os.PathLike[str], account: Account) -> tuple[TweetData, list[str]]:
    """Return the data of a run, read again from where its settings say, and the cleaned tweets that it was trained on.

    Args:
        run: a run folder or a checkpoint.
        account: that of its model, which knows its training tweets.

    Raises:
        UsageError: there is no such run.
        RunError: it cannot be read.
        DataError: its data are not there any more, or not all of them.
    """
    data = load_data(run)
    assert isinstance(data, TweetData)
    data.prepare_data()
    data.setup("test")
    texts = [text for part in data.parts for text in part if account.knows(text)]
    if len(texts) < len(account.fingerprints):
        raise DataError(
            f"holds {len(texts):,} of the {len(account.fingerprints):,} tweets that {os.fspath(run)} was trained on: "
            "it has changed since, or the run was trained on another file",
            data.path or RATED_TWEETS.package,
        )
    return data, texts


def training_texts(run: str | os.PathLike[str], account: Account) -> list[str]:
    """Return the cleaned tweets that a run was trained on, as ``read_again``."""
    return read_again(run, account)[1]
