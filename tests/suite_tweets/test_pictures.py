"""Pictures are drawn from any text, and the numbers beside them are those that are drawn."""

import csv
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from suite_tweets.analysis import Word, losses
from suite_tweets.pictures import write_histogram, write_losses, write_shares, write_words

pytest.importorskip("matplotlib")

pytestmark = pytest.mark.filterwarnings("error")


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_a_histogram_has_its_numbers_beside_it(tmp_path: Path) -> None:
    picture = tmp_path / "words.png"
    numbers = {"words": np.array([1, 1, 3]), "words cleaned": np.array([0, 1, 3])}
    written = write_histogram(picture, numbers, "Слов в твите", "words")
    assert written == tmp_path / "words.csv"
    assert rows(written) == [
        ["low", "high", "words", "words cleaned"],
        ["0", "0", "0", "1"],
        ["1", "1", "2", "1"],
        ["2", "2", "0", "0"],
        ["3", "3", "1", "1"],
        ["4", "inf", "0", "0"],
    ]
    assert min(size(picture)) > 400


def test_what_a_histogram_leaves_out_is_in_its_last_row(tmp_path: Path) -> None:
    numbers = {"characters": np.array([*range(100)] * 4 + [10_000_000])}
    written = write_histogram(tmp_path / "characters.png", numbers, "Characters", "characters", (140, 280))
    assert rows(written)[-2:] == [["98", "99", "8"], ["100", "inf", "1"]]


@pytest.mark.parametrize("numbers", [[0], [0, 0], [7], [140, 280], [1, 10_000_000]])
def test_any_number_can_be_drawn(tmp_path: Path, numbers: list[int]) -> None:
    picture = tmp_path / "characters.png"
    write_histogram(picture, {"characters": np.array(numbers)}, "Characters", "characters", (140, 280))
    assert min(size(picture)) > 400


def test_losses_have_their_numbers_beside_them(tmp_path: Path) -> None:
    of_lengths = losses(np.array([0, 1, 3, 3]))
    written = write_losses(tmp_path / "seq_length.png", of_lengths, 1)
    assert rows(written) == [
        ["seq_length", "share_lost", "windows_set_1", "sequences_set_2"],
        ["1", "0.25", "10", "10"],
        ["2", "0.5", "6", "5"],
        ["3", "0.5", "4", "3"],
    ]
    assert min(size(tmp_path / "seq_length.png")) > 400


@pytest.mark.parametrize("advised", [1, 1_900_000])
def test_losses_of_one_tweet_can_be_drawn(tmp_path: Path, advised: int) -> None:
    write_losses(tmp_path / "seq_length.png", losses(np.array([advised])), advised)
    assert min(size(tmp_path / "seq_length.png")) > 400


def test_words_have_their_numbers_beside_them(tmp_path: Path) -> None:
    lists = {"all": [Word("и", 9, 7), Word("газ", 3, 3)], "longer": [Word("ракета", 2, 1)]}
    written = write_words(tmp_path / "words_frequent.png", lists, "Words")
    assert rows(written) == [
        ["list", "rank", "word", "times", "tweets"],
        ["all", "1", "и", "9", "7"],
        ["all", "2", "газ", "3", "3"],
        ["longer", "1", "ракета", "2", "1"],
    ]


def test_longer_lists_of_words_make_higher_pictures(tmp_path: Path) -> None:
    word = Word("газ", 3, 3)
    for count in (3, 30):
        write_words(tmp_path / f"{count}.png", {"all": [word] * count}, "Words")
    assert size(tmp_path / "30.png")[1] > 2 * size(tmp_path / "3.png")[1]


@pytest.mark.parametrize(
    "word",
    ["🎉", "مرحبا", "שלום", "नमस्ते", "今日は", "$x_{$", "$5$", r"\frac", "half\ud83d", "nul\x00", "x" * 10_000_000],
)
def test_any_word_can_be_drawn(tmp_path: Path, word: str) -> None:
    write_words(tmp_path / "words_frequent.png", {"all": [Word(word, 1, 1)]}, "Words")
    assert min(size(tmp_path / "words_frequent.png")) > 100


def test_a_title_is_no_formula(tmp_path: Path) -> None:
    write_words(tmp_path / "words_frequent.png", {"all": []}, "$x_{$.csv")
    write_histogram(tmp_path / "words.png", {"words": np.array([1])}, "$x_{$.csv", "words")
    assert min(size(tmp_path / "words.png")) > 400


def test_no_words_can_be_drawn(tmp_path: Path) -> None:
    written = write_words(tmp_path / "words_frequent.png", {"all": []}, "Words")
    assert rows(written) == [["list", "rank", "word", "times", "tweets"]]


def test_shares_of_languages_come_with_the_most_frequent_first(tmp_path: Path) -> None:
    write_shares(tmp_path / "languages.csv", Counter({"und": 1, "ru": 3}))
    assert rows(tmp_path / "languages.csv") == [
        ["code", "language", "tweets", "share"],
        ["ru", "Russian", "3", "0.75"],
        ["und", "undetermined", "1", "0.25"],
    ]
