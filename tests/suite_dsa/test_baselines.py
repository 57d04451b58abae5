"""The simple classifiers learn what they can, and what they cannot they do not."""

import numpy as np
import pytest
import torch

from suite_dsa.baselines import AveragedVectors, Baseline, Labelled, TfIdf
from suite_dsa.vocabulary import Vocabulary

WORDS = ["good", "bad", "film", "not", "dog", "cat"]
VECTORS = torch.cat([torch.zeros(1, 8), torch.randn(len(WORDS), 8, generator=torch.Generator().manual_seed(0))])


def averaged() -> AveragedVectors:
    return AveragedVectors(Vocabulary(WORDS, range(1, len(WORDS) + 1)), VECTORS.__getitem__, str.split)


def of(rows: dict[tuple[str, ...], int]) -> Labelled:
    return Labelled(list(rows), np.array(list(rows.values())))


OPINIONS = of({("a good film",): 1, ("a bad film",): 0, ("good",): 1, ("bad",): 0})
ORDERS = of({("not good bad",): 0, ("not bad good",): 1, ("good not bad",): 1, ("bad not good",): 0})
PAIRS = of({("a dog", "a dog"): 0, ("a cat", "a cat"): 0, ("a dog", "a cat"): 1, ("a cat", "a dog"): 1})


@pytest.mark.parametrize("baseline", [TfIdf(str.split), averaged()])
@pytest.mark.parametrize("data", [OPINIONS, PAIRS])
def test_words_and_pairs_of_words_are_learnt(baseline: Baseline, data: Labelled) -> None:
    baseline.fit(data, data)

    assert baseline.predict(data.texts).tolist() == data.labels.tolist()
    assert baseline.val_accuracy == 1.0
    assert baseline.penalty in baseline.penalties


def test_averaged_vectors_know_no_order_and_tf_idf_knows_neighbours() -> None:
    assert len(set(averaged().fit(OPINIONS, OPINIONS).predict([("not good bad",), ("not bad good",)]).tolist())) == 1
    assert TfIdf(str.split).fit(ORDERS, ORDERS).predict(ORDERS.texts).tolist() == ORDERS.labels.tolist()


def test_the_penalty_is_chosen_on_validation_data() -> None:
    flipped = Labelled(OPINIONS.texts, 1 - OPINIONS.labels)

    assert averaged().fit(OPINIONS, flipped).val_accuracy == 0.0


def test_the_mean_of_a_sentence_is_over_its_known_and_unknown_words() -> None:
    means = averaged().means(["good bad", "good unheard", ""])

    torch.testing.assert_close(means[0], (VECTORS[1] + VECTORS[2]) / 2)
    torch.testing.assert_close(means[1], VECTORS[1] / 2)
    torch.testing.assert_close(means[2], torch.zeros(8))
