"""An account is known by the lengths and the first words of its tweets."""

import io

import pytest
import torch

from suite_tweets.account import Account, weighted_length

# Lengths as X counts them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("rocket", 6),
        ("ракета", 6),
        ("ёлка №", 6 + 1),  # № is U+2116, outside the ranges that weigh 1
        ("שלום", 4),
        ("🚀", 2),
        ("日本語", 6),
        ("“так” — да…", 12),  # of these signs only the three dots are outside
        ("\u10ff\u1100", 3),
        ("\u200d\u200e\u200f\u2010", 1 + 2 + 2 + 1),
        ("\u201f\u2020\u2031\u2032\u2037\u2038", 1 + 2 + 2 + 1 + 1 + 2),
    ],
)
def test_characters_weigh_what_x_says(text: str, expected: int) -> None:
    assert weighted_length(text) == expected


# The account


def test_an_account_is_what_its_tweets_are() -> None:
    account = Account.of(["Ракета летит", "Ракета 🚀", "  ", "Up"])
    assert list(account.lengths) == [12, 9, 2]
    assert dict(account.first_words) == {"Ракета": 2, "Up": 1}


@pytest.mark.parametrize("account", [Account(), Account.of(["Ракета летит", "שלום עולם", "Up"])])
def test_an_account_comes_back_from_a_checkpoint(account: Account) -> None:
    file = io.BytesIO()
    torch.save(account.state(), file)
    file.seek(0)
    back = Account.from_state(torch.load(file, weights_only=True))
    assert list(back.lengths) == list(account.lengths)
    assert dict(back.first_words) == dict(account.first_words)
    assert back.fingerprints == account.fingerprints


def test_an_account_knows_the_tweets_it_was_made_of_and_no_others() -> None:
    account = Account.of(["Ракета летит", "Up"])
    assert account.knows("Ракета летит")
    assert not account.knows("Ракета летит ")
    assert not Account().knows("Up")
