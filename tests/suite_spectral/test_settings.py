from collections.abc import Callable
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from suite_spectral.settings import Settings, refuse_impossible

Made = Callable[..., Settings]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_clusters": 0}, "1 or more.*got 0"),
        ({"n_clusters": 31}, "31 clusters were asked for, and there are 30"),
        ({"n_clusters": 3, "assign": "sign"}, "second eigenvector, not 3"),
        ({"affinity": "self-tuning", "route": "landmarks"}, "landmarks are for the affinities .*, not 'self-tuning'"),
        ({"affinity": "cosine", "route": "better"}, "route 'better': landmarks are for .*, not 'cosine'"),
        ({"affinity": "precomputed", "route": "better"}, "not 'precomputed'; take route 'exact'"),
        ({"affinity": "pixels", "route": "landmarks"}, "not 'pixels'"),
        ({"n_clusters": 9, "route": "better", "landmarks": 8}, "landmarks: expected at least 9.*got 8"),
        ({"affinity": "rbf", "assign": "sign", "route": "landmarks"}, "degrees of all points"),
    ],
)
def test_what_cannot_be_clustered_is_refused(changes: dict[str, Any], said: str, settings: Made) -> None:
    with pytest.raises(UsageError, match=said):
        refuse_impossible(settings(**changes), 30)


def test_one_point_is_refused(settings: Made) -> None:
    with pytest.raises(UsageError, match="at least 2 points"):
        refuse_impossible(settings(n_clusters=1), 1)


@pytest.mark.parametrize("affinity", ["self-tuning", "cosine", "precomputed", "pixels"])
def test_the_exact_route_asks_nothing_of_landmarks(affinity: str, settings: Made) -> None:
    refuse_impossible(settings(affinity=affinity, landmarks=1), 30)
