"""The plugin's own commands, called as the command line calls them."""

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import call
from suite_tweets import data, studies
from suite_tweets.account import Account
from suite_tweets.module import TweetModel
from suite_tweets.sources.reading import read
from suite_tweets.studies import analyse
from suite_tweets.tweets import Tweet, write_tweets
from suite_tweets.writing.sampling import Sampling

ENGLISH = "Today number %d of our rockets flew over the sea https://t.co/abc"
RUSSIAN = "Сегодня «Газ» открыл станцию номер %d в новом городе #газ"


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    """Twenty-five English and ten Russian tweets of ten words, and five short retweets."""
    pytest.importorskip("py3langid")
    pytest.importorskip("matplotlib")
    path = tmp_path / "my tweets.csv"
    texts = [ENGLISH % i for i in range(25)] + [RUSSIAN % i for i in range(10)] + ["RT @anna: hello"] * 5
    write_tweets(path, [Tweet(str(i), None, text) for i, text in enumerate(texts)])
    return path


def table_of(output: str, name: str) -> dict[str, list[str]]:
    """The rows of a printed table by their first word."""
    lines = output.split(f"\n{name} ")[1].split("\n\n")[0].splitlines()[2:]
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_analyse_prints_its_tables(tweets: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert output.startswith("my tweets.csv: 40 tweets; no times are known\n\nper tweet")
    assert table_of(output, "per tweet")["count"] == ["40", "40", "40"]
    assert table_of(output, "per tweet")["max"] == ["65", "11", "10"]
    assert table_of(output, "language")["Russian"] == ["ru", "10", "25.0"]
    assert table_of(output, "language")["English"] == ["en", "30", "75.0"]
    assert table_of(output, "rank")["1"][:3] == ["flew", "25", "25"]
    assert table_of(output, "seq_length")["10"] == ["12.5", "70", "40"]


def test_analyse_ends_with_advice_folder_and_next_command(
    tweets: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    assert capsys.readouterr().out.splitlines()[-5:] == [
        "advised: --data.seq_length 10 (training set 1 would lose 12.5 % of the tweets)",
        "",
        f"pictures: {tmp_path / 'out'}",
        f"cleaned tweets: {tmp_path / 'out' / 'cleaned.csv'}",
        f"next: suite fit --plugin tweets --recipe model-1 --data.path '{tweets}' --data.seq_length 10",
    ]


def test_analyse_writes_pictures_and_their_numbers(tweets: Path, tmp_path: Path) -> None:
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    drawn = {"characters", "words", "words_frequent", "seq_length"}
    expected = {f"{name}{suffix}" for name in drawn for suffix in (".png", ".csv")} | {"languages.csv", "cleaned.csv"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    with (tmp_path / "out" / "words.csv").open(newline="", encoding="utf-8") as file:
        assert sum(int(row["words cleaned (paper)"]) for row in csv.DictReader(file)) == 40


def test_the_cleaned_tweets_have_a_file_of_their_own_that_is_trained_on_alike(tweets: Path, tmp_path: Path) -> None:
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    cleaned = read(tmp_path / "out" / "cleaned.csv")
    assert cleaned[0] == Tweet("0", None, "today number 0 of our rockets flew over the sea")
    assert len(cleaned) == 40
    parts = []
    for path, rules in ((tweets, "paper"), (tmp_path / "out" / "cleaned.csv", "none")):
        made = data.TweetData(str(path), cleaning=rules)  # type: ignore[arg-type]
        made.setup("fit")
        parts.append(made.parts)
    assert parts[0] == parts[1]


def test_the_tweets_of_the_default_recipe_can_be_analysed(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rated.txt"
    path.write_text("1\t2.5\tA fine day for a launch\n2\t-0.75\tand a cloudy one for a launch\n", encoding="utf-8")
    monkeypatch.setattr(studies, "fetch", lambda asset: path)
    call(analyse, ["default", "--output", str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert output.startswith("tweets of the recipe default: 2 tweets")
    assert output.splitlines()[-1] == "next: suite fit --plugin tweets --recipe model-1 --data.seq_length 6"


def test_the_folder_is_called_like_the_file(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    call(analyse, [tweets.name])
    assert (tmp_path / "my tweets-analysis" / "words.png").is_file()
    assert "pictures: my tweets-analysis\n" in capsys.readouterr().out


def test_analyse_shows_what_cleaning_does(tweets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(analyse, [str(tweets), "--output", str(tmp_path), "--clean", "--examples", "2"])
    output = capsys.readouterr().out
    assert table_of(output, "rules paper")["links"] == ["25", "62.5"]
    assert output.count("\nbefore  ") == 2
    assert "after   today number 0 of our rockets flew over the sea\n" in output


def test_rules_and_columns_are_handed_on_to_the_training(
    tmp_path: Path, tweets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.csv"
    path.write_text("nr;was\n1;Ein Satz mit Worten\n", encoding="utf-8")
    call(analyse, [str(path), "--output", str(tmp_path / "out"), "--rules", "none", "--text_column", "was"])
    options = f"--data.path {path} --data.cleaning none --data.text_column was --data.seq_length 4"
    expected = f"next: suite fit --plugin tweets --recipe model-1 {options}"
    assert capsys.readouterr().out.splitlines()[-1] == expected


def test_tweets_without_words_are_described_and_nothing_is_advised(
    tweets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tweets(tweets, [Tweet("", None, "https://t.co/abc"), Tweet("", None, "")])
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert "no tweet has a word (--rules paper): there is nothing to train on" in output
    assert "advised" not in output
    assert "next:" not in output


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["one", "שלום עולם", "🎉", "$x_{ \\frac", "a\nb\r\nc", "слово " * 20_000])
def test_one_tweet_of_any_kind_is_analysed(
    tweets: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tweets(tweets, [Tweet("", None, text)])
    call(analyse, [str(tweets), "--output", str(tmp_path / "out"), "--clean", "--rules", "modern"])
    assert "next: suite fit" in capsys.readouterr().out


def test_a_file_without_tweets_is_refused(tweets: Path) -> None:
    write_tweets(tweets, [])
    with pytest.raises(DataError, match="my tweets"):
        call(analyse, [str(tweets)])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--words", "0"], "--words: expected a whole number of 1 or more, got 0"),
        (["--examples", "-3"], "--examples: expected a whole number of 1 or more, got -3"),
        (["--rules", "papers"], "Did you mean 'paper'"),
    ],
)
def test_options_of_analyse_that_make_no_sense_are_refused(tweets: Path, options: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call(analyse, [str(tweets), *options])


def test_pictures_do_not_replace_a_file(tweets: Path) -> None:
    with pytest.raises(UsageError, match="expected a folder, this is a file"):
        call(analyse, [str(tweets), "--output", str(tweets)])


def test_a_missing_package_is_named(tweets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    with pytest.raises(UsageError, match=r"'py3langid'.*pip install .*lightning-suite\[tweets\]"):
        call(analyse, [str(tweets)])


def test_a_bar_is_shown_when_it_takes_long(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lightning_suite.progress.PATIENCE", 0.0)
    monkeypatch.setattr("lightning_suite.progress.SELDOM", 0.0)
    monkeypatch.setattr(studies, "languages", lambda texts: [time.sleep(0.01) or "en" for text in texts])
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    assert "detecting languages: done, 40 tweets" in capsys.readouterr().err


def test_no_bar_is_shown_for_what_is_done_at_once(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lightning_suite.progress.PATIENCE", 600.0)  # the machine may be busy
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    assert capsys.readouterr().err == ""


# generate


class Scribe(TweetModel):
    """Writes always the same, and remembers what it was asked for."""

    def __init__(self, tweets: list[str]) -> None:
        super().__init__()
        self.tweets, self.account = tweets, Account()
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
    monkeypatch.setattr(studies, "load", lambda run: made)
    monkeypatch.setattr(data, "training_texts", lambda run, account: ["the rocket flies to mars"])
    return made


def generate(*words: object) -> None:
    """Calls the command as the command line does."""
    call(studies.generate, ["runs/one", *map(str, words)], prog="suite generate")


def test_each_tweet_is_one_line_and_there_is_nothing_else(scribe: Scribe, capsys: pytest.CaptureFixture[str]) -> None:
    generate("-n", 3)
    assert capsys.readouterr().out == "Ракета летит\nחדש עם 🚀\nThe rocket flies to the moon\n"


def test_ten_tweets_are_asked_for_by_default(scribe: Scribe) -> None:
    generate()
    expected = {"count": 10, "sampling": Sampling(no_repeat=3), "seed": 0, "prompt": None, "limit": 280}
    assert {name: value for name, value in scribe.asked.items() if name != "refused"} == expected


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
    monkeypatch.setattr(studies, "load", lambda run: object())
    with pytest.raises(UsageError, match="runs/one is a run of object, which writes no tweets"):
        generate()


def test_a_file_that_is_there_is_not_written_over(scribe: Scribe, tmp_path: Path) -> None:
    (tmp_path / "tweets.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError, match=r"tweets\.txt is there already"):
        studies.generate("run", output=str(tmp_path / "tweets.txt"))
    with pytest.raises(UsageError, match="is there already"):
        studies.generate("run", output=str(tmp_path))
    assert (tmp_path / "tweets.txt").read_text(encoding="utf-8") == "precious"
    assert not scribe.asked


def test_a_file_in_another_encoding_can_be_collected(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes("text\nРакета летит\n".encode("cp1251"))
    studies.collect(str(tmp_path / "old.csv"), output=str(tmp_path / "new.csv"), encoding="cp1251")
    assert "Ракета летит" in (tmp_path / "new.csv").read_text(encoding="utf-8")


# audit


def test_an_audit_prints_its_tables_and_draws_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "a.txt").write_text("".join(f"{ENGLISH % i} w{i} v{i}\n" for i in range(30)), encoding="utf-8")
    account_data = data.TweetData(str(tmp_path / "a.txt"), canaries=2)
    account_data.setup("fit")
    module = TweetModel(hidden_dim=8)
    module._build(account_data.tokenizer, account_data.account, account_data.rules, True)
    monkeypatch.setattr(studies, "load", lambda run: module.eval())
    monkeypatch.setattr(data, "load_data", lambda run: account_data)
    monkeypatch.setattr(account_data, "prepare_data", lambda: None)
    call(studies.audit, ["runs/one", "--output", str(tmp_path / "out"), "--candidates", "15"])
    output = capsys.readouterr().out
    assert "without the model" in output
    assert [line.split()[:2] for line in output.split("planted ")[1].splitlines()[2:4]] == [["1", "1"], ["4", "1"]]
    assert output.splitlines()[-2:] == [f"pictures: {tmp_path / 'out'}", "next: suite generate runs/one -n 10"]
    drawn = {f"{name}{suffix}" for name in ("membership", "copies", "exposure") for suffix in (".png", ".csv")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == drawn


def test_an_audit_of_nothing_is_refused(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--candidates: expected a whole number of 1 or more, got 0"):
        call(studies.audit, ["runs/one", "--candidates", "0"])
    monkeypatch.setattr(studies, "load", lambda run: object())
    with pytest.raises(UsageError, match="runs/one is a run of object, which writes no tweets"):
        call(studies.audit, ["runs/one"])
