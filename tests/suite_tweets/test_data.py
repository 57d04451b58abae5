"""TweetData: which tweets are used, how time divides them, and what becomes of bad files and options."""

import inspect
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import torch

from lightning_suite import training
from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import Settings
from lightning_suite.plugins.signature import parameters
from suite_tweets import data as data_file
from suite_tweets import plugin
from suite_tweets.batches import Batch
from suite_tweets.cleaning import RULE_SETS
from suite_tweets.data import HELD_OUT_BATCH, Texts, TweetData, training_texts
from suite_tweets.sources.columns import ID_COLUMNS, TEXT_COLUMNS, TIME_COLUMNS
from suite_tweets.sources.rated_tweets import RATED_TWEETS
from suite_tweets.tokens import END
from suite_tweets.tweets import Tweet, write_tweets

START = datetime(2020, 3, 1, tzinfo=UTC)
WORDS = ["ракета", "станция", "утром", "the", "crew", "landed", "today", "и", "море"]


@pytest.mark.parametrize(
    ("option", "names"), [("text_column", TEXT_COLUMNS), ("time_column", TIME_COLUMNS), ("id_column", ID_COLUMNS)]
)
def test_the_columns_say_their_usual_names(option: str, names: Sequence[str]) -> None:
    assert f"{', '.join(names)}." in (parameters(plugin.data) or {})[option].meaning


def text(i: int) -> str:
    """One of many different texts, of two words or more."""
    return " ".join([f"t{i}", *(WORDS[(i * 5 + j * j) % len(WORDS)] for j in range(1 + i % 7))])


def dated(texts: Sequence[str]) -> list[Tweet]:
    """Tweets a day apart, the oldest first."""
    return [Tweet(str(i), START + timedelta(days=i), each) for i, each in enumerate(texts)]


def undated(texts: Sequence[str]) -> list[Tweet]:
    return [Tweet(str(i), None, each) for i, each in enumerate(texts)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """60 tweets with times, in a file that begins with the latest."""
    write_tweets(tmp_path / "tweets.csv", reversed(dated([text(i) for i in range(60)])))
    return tmp_path / "tweets.csv"


def of(folder: Path, tweets: Sequence[Tweet], *stages: str, **options: Any) -> TweetData:
    """Data of some tweets."""
    write_tweets(folder / "some.csv", tweets)
    return ready(folder / "some.csv", *stages, **options)


def ready(path: Path, *stages: str, **options: Any) -> TweetData:
    data = TweetData(**{"path": str(path), "seq_length": 2, "batch_size": 4, "seed": 0, **options})
    for stage in stages or ("fit",):
        data.setup(stage)
    return data


def batches(data: TweetData, epoch: int = 0, processes: int = 1, rank: int = 0) -> list[Batch]:
    data.trainer = SimpleNamespace(current_epoch=epoch, world_size=processes, global_rank=rank)  # type: ignore[assignment]
    return list(data.train_dataloader())


def all_texts(data: TweetData) -> list[str]:
    return [*data.parts.train, *data.parts.validation, *data.parts.test]


# Which tweets, and which of them for what


def test_the_latest_tweets_are_tested_on_those_before_them_validated_on(file: Path) -> None:
    parts = ready(file, validation_fraction=0.1, test_fraction=0.2).parts
    assert parts.train == [text(i) for i in range(42)]
    assert parts.validation == [text(i) for i in range(42, 48)]
    assert parts.test == [text(i) for i in range(48, 60)]


def test_undated_tweets_are_divided_at_random(tmp_path: Path) -> None:
    texts = [text(i) for i in range(60)]
    data = of(tmp_path, undated(texts))
    assert sorted(all_texts(data)) == sorted(texts)
    assert data.parts.test != texts[-6:]


def test_one_tweet_without_a_time_makes_the_division_random(tmp_path: Path) -> None:
    tweets = [*dated([text(i) for i in range(59)]), Tweet("59", None, text(59))]
    assert set(of(tmp_path, tweets).parts.test) != {text(i) for i in range(54, 60)}


def test_the_division_of_undated_tweets_depends_on_split_seed_alone(tmp_path: Path) -> None:
    tweets = undated([text(i) for i in range(60)])
    torch.manual_seed(1)
    one = of(tmp_path, tweets, seed=1)
    torch.manual_seed(2)
    assert of(tmp_path, tweets, seed=2, training_set="stream").parts == one.parts
    assert of(tmp_path, tweets, split_seed=1).parts.test != one.parts.test


def test_the_callers_random_generator_is_left_alone(file: Path) -> None:
    before = torch.get_rng_state()
    ready(file)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_limit_takes_so_many_tweets_at_random(file: Path) -> None:
    data = ready(file, limit=20)
    chosen = all_texts(data)
    assert len(chosen) == 20
    assert data.counts["not drawn"] == 40
    assert chosen == sorted(chosen, key=lambda each: int(each.split()[0][1:]))  # by time all the same
    assert chosen != [text(i) for i in range(20)]
    assert all_texts(ready(file, limit=20, split_seed=1)) != chosen


def test_a_limit_above_the_number_of_tweets_takes_all(file: Path) -> None:
    data = ready(file, limit=1000)
    assert len(all_texts(data)) == 60
    assert data.counts["not drawn"] == 0


def test_retweets_are_left_out_when_asked(tmp_path: Path) -> None:
    tweets = dated([text(i) for i in range(20)] + ["RT @kosmos старт утром", "art RT @ is no retweet"])
    assert "rt user старт утром" in all_texts(of(tmp_path, tweets))
    data = of(tmp_path, tweets, retweets=False)
    assert data.counts["retweets"] == 1
    assert len(all_texts(data)) == 21


def test_repeated_and_empty_tweets_are_left_out_and_counted(tmp_path: Path) -> None:
    tweets = dated([*(text(i) for i in range(20)), "https://t.co/abc", " ", "Ракета.", "ракета", "РАКЕТА!"])
    data = of(tmp_path, tweets)
    assert data.counts["tweets"] == 25
    assert data.counts["empty after cleaning"] == 2
    assert data.counts["repeated"] == 2
    assert len(all_texts(data)) == 21


def test_no_text_that_is_held_out_was_trained_on(tmp_path: Path) -> None:
    data = of(tmp_path, dated([text(i % 12) for i in range(40)]))
    assert not {*data.parts.train} & {*data.parts.validation, *data.parts.test}


def test_numbers_are_no_tweets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected texts, got 4 without a letter, such as '1001'.* --data.text_column"):
        of(tmp_path, dated(["1001", "1002", "1003", "1004"]))


def test_too_few_tweets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected at least 3 different tweets.* got 2 of 4 after cleaning"):
        of(tmp_path, dated(["ракета", "Ракета!", "https://t.co/abc", "море"]))
    (tmp_path / "some.csv").unlink()
    data = of(tmp_path, dated(["ракета", "море", "утро"]))
    assert data.parts == (["ракета"], ["море"], ["утро"])


# Cleaning


def test_the_rules_of_the_paper_are_the_default(tmp_path: Path) -> None:
    assert TweetData().rules == RULE_SETS["paper"]
    data = of(tmp_path, dated(["Ракета «Заря», @friend! https://t.co/x", "море", "утро"]))
    assert data.parts.train == ["ракета заря user"]


def test_rules_are_taken_by_set_and_by_name(tmp_path: Path) -> None:
    tweets = dated(["Ракета «Заря» https://t.co/x", "море", "утро"])
    assert of(tmp_path, tweets, cleaning="none").parts.train == ["Ракета «Заря» https://t.co/x"]
    assert of(tmp_path, tweets, cleaning=["lower-case"]).parts.train == ["ракета «заря» https://t.co/x"]
    assert TweetData(cleaning="modern").rules == RULE_SETS["modern"]


def test_every_set_of_rules_is_an_option() -> None:
    hint = inspect.signature(TweetData).parameters["cleaning"].annotation
    assert {*get_args(get_args(hint)[0])} == {*RULE_SETS}


def test_an_unknown_rule_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"'hashtag'(.|\n)*Did you mean 'hashtags'"):
        TweetData(cleaning=["links", "hashtag"])


# Tokens and training sets


def test_tokens_are_learnt_from_the_training_texts_alone(file: Path) -> None:
    data = ready(file)
    assert data.tokenizer.size == 2 + len({word for each in data.parts.train for word in each.split()})


def test_the_account_is_that_of_the_training_texts(tmp_path: Path) -> None:
    data = of(tmp_path, dated(["утром старт", "утром море 🚀", "вечер", "а", "б"]), cleaning="none")
    assert list(data.account.lengths) == [11, 13, 5]  # the rocket counts as two
    assert dict(data.account.first_words) == {"утром": 2, "вечер": 1}


def test_windows_are_those_of_the_training_texts(file: Path) -> None:
    data = ready(file, seq_length=3, batch_size=5)
    drawn = batches(data)
    lengths = [len(each.split()) for each in data.parts.train]
    count = sum(length + 2 - 3 for length in lengths if length >= 3)
    assert len(drawn) == math.ceil(count / 5)
    assert all(batch.tokens.shape == (3, 5) and not batch.goes_on for batch in drawn)


def test_a_stream_holds_the_tokens_of_all_training_texts(file: Path) -> None:
    data = ready(file, training_set="stream", seq_length=5, batch_size=1)
    targets = torch.cat([batch.targets for batch in batches(data)]).flatten().tolist()
    expected = [token for each in data.parts.train for token in [*data.tokenizer.encode(each), END]]
    assert sorted(targets) == sorted(expected)


def test_batches_are_another_order_every_epoch_and_the_same_for_the_same_seed(file: Path) -> None:
    one, other, again = (batches(ready(file), epoch)[0].tokens for epoch in (0, 1, 0))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(one, batches(ready(file, seed=1))[0].tokens)


def test_the_order_is_that_of_the_runs_seed_by_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    assert torch.equal(batches(ready(file, seed=None))[0].tokens, batches(ready(file, seed=7))[0].tokens)


@pytest.mark.parametrize("training_set", ["windows", "stream"])
def test_two_processes_see_together_what_one_sees(file: Path, training_set: str) -> None:
    alone = batches(ready(file, training_set=training_set, batch_size=6))
    shares = [batches(ready(file, training_set=training_set, batch_size=3), 0, 2, rank) for rank in range(2)]
    for one, first, second in zip(alone, *shares, strict=True):
        assert torch.equal(one.tokens[:, ::2], first.tokens)
        assert torch.equal(one.tokens[:, 1::2], second.tokens)


def test_the_log_says_how_many_tweets_are_too_short_for_a_window(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(data_file, "rank_zero_info", said.append)
    data = ready(file, seq_length=4)
    batches(data)
    short = sum(len(each.split()) < 4 for each in data.parts.train)
    assert short > 0
    assert f"{short} tweets ({short / len(data.parts.train):.1%}) are shorter" in said[-1]


def test_windows_longer_than_every_tweet_are_refused(file: Path) -> None:
    with pytest.raises(DataError, match=r"no training tweet has 9 tokens, the longest has 8: .*--data\.seq_length"):
        batches(ready(file, seq_length=9))
    assert batches(ready(file, seq_length=8))
    assert batches(ready(file, seq_length=9, training_set="stream"))


def test_more_readers_than_tokens_are_refused(file: Path) -> None:
    data = ready(file, training_set="stream", batch_size=500)
    tokens = sum(len(each.split()) + 1 for each in data.parts.train)
    with pytest.raises(DataError, match=rf"have {tokens} tokens, too few for 500 readers: .*--data\.batch_size"):
        batches(data)


def test_readers_of_all_processes_count(file: Path) -> None:
    data = ready(file, training_set="stream", batch_size=200)
    assert batches(data)
    with pytest.raises(DataError, match="too few for 400 readers"):
        batches(data, processes=2)


# What is held out, and what is predicted


def test_held_out_texts_come_in_their_order(file: Path) -> None:
    data = ready(file)
    assert [each for batch in data.val_dataloader() for each in batch] == data.parts.validation
    assert [each for batch in data.test_dataloader() for each in batch] == data.parts.test


@pytest.mark.parametrize("count", [1, HELD_OUT_BATCH, HELD_OUT_BATCH + 1])
def test_held_out_batches_are_as_many_as_they_say(count: int) -> None:
    texts = Texts([text(i) for i in range(count)])
    drawn = list(texts)
    assert len(drawn) == len(texts)
    assert [each for batch in drawn for each in batch] == texts.texts


def test_testing_needs_no_tokens(file: Path) -> None:
    data = ready(file, "test")
    assert data.parts.test
    assert not hasattr(data, "tokenizer")


def test_predicting_reads_the_training_file_not_at_all(file: Path) -> None:
    data = ready(Path("nowhere.csv"), "predict", predict_path=str(file))
    assert [each for batch in data.predict_dataloader() for each in batch] == [text(i) for i in reversed(range(60))]


def test_texts_to_predict_are_taken_as_they_stand(tmp_path: Path) -> None:
    texts = ["Старт!", "", "Старт!", "https://t.co/x  two", "RT @a"]
    write_tweets(tmp_path / "new.csv", undated(texts))
    data = TweetData(predict_path=str(tmp_path / "new.csv"), batch_size=2)
    assert list(data.predict_dataloader()) == [texts[:2], texts[2:4], texts[4:]]


def test_predicting_without_a_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--data\.predict_path"):
        TweetData().predict_dataloader()


# Options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("validation_fraction", math.nan),
        ("test_fraction", 0.0),
        ("test_fraction", -0.1),
        ("test_fraction", 1.5),
        ("seq_length", 0),
        ("batch_size", 0),
        ("batch_size", -1),
        ("limit", 0),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(option: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"--data\.{option}: expected .*got {value}"):
        TweetData(**{option: value})


def test_fractions_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(UsageError, match=r"validation_fraction and --data\.test_fraction must leave .*0\.5 and 0\.5"):
        TweetData(validation_fraction=0.5, test_fraction=0.5)


@pytest.mark.parametrize(("kind", "size"), [("words", 2), ("bpe", 200), ("bpe", None)])
def test_a_vocabulary_that_cannot_be_is_refused_by_name(file: Path, kind: str, size: int | None) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    with pytest.raises(UsageError, match=r"--data\.vocabulary_size"):
        ready(file, tokens=kind, vocabulary_size=size)


def test_every_option_is_described() -> None:
    described = inspect.getdoc(TweetData) or ""
    assert all(f"{name}: " in described for name in inspect.signature(TweetData).parameters)


# The fingerprint


def test_the_fingerprint_is_that_of_the_texts(file: Path, tmp_path: Path) -> None:
    one = ready(file)
    assert len(one.fingerprint or "") == 64
    assert ready(file, seed=5, batch_size=2).fingerprint == one.fingerprint
    tweets = dated([text(i) for i in range(60)])
    assert of(tmp_path, tweets).fingerprint == one.fingerprint
    for changed in (0, 50):  # of the training texts, of the validation texts
        other = [tweet._replace(text="море и море") if i == changed else tweet for i, tweet in enumerate(tweets)]
        assert of(tmp_path, other).fingerprint != one.fingerprint


def test_another_division_has_another_fingerprint(file: Path) -> None:
    assert ready(file, validation_fraction=0.2).fingerprint != ready(file).fingerprint


# The default tweets


def test_without_a_path_the_rated_tweets_are_fetched_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rated.txt"
    path.write_text("".join(f"{i}\t1.0\t{text(i)}\n" for i in range(30)), encoding="utf-8")
    asked: list[object] = []
    monkeypatch.setattr(data_file, "fetch", lambda asset: asked.append(asset) or path)
    data = TweetData()
    data.prepare_data()
    assert asked == [RATED_TWEETS]
    data.setup("fit")
    assert sorted(all_texts(data)) == sorted(text(i) for i in range(30))


def test_with_a_path_nothing_is_fetched(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_file, "fetch", lambda asset: pytest.fail("fetched"))
    data = TweetData(path=str(file))
    data.prepare_data()
    data.setup("fit")


# A run's texts


def test_training_texts_of_a_run_are_those_it_was_trained_on(file: Path, tmp_path: Path) -> None:
    quiet = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    model = {"hidden_dim": 4, "layers": 1, "generated": 2}
    data = {"path": str(file), "limit": 40, "split_seed": 3, "seq_length": 2}
    chosen = Settings(plugin="tweets", model=model, data=data, trainer=quiet)
    run, _ = training.fit(plugin, chosen, root=tmp_path / "runs")
    expected = ready(file, limit=40, split_seed=3)
    assert training_texts(str(run.folder), expected.account) == expected.parts.train
    assert run.record["data_fingerprint"] == expected.fingerprint


def test_training_texts_are_known_again_where_the_file_has_grown(file: Path, tmp_path: Path) -> None:
    quiet = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    chosen = Settings(plugin="tweets", model={"hidden_dim": 4, "generated": 2}, data={"path": str(file)}, trainer=quiet)
    run, _ = training.fit(plugin, chosen, root=tmp_path / "runs")
    before = ready(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[-1] + " once more"]) + "\n", encoding="utf-8")
    assert sorted(training_texts(str(run.folder), before.account)) == sorted(before.parts.train)
    file.write_text("\n".join(lines[: len(lines) // 2]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"of the {len(before.parts.train)} tweets that .* was trained on"):
        training_texts(str(run.folder), before.account)


def test_it_is_said_how_the_tweets_are_divided(tmp_path: Path) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    tweets = [Tweet(f"{i}", start + timedelta(hours=i), f"word{i} and more") for i in range(20)]
    write_tweets(tmp_path / "dated.csv", tweets)
    write_tweets(tmp_path / "one.csv", [*tweets[:-1], tweets[-1]._replace(created_at=None)])
    assert ready(tmp_path / "dated.csv", seq_length=2).division == "by time"
    assert ready(tmp_path / "one.csv", seq_length=2).division == "at random: 1 without a time"


def test_texts_in_memory_come_in_batches() -> None:
    data = TweetData(batch_size=2)
    inputs = data.inputs(["one", "two", "three"], None)
    assert ([*inputs.batches], inputs.is_single) == ([["one", "two"], ["three"]], False)
    alone = data.inputs("one", None)
    assert ([*alone.batches], alone.is_single) == ([["one"]], True)
    with pytest.raises(TypeError, match="predict: expected a string or several strings, such as a list, got int"):
        data.inputs(3, None)
