"""The commands on an account's tweets, called as the command line calls them."""

import csv
import sys
import time
from pathlib import Path

import pytest

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import call
from suite_tweets import data
from suite_tweets.sources.reading import read
from suite_tweets.studies import accounts
from suite_tweets.studies.accounts import analyse
from suite_tweets.tweets import Tweet, write_tweets

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
    monkeypatch.setattr(accounts, "fetch", lambda asset: path)
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
    monkeypatch.setattr(accounts, "languages", lambda texts: [time.sleep(0.01) or "en" for text in texts])
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    assert "detecting languages: done, 40 tweets" in capsys.readouterr().err


def test_no_bar_is_shown_for_what_is_done_at_once(
    tweets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lightning_suite.progress.PATIENCE", 600.0)  # the machine may be busy
    call(analyse, [str(tweets), "--output", str(tmp_path / "out")])
    assert capsys.readouterr().err == ""


def test_a_file_in_another_encoding_can_be_collected(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes("text\nРакета летит\n".encode("cp1251"))
    accounts.collect(str(tmp_path / "old.csv"), output=str(tmp_path / "new.csv"), encoding="cp1251")
    assert "Ракета летит" in (tmp_path / "new.csv").read_text(encoding="utf-8")
