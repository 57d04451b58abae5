"""Unknown words are looked up in a list of their language before they are spelt."""

import gzip
import itertools
import math
from pathlib import Path

import pytest

from lightning_suite.errors import DataError, UsageError
from suite_tweets import data as data_file
from suite_tweets import tokens, word_list
from suite_tweets.data import TweetData
from suite_tweets.spelling import Spelling
from suite_tweets.tokens import Words, from_state, learn
from suite_tweets.word_list import ListedSpelling, asset_of, form_of, frequencies

LISTED = {"завод": 0.4, "ракета": 0.3, "море": 0.2, "и": 0.1}
VOCABULARY = ["завод", "Ракета", "«и", "море,", "ООО", "123", "—"]


def spelling(weight: float = 0.5) -> ListedSpelling:
    return ListedSpelling(VOCABULARY, LISTED, Spelling(VOCABULARY), weight)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("завод", ("", "lower", "завод", "")),
        ("«Завод»,", ("«", "first", "завод", "»,")),
        ("ЗАВОД", ("", "upper", "завод", "")),
        ("И", ("", "first", "и", "")),  # one of the two, so that a form has one probability
        ("don't", ("", "lower", "don't", "")),
        ("#Завод_1", ("#", "first", "завод_1", "")),
        ("2016", ("", "lower", "2016", "")),
        ("—", ("—", "lower", "", "")),
        ("зАвод", None),
    ],
)
def test_a_word_is_made_of_signs_capitals_and_a_word(text: str, expected: tuple[str, ...] | None) -> None:
    assert form_of(text) == expected


def test_the_list_gives_all_words_but_the_vocabulary_one_in_sum() -> None:
    listed = spelling()
    forms = [
        before + word + after
        for before, after in itertools.product(("", "«", "—"), ("", ",", "—"))
        for lower in LISTED
        for word in {lower, lower[0].upper() + lower[1:], lower.upper()}
    ]
    others = [form for form in set(forms) if form not in VOCABULARY]
    # A word of one letter in capitals is "first" alone, so the share of "upper" is lost for it.
    lost = 0.1 * listed._case["upper"] / listed._others
    assert sum(map(listed.of_list, others)) + lost == pytest.approx(1)
    assert listed.of_list("завод!") == 0  # a sign that the vocabulary has not
    assert listed.of_list("спутник") == 0
    assert listed.of_list("зАВОД") == 0


def test_list_and_spelling_are_mixed_by_their_weight() -> None:
    listed = spelling(0.75)
    mixed = 0.75 * listed.of_list("ракета") + 0.25 * 2 ** -Spelling(VOCABULARY).bits("ракета")
    assert listed.bits("ракета") == pytest.approx(-math.log2(mixed))
    assert listed.bits("спутник") == pytest.approx(Spelling(VOCABULARY).bits("спутник") + 2)
    assert math.isfinite(listed.bits("ж" * 5000))


def test_the_weight_makes_the_unknown_words_likeliest() -> None:
    words = ["ракета", "Завод", "море", "спутник", "Море"]
    fitted = spelling()
    fitted.fit(words)
    bits = {weight: sum(map(spelling(weight).bits, words)) for weight in (0.3, 0.6, 0.7, 0.8, 0.9, 0.98)}
    assert 0.6 < fitted.weight < 0.9
    assert sum(map(fitted.bits, words)) < min(bits.values())
    kept = spelling(0.3)
    kept.fit([])
    assert kept.weight == 0.3


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of Russian of four words."""
    monkeypatch.setattr(tokens, "frequencies", {"ru": LISTED}.__getitem__)


def test_words_that_are_listed_cost_fewer_bits(listed: None) -> None:
    texts, held_out = ["завод и ракета", "завод и море"], ["ракета море спутник"]
    plain = learn(texts[:1], "words", None, "kept")
    words = learn(texts[:1], "words", None, "kept", word_list="ru", validation=held_out)
    assert words.oov_bits("море") < 5 < plain.oov_bits("море")
    assert words.encode("море завод") == plain.encode("море завод")
    again = from_state(words.state())
    assert isinstance(again, Words)
    assert again.oov_bits("море спутник") == words.oov_bits("море спутник")
    assert again.state() == words.state()
    assert "word_list" not in plain.state()


def test_the_list_is_not_read_before_a_word_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(language: str) -> None:
        raise AssertionError(language)

    monkeypatch.setattr(tokens, "frequencies", unavailable)
    words = Words(["завод"], once=1, escape=0.1, digits="kept", word_list="ru")
    assert words.decode(words.encode("завод")) == "завод"
    with pytest.raises(AssertionError, match="ru"):
        words.oov_bits("море")


def test_the_language_is_that_of_most_tweets(listed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("завод и ракета\nзавод и море\nракета и завод\nвечер\n", encoding="utf-8")
    chosen = {}
    for code in ("ru", "ja"):
        monkeypatch.setattr(data_file, "languages", lambda texts, code=code: [code] * len(texts))
        data = TweetData(str(tmp_path / "a.txt"), word_list="auto")
        data.setup("fit")
        chosen[code] = data.tokenizer.state().get("word_list")
    assert chosen == {"ru": "ru", "ja": None}
    with pytest.raises(UsageError, match=r"--data\.word_list: .* got 'xx'"):
        TweetData(str(tmp_path / "a.txt"), word_list="xx")  # type: ignore[arg-type]


def test_a_list_is_read_by_the_frequencies_of_its_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    msgpack = pytest.importorskip("msgpack")
    path = tmp_path / "large_en.msgpack.gz"
    monkeypatch.setattr(word_list, "fetch", {asset_of("en"): path}.__getitem__)
    path.write_bytes(
        gzip.compress(msgpack.packb([{"format": "cB", "version": 1}, [], *[[]] * 99, ["the"], *[[]] * 99, ["moon"]]))
    )
    frequencies.cache_clear()
    ten = 10**0.8  # a hundred ranks are a power of ten, flattened
    assert frequencies("en") == pytest.approx({"the": ten / (1 + ten), "moon": 1 / (1 + ten)})
    frequencies.cache_clear()
    path.write_bytes(gzip.compress(msgpack.packb([{"format": "else"}])))
    with pytest.raises(DataError, match=r"one that begins with .*else"):
        frequencies("en")
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="no list of words"):
        frequencies("en")
