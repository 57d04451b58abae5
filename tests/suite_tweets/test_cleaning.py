"""The rules of cleaning: each alone, in Russian and in English, and what the two sets of rules promise together."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_suite.errors import UsageError
from suite_tweets.cleaning import MODERN, PAPER, RULE_SETS, RULES, clean, steps

SIGNS = "@ bob user # тег &amp; &#64; amp; amp & ООО АО - _ ' ’ a Я © ( ) « » . … ? İ ς ß 5 h… 。 さん &zwj; http שלום"
INVISIBLE = " \n\u2028\xa0\u0306\u0301\u200b\u200c\u200d\ufe0f\u200f\ufeff\0"
PIECES = st.sampled_from(
    [*SIGNS.split(), *INVISIBLE, "www.", "https:/", "https://t.co/abc", "t.co/", "...", "👨", ";", ",", '"', "😀"]
)
TEXTS = st.lists(st.one_of(PIECES, st.characters()), max_size=12).map("".join)


def test_the_sets_of_rules_are_named() -> None:
    assert dict(RULE_SETS) == {"paper": PAPER, "modern": MODERN, "none": ()}


def test_every_rule_of_a_set_exists() -> None:
    assert set(PAPER) | set(MODERN) <= set(RULES)


def test_an_unknown_rule_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'hashtag'[^?]*Did you mean 'hashtags'"):
        clean("a", ["hashtag"])


def test_rules_are_applied_in_their_own_order_whatever_order_is_asked_for() -> None:
    assert clean("см. https://t.co/aB1, @bob!", ["punctuation", "spaces", "mentions", "links"]) == "см user"


def test_without_rules_the_text_stays_as_it_is() -> None:
    assert clean(" A&amp;B\n@bob ", RULE_SETS["none"]) == " A&amp;B\n@bob "


# One rule each


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Запуск завтра https://t.co/aB1", "Запуск завтра  "),
        ("Launch http://example.com/a?b=c&d tomorrow", "Launch   tomorrow"),
        ("Сайт www.пример.рф открыт", "Сайт   открыт"),
        ("see t.co/aB1 or pic.twitter.com/xY2", "see   or  "),
        ("RT @bob: Полёт завершён https:/…", "RT @bob: Полёт завершён  "),
        ("RT @bob: The flight is over http…", "RT @bob: The flight is over  "),
        ("RT @bob: The flight is over ht…", "RT @bob: The flight is over "),
        ("“RT @bob: Полёт h…” h…", "“RT @bob: Полёт "),
        ("фото (https://t.co/aB1).", "фото ( )."),
        ("https://en.example.org/wiki/Mars_(planet), yes", " , yes"),
        ("Смотриhttps://t.co/aB1https://t.co/cD2", "Смотри  "),
    ],
)
def test_links_go_whole_or_cut_off(text: str, expected: str) -> None:
    assert clean(text, ["links"]) == expected


@pytest.mark.parametrize(
    "text", ["https is a protocol", "протокол http", "what.co/me", "www is a word", "хто…", "ah…", "h… is cut"]
)
def test_what_only_looks_like_a_link_stays(text: str) -> None:
    assert clean(text, ["links"]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Спасибо, @bob_1!", "Спасибо, user!"),
        (".@bob @ann’s day", ".user user’s day"),
        ("привет@bobпока", "привет user пока"),
        ("@@bob", "user"),
    ],
)
def test_a_mention_becomes_the_word_user(text: str, expected: str) -> None:
    assert clean(text, ["mentions"]) == expected


@pytest.mark.parametrize("rule", ["mentions", "names"])
@pytest.mark.parametrize("text", ["mail bob@example.com", "пишите на info@example.ru", "5 @ 10", "@ bob"])
def test_an_address_of_mail_or_a_lone_sign_is_no_mention(text: str, rule: str) -> None:
    assert clean(text, [rule]) == text


def test_a_name_is_hidden_and_stays_a_mention() -> None:
    assert clean("Спасибо, @bob_1! .@ann’s", ["names"]) == "Спасибо, @user! .@user’s"


@pytest.mark.parametrize(
    ("text", "expected"), [("#Космос и #space2020", "Космос и space2020"), ("C# is #1, # is not", "C# is 1, # is not")]
)
def test_the_sign_of_a_hashtag_goes_and_its_word_stays(text: str, expected: str) -> None:
    assert clean(text, ["hashtags"]) == expected


@pytest.mark.parametrize("form", ["ООО", "ОАО", "ПАО", "ЗАО", "НАО", "АО"])
def test_a_form_of_organisation_goes(form: str) -> None:
    assert clean(f"Фото: {form} «Ромашка»", ["organisations"]) == "Фото:   «Ромашка»"


@pytest.mark.parametrize(
    "text", ["Какао и ПАОЛО", "ооо, как высоко", "Acme Inc and Acme LLC", "МАОУ", "ПАО-шник", "ХАО", "Икс-ООО"]
)
def test_only_whole_words_in_capitals_are_forms_of_organisation(text: str) -> None:
    assert clean(text, ["organisations"]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("газ &amp; нефть", "газ   нефть"),
        ("R&amp;D &lt;now&gt; &quot;so&quot;", "R D  now   so "),
        ("&amp;amp; twice", "  twice"),
        ("don&#39;t", "don't"),
        ("caf&eacute;", "café"),
        ("газ amp; нефть", "газ   нефть"),
        ("Марс —\xa0это\xa0далеко", "Марс  это далеко"),
        ("\ufeffми\u200bр ми\u00adр\u200e a\ufffdb\x00", "мир мир ab"),
    ],
)
def test_what_decoding_left_over_goes(text: str, expected: str) -> None:
    assert clean(text, ["leftovers"]) == expected


@pytest.mark.parametrize("text", ["an amp and an amplifier", "ампер; лампа", "AT&T", "a & b;", "amp"])
def test_the_word_amp_is_not_taken_for_an_entity(text: str) -> None:
    assert clean(text, ["leftovers"]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("газ &amp; нефть &lt;3 &#1071;", "газ & нефть <3 Я"),
        ("R&amp;amp;D", "R&D"),
        ("Марс —\xa0это", "Марс — это"),
        ("\ufeffми\u200bр", "мир"),
        ("&unknown; &copy", "&unknown; &copy"),
    ],
)
def test_entities_are_undone(text: str, expected: str) -> None:
    assert clean(text, ["entities"]) == expected


def test_joiners_stay_in_emoji_and_arabic_and_go_between_other_letters() -> None:
    assert clean("👨\u200d👩\u200d👧 می\u200cخواهم ми\u200dр \u200dab\u200c", ["entities"]) == (
        "👨\u200d👩\u200d👧 می\u200cخواهم мир ab"
    )


@pytest.mark.parametrize("sign", list("©®°™№♪"))
def test_an_odd_sign_is_removed(sign: str) -> None:
    assert clean(f"Газ{sign}5 {sign}\ufe0f6", ["odd-signs"]) == "Газ 5  6"


def test_brackets_and_quotation_marks_go() -> None:
    text = '(a) [б] {c} «д» “e” „ж“ "g" 「字」'

    assert clean(text, ["brackets", "spaces"]) == "a б c д e ж g 字"


def test_brackets_leave_the_curled_apostrophe() -> None:
    assert clean("don’t", ["brackets"]) == "don’t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("В четыре шага? Да! Вот: раз, два; три…", "В четыре шага Да Вот раз два три"),
        ("осенне-зимний период — начало", "осенне зимний период начало"),
        ("don't, don’t, 'quoted'", "dont dont quoted"),
        ("об'єкт", "обєкт"),
        ("11,2% and $5", "11 2 and 5"),
        ("gpr_export a__b _so_ ___", "gpr_export a__b so"),
        ("a+b=c|d~e^f`g<h>i", "a b c d e f g h i"),
        ("今日は。明日！", "今日は 明日"),
    ],
)
def test_punctuation_goes_and_words_stay_apart(text: str, expected: str) -> None:
    assert clean(text, ["punctuation", "spaces"]) == expected


def test_emoji_go() -> None:
    assert clean("👨\u200d👩\u200d👧 пуск 🚀❤\ufe0f👍🏽 go 🇷🇺", ["emoji", "spaces"]) == "пуск go"


def test_spaces_and_letters_are_standardised() -> None:
    assert clean(" a\n\tb\u2028\xa0в\u3000и\u0306 ", ["spaces"]) == "a b в й"


def test_letters_become_small() -> None:
    assert clean("ГАЗ Ёлка NASA", ["lower-case"]) == "газ ёлка nasa"


# The sets


def test_the_rules_of_the_paper_leave_words_alone_in_russian() -> None:
    text = "RT @bob: «Осенне-зимний» период в ООО «Ромашка» &amp; №5 —\xa0успех! #Газ https://t.co/aB1"

    assert clean(text, PAPER) == "rt user осенне зимний период в ромашка 5 успех газ"


def test_the_rules_of_the_paper_leave_words_alone_in_english() -> None:
    text = "We’re ready (again): @bob &amp; Acme™ don't stop, 25°! #GoMars https:/…"

    assert clean(text, PAPER) == "were ready again user acme dont stop 25 gomars"


def test_the_modern_rules_keep_punctuation_case_hashtags_and_emoji() -> None:
    text = "RT @bob: «Осенне-зимний» период &amp; №5 —\xa0успех! #Газ 👍🏽\nhttps://t.co/aB1"

    assert clean(text, MODERN) == "RT @user: «Осенне-зимний» период & №5 — успех! #Газ 👍🏽"


def test_the_modern_rules_keep_text_and_marks_from_right_to_left() -> None:
    text = "\u202bשלום\u200f, עולם!\u202c مرحبا، كيف؟"

    assert clean(text, MODERN) == text


def test_the_rules_of_the_paper_keep_words_from_right_to_left() -> None:
    assert clean("שלום\u200f, @bob! مرحبا، كيف؟", PAPER) == "שלום user مرحبا كيف"


@pytest.mark.parametrize("name", ["paper", "modern"])
def test_a_text_of_nothing_but_links_and_signs_becomes_empty(name: str) -> None:
    assert clean("https://t.co/aB1 \u200b www.example.com/…", RULE_SETS[name]) == ""


def test_an_underscore_after_an_accent_stays_within_its_word() -> None:
    assert clean("İ_bob", PAPER) == clean(clean("İ_bob", PAPER), PAPER) == "i\u0307_bob"


@pytest.mark.parametrize("rules", [PAPER, MODERN, tuple(RULES)], ids=["paper", "modern", "all"])
def test_cleaning_twice_is_cleaning_once(rules: tuple[str, ...]) -> None:
    @settings(max_examples=300, deadline=None)
    @given(TEXTS)
    def check(text: str) -> None:
        once = clean(text, rules)
        assert clean(once, rules) == once

    check()


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_what_the_paper_removes_is_not_in_its_texts(text: str) -> None:
    cleaned = clean(text, PAPER)

    assert cleaned == unicodedata.normalize("NFC", cleaned.lower())
    assert cleaned == " ".join(cleaned.split())
    assert not re.search(r"[()\[\]{}«»\"@#&;.,!?©®°™№♪\xa0\u200b\ufeff]|https?:", cleaned)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rules", [PAPER, MODERN], ids=["paper", "modern"])
def test_the_time_of_cleaning_grows_with_the_length_and_not_with_its_square(rules: tuple[str, ...]) -> None:
    runs = ["#", "@", ")", "_", "…", ".", "\u200d", "h… ", "a.", " @bob", "&amp;", "amp;", "https://", "&#38;"]

    for run in runs:
        assert clean("https://t.co/a b" + run * 200_000 + "c", rules)


# Steps


def test_steps_name_each_rule_that_changed_something_with_the_text_after_it() -> None:
    assert steps("Привет, @bob", PAPER) == [
        ("mentions", "Привет, user"),
        ("punctuation", "Привет  user"),
        ("spaces", "Привет user"),
        ("lower-case", "привет user"),
    ]


def test_a_clean_text_takes_no_steps() -> None:
    assert steps("привет user", PAPER) == []
