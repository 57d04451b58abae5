"""The commands on a trained model, called as the command line calls them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import Run
from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import call
from lightning_suite.plugins import find
from lightning_suite.recipes import recipes_of
from suite_tweets import data
from suite_tweets.account import Account
from suite_tweets.module import TweetModel
from suite_tweets.studies import models
from suite_tweets.tokens import Digits, learn
from suite_tweets.writing.sampling import Sampling

# generate


class Scribe(TweetModel):
    """Writes always the same, and remembers what it was asked for."""

    def __init__(self, tweets: list[str], digits: Digits = "kept") -> None:
        super().__init__()
        self.tweets, self.account = tweets, Account()
        self.tokenizer = learn(tweets, "words", None, digits)
        self.asked: dict[str, Any] = {}

    def write(self, count: int, sampling: Sampling, *, progress: Callable[[int], None], **asked: Any) -> list[str]:
        self.asked = {"count": count, "sampling": sampling, **asked}
        progress(count)
        refused: Callable[[str], bool] | None = asked["refused"]
        return [tweet for tweet in self.tweets if refused is None or not refused(tweet)][:count]


@pytest.fixture
def scribe(monkeypatch: pytest.MonkeyPatch) -> Scribe:
    """The model of every run; it was trained on one tweet."""
    made = Scribe(["Ракета летит", "חדש\nעם\r\n🚀", "The rocket flies to the moon"])
    monkeypatch.setattr(models, "load", lambda run: made)
    monkeypatch.setattr(data, "training_texts", lambda run, account: ["the rocket flies to mars"])
    return made


def generate(*words: object) -> None:
    """Calls the command as the command line does."""
    call(models.generate, ["runs/one", *map(str, words)], prog="suite generate")


def test_each_tweet_is_one_line_and_there_is_nothing_else(scribe: Scribe, capsys: pytest.CaptureFixture[str]) -> None:
    generate("-n", 3)
    assert capsys.readouterr().out == "Ракета летит\nחדש עם 🚀\nThe rocket flies to the moon\n"


def test_ten_tweets_are_asked_for_by_default(scribe: Scribe) -> None:
    generate()
    expected = {"count": 10, "sampling": Sampling(no_repeat=3), "seed": 0, "prompt": None, "limit": 280}
    assert {name: value for name, value in scribe.asked.items() if name != "refused"} == expected


def test_what_is_not_asked_for_is_as_the_run_says(scribe: Scribe) -> None:
    scribe.sampling = Sampling(temperature=0.6, top_p=0.8)
    generate()
    assert scribe.asked["sampling"] == Sampling(temperature=0.6, top_p=0.8, no_repeat=3)
    generate("--temperature", 0, "--top_k", 7)
    assert scribe.asked["sampling"] == Sampling(temperature=0.0, top_k=7, top_p=0.8, no_repeat=3)
    models.new_tweets("runs/one", 2, top_p=1.0)
    assert scribe.asked["sampling"] == Sampling(temperature=0.6, top_p=1.0, no_repeat=3)


def test_the_default_recipe_draws_from_the_likeliest_words_and_the_paper_s_models_from_all() -> None:
    plugin = find.get("tweets")
    models_of = {name: recipe.get("model", {}) for name, recipe in recipes_of(plugin).items()}
    own = {name: model.get("top_p", 1.0) for name, model in models_of.items()}
    assert own["default"] == 0.8
    assert {own[f"model-{number}"] for number in range(1, 5)} == {1.0}
    assert {model.get("temperature", 1.0) for model in models_of.values()} == {1.0}


def test_the_options_reach_the_model(scribe: Scribe) -> None:
    sampling = ["--temperature", 0.5, "--top_k", 40, "--top_p", 0.9]
    others = ["--no_repeat", 5, "--avoid_copies", 0]
    generate("-n", 2, *sampling, *others, "--seed", 7, "--prompt", "Ракета", "--limit", 140)
    expected = {
        "count": 2,
        "sampling": Sampling(temperature=0.5, top_k=40, top_p=0.9, no_repeat=5),
        "seed": 7,
        "prompt": "Ракета",
        "refused": None,
        "limit": 140,
    }
    assert scribe.asked == expected


def test_in_python_they_are_a_list(scribe: Scribe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert models.new_tweets("runs/one", 2, prompt="Ракета") == ["Ракета летит", "חדש\nעם\r\n🚀"]
    assert (scribe.asked["count"], scribe.asked["prompt"], scribe.asked["sampling"]) == (
        2,
        "Ракета",
        Sampling(no_repeat=3),
    )
    (tmp_path / "config.yaml").write_text("plugin: tweets\n")
    opened = Run.at(tmp_path)
    monkeypatch.setitem(vars(opened), "model", scribe)
    monkeypatch.setattr(models, "load", None)
    assert len(models.new_tweets(opened, 3)) == 3


@pytest.mark.parametrize(("n", "left"), [(4, 2), (5, 3)])
def test_copies_of_training_tweets_are_refused(
    scribe: Scribe, capsys: pytest.CaptureFixture[str], n: int, left: int
) -> None:
    generate("--avoid_copies", n)
    assert len(capsys.readouterr().out.splitlines()) == left


def test_what_overlaps_a_training_tweet_is_refused_unless_it_may(
    scribe: Scribe, capsys: pytest.CaptureFixture[str]
) -> None:
    scribe.tweets = ["To the moon: the rocket flies to", "The rocket, flies to Mars!", "flies to mars now, friends"]
    generate()
    assert capsys.readouterr().out == "To the moon: the rocket flies to\nflies to mars now, friends\n"
    generate("--avoid_copies", 0)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_copies_are_known_though_their_digits_became_zeros(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Scribe(["flight 00 of 0000 begins", "flight 12 of 2024 begins", "flight 000 of 00 ends"], "zeros")
    monkeypatch.setattr(models, "load", lambda run: made)
    monkeypatch.setattr(data, "training_texts", lambda run, account: ["flight 31 of 1999 begins"])
    generate()
    assert capsys.readouterr().out == "flight 000 of 00 ends\n"
    generate("--avoid_copies", 4)
    assert capsys.readouterr().out == "flight 000 of 00 ends\n"


def test_where_the_training_tweets_are_gone_it_is_said_that_nothing_is_compared(
    scribe: Scribe, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(run: str, account: Account) -> list[str]:
        raise DataError("cannot be read: no such file", "tweets.csv")

    monkeypatch.setattr(data, "training_texts", gone)
    generate("-n", 3)
    written = capsys.readouterr()
    assert len(written.out.splitlines()) == 3
    assert "tweets are not compared with the training tweets, and may be copies: tweets.csv: cannot" in written.err
    with pytest.raises(DataError, match="no such file"):
        generate("--avoid_copies", 4)


@pytest.mark.parametrize("option", [["--temperature", 0], ["--top_k", 1]])
def test_it_is_said_when_tweets_are_all_the_same(
    scribe: Scribe, capsys: pytest.CaptureFixture[str], option: list[object]
) -> None:
    scribe.tweets = ["Ракета летит"] * 3
    generate("-n", 3, *option)
    written = capsys.readouterr()
    assert written.out == "Ракета летит\n" * 3
    assert "1 of 3 tweets is different: the likeliest word is always taken. A --temperature above 0" in written.err
    generate("-n", 3)
    assert "different" not in capsys.readouterr().err


def test_tweets_go_into_a_file(scribe: Scribe, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new tweets.txt"
    generate("-n", 2, "--output", file)
    assert file.read_text(encoding="utf-8") == "Ракета летит\nחדש עם 🚀\n"
    assert capsys.readouterr().out == f"tweets: {file}\nnext: suite analyse '{file}'\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["-n", 0], "-n: expected a whole number of 1 or more, got 0"),
        (["--limit", 281], "--limit: expected a whole number from 1 to 280, got 281"),
        (["--limit", 0], "--limit: expected a whole number from 1 to 280, got 0"),
        (["--avoid_copies", -1], "--avoid_copies: expected a whole number of 0 or more, or null, got -1"),
        (["--no_repeat", -1], "--no_repeat: expected a whole number of 0 or more, got -1"),
        (["--temperature", -1], "temperature: expected a number of 0 or more, got -1"),
        (["--top_p", 0], "top_p: .* got 0"),
        (["--output", "nowhere/tweets.txt"], "there is no folder nowhere"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(scribe: Scribe, words: list[object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        generate(*words)
    assert not scribe.asked


def test_a_run_of_another_plugin_writes_no_tweets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", lambda run: object())
    with pytest.raises(UsageError, match="runs/one is a run of object, which writes no tweets"):
        generate()


def test_a_file_that_is_there_is_not_written_over(scribe: Scribe, tmp_path: Path) -> None:
    (tmp_path / "tweets.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError, match=r"tweets\.txt is there already"):
        models.generate("run", output=str(tmp_path / "tweets.txt"))
    with pytest.raises(UsageError, match="is there already"):
        models.generate("run", output=str(tmp_path))
    assert (tmp_path / "tweets.txt").read_text(encoding="utf-8") == "precious"
    assert not scribe.asked


# audit


def test_an_audit_prints_its_tables_and_draws_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "a.txt").write_text(
        "".join(f"number {i} of our rockets flew w{i} v{i}\n" for i in range(30)), encoding="utf-8"
    )
    account_data = data.TweetData(str(tmp_path / "a.txt"), canaries=2)
    account_data.setup("fit")
    module = TweetModel(hidden_dim=8)
    module._build(account_data.tokenizer, account_data.account, account_data.rules, True)
    monkeypatch.setattr(models, "load", lambda run: module.eval())
    monkeypatch.setattr(data, "load_data", lambda run: account_data)
    monkeypatch.setattr(account_data, "prepare_data", lambda: None)
    call(models.audit, ["runs/one", "--output", str(tmp_path / "out"), "--candidates", "15"])
    output = capsys.readouterr().out
    assert "without the model" in output
    assert [line.split()[:2] for line in output.split("planted ")[1].splitlines()[2:4]] == [["1", "1"], ["4", "1"]]
    assert output.splitlines()[-2:] == [f"pictures: {tmp_path / 'out'}", "next: suite generate runs/one -n 10"]
    drawn = {f"{name}{suffix}" for name in ("membership", "copies", "exposure") for suffix in (".png", ".csv")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == drawn


def test_an_audit_without_held_out_tweets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    file.write_text("".join(f"number {i} of our rockets\n" for i in range(10)), encoding="utf-8")
    account_data = data.TweetData(str(file))
    account_data.setup("fit")
    module = TweetModel(hidden_dim=8)
    everything = Account.of(text for part in account_data.parts for text in part)
    module._build(account_data.tokenizer, everything, account_data.rules, True)
    monkeypatch.setattr(models, "load", lambda run: module.eval())
    monkeypatch.setattr(data, "load_data", lambda run: account_data)
    monkeypatch.setattr(account_data, "prepare_data", lambda: None)
    with pytest.raises(DataError, match=r"a\.txt: all 1 tweets that would be held out were trained on"):
        call(models.audit, ["runs/one", "--output", str(tmp_path / "out")])


def test_an_audit_of_nothing_is_refused(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--candidates: expected a whole number of 1 or more, got 0"):
        call(models.audit, ["runs/one", "--candidates", "0"])
    monkeypatch.setattr(models, "load", lambda run: object())
    with pytest.raises(UsageError, match="runs/one is a run of object, which writes no tweets"):
        call(models.audit, ["runs/one"])
