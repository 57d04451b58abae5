"""Languages of made-up texts, and of the measured data sets."""

import csv
import lzma
from pathlib import Path

import pytest

from suite_tweets.languages import UNDETERMINED, languages, name_of

pytest.importorskip("py3langid")

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "text" / "tweets"

ENGLISH = [
    "Our new rocket stands on the pad and will fly tomorrow morning",
    "Thank you all for watching the landing with us today",
    "The second stage reached its orbit as planned",
    "We are looking for engineers who like to build things",
    "Here is the first picture from the camera on the booster",
]
RUSSIAN = [
    "Сегодня в городе открыли новую газовую станцию для автобусов",
    "Поздравляем всех работников нефтяной промышленности с праздником",
    "Подписано соглашение о поставках газа до конца года",
    "В музее началась выставка о первых полётах в космос",
    "Завтра покажем, как строят корабли для северных морей",
]


def test_languages_of_sentences_are_detected() -> None:
    assert languages([*ENGLISH, *RUSSIAN]) == ["en"] * 5 + ["ru"] * 5


@pytest.mark.parametrize("text", ["", "https://t.co/abc", "@anna @peter", "🎉🎉🎉", "#газпром", "12:30 — 14:00", "ok"])
def test_what_holds_no_prose_is_undetermined(text: str) -> None:
    assert languages([text, *ENGLISH]) == [UNDETERMINED, *["en"] * 5]


def test_a_short_text_is_detected_by_the_others_of_its_account() -> None:
    short = "Liftoff!"
    assert languages([short]) != ["en"]
    assert languages([short, *ENGLISH * 40])[0] == "en"


def test_a_single_tweet_in_another_language_is_not_lost() -> None:
    foreign = "Сьогодні ми запустили нову ракету з космодрому"
    assert languages([*RUSSIAN * 100, foreign])[-1] == "uk"


def test_links_and_mentions_do_not_make_a_russian_tweet_english() -> None:
    text = "Видео дня @company_news https://t.co/watch-this-video #launchday: пуск ракеты с северного космодрома"
    assert languages([text]) == ["ru"]


def test_no_text_has_no_language() -> None:
    assert languages([]) == []


def test_a_text_of_ten_megabytes_is_detected_by_its_beginning() -> None:
    assert languages([(RUSSIAN[0] + " ") * 160_000]) == ["ru"]


def test_a_language_without_a_name_goes_by_its_code() -> None:
    assert (name_of("ru"), name_of(UNDETERMINED), name_of("xh")) == ("Russian", "undetermined", "xh")


@pytest.mark.parametrize(("name", "language"), [("spacex.csv.xz", "en"), ("fortunes_ru_le280.csv.xz", "ru")])
def test_languages_of_real_accounts_are_detected(name: str, language: str) -> None:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:3000]
    assert languages(texts).count(language) >= 0.99 * len(texts)
