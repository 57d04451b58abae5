"""Tweets of one account, learnt word after word by an LSTM that then writes new ones.

A language model gives the probability of a text as a product over its tokens, each conditioned on those before it,

    p(w_1 ... w_n) = prod_t p(w_t | w_1 ... w_{t-1}),        p(. | w_1 ... w_{t-1}) = softmax(W h_t + b),

where h_t is the output of a stack of LSTM layers that has read the tokens before w_t. It is trained by cross-entropy on
the tweets of one account; drawing from it token by token writes a tweet. The paper's four models are two ways to cut
the tweets into training sequences times a network without and with dropout. ``ngram`` needs no network: it counts
words and characters by Kneser-Ney. ``modern`` mixes the two, with a network that does what has been learnt since about
small texts: tied embeddings, dropout that stays for a whole sequence.

V. A. Makrushina: "Generation of tweets based on an LSTM network" (in Russian), Bauman Moscow State Technical
University, 2020. Stephen Merity, Nitish Shirish Keskar, Richard Socher: "Regularizing and Optimizing LSTM Language
Models", 2018, arXiv:1708.02182. Stanley F. Chen, Joshua Goodman: "An Empirical Study of Smoothing Techniques for
Language Modeling", 1998, TR-10-98, Harvard University. Rico Sennrich, Barry Haddow, Alexandra Birch: "Neural Machine
Translation of Rare Words with Subword Units", 2016, arXiv:1508.07909.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightning_suite.plugin import Plugin

if TYPE_CHECKING:
    from suite_tweets.data import TweetData as TweetData
    from suite_tweets.module import TweetModel as TweetModel
    from suite_tweets.network import LanguageModel as LanguageModel
    from suite_tweets.studies.models import new_tweets as new_tweets

__all__ = ["LanguageModel", "TweetData", "TweetModel", "new_tweets", "plugin"]

_PLACES = {
    "LanguageModel": "suite_tweets.network",
    "TweetData": "suite_tweets.data",
    "TweetModel": "suite_tweets.module",
    "new_tweets": "suite_tweets.studies.models",
}
"""In which file the names are that others import."""

plugin = Plugin(
    name="tweets",
    summary="Tweets in the manner of an account, by an LSTM, by n-grams, or by both",
    module="suite_tweets.module:TweetModel",
    data="suite_tweets.data:TweetData",
    recipes="suite_tweets:recipes",
    reproductions="suite_tweets:reproductions",
    commands={
        "collect": "suite_tweets.studies.accounts:collect",
        "analyse": "suite_tweets.studies.accounts:analyse",
        "generate": "suite_tweets.studies.models:generate",
        "audit": "suite_tweets.studies.models:audit",
    },
    paper="Makrushina (2020), Bauman MSTU; Merity, Keskar, Socher (2018), arXiv:1708.02182",
    extra="tweets",
    api=1,
)


def __getattr__(name: str) -> Any:
    """Return what is named above; it is imported when it is asked for: the record must be cheap to read."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
