"""How texts are divided."""

from hypothesis import given, settings
from hypothesis import strategies as some

from suite_tweets.division import divided


@settings(max_examples=40)
@given(
    count=some.integers(3, 60),
    validation=some.floats(0.01, 0.45),
    test=some.floats(0.01, 0.45),
)
def test_every_text_is_in_one_part_and_no_part_is_empty(count: int, validation: float, test: float) -> None:
    texts = [f"text {i}" for i in range(count)]
    parts = divided(texts, validation, test)
    assert [*parts.train, *parts.validation, *parts.test] == texts
    assert all(parts)
