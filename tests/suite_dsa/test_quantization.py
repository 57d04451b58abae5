"""Embeddings in fewer bits keep their order in each dim, or their signs."""

import numpy as np
import pytest

from suite_dsa.quantization import quantize

EMBEDDINGS = np.random.default_rng(3).normal(size=(40, 11)).astype(np.float32)


def test_uint8_is_the_256th_part_of_the_range_that_a_value_lies_in() -> None:
    low, high = EMBEDDINGS.min(axis=0), EMBEDDINGS.max(axis=0)
    levels = quantize(EMBEDDINGS, "uint8")
    assert levels.dtype == np.uint8
    back = low + (levels.astype(float) + 0.5) * (high - low) / 255
    assert np.abs(back - EMBEDDINGS).max() <= ((high - low) / 255).max() * 0.51
    assert (levels.min(axis=0) == 0).all()
    assert (levels.max(axis=0) >= 254).all()  # the largest value is the upper border of the last step


def test_int8_is_uint8_less_128() -> None:
    signed = quantize(EMBEDDINGS, "int8")
    assert signed.dtype == np.int8
    np.testing.assert_array_equal(quantize(EMBEDDINGS, "uint8").astype(int) - 128, signed)


def test_bits_are_the_signs() -> None:
    bits = quantize(EMBEDDINGS, "ubinary")
    np.testing.assert_array_equal(EMBEDDINGS > 0, np.unpackbits(bits, axis=1, count=11))
    signed = quantize(EMBEDDINGS, "binary")
    assert signed.dtype == np.int8
    np.testing.assert_array_equal(bits.astype(int) - 128, signed)


def test_a_dim_without_range_has_the_lowest_level() -> None:
    np.testing.assert_array_equal([[0], [0]], quantize(np.ones((2, 1), np.float32), "uint8"))


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_one_embedding_has_no_range(precision: str) -> None:
    with pytest.raises(ValueError, match=f"precision: {precision} takes its steps from .* several embeddings, got one"):
        quantize(EMBEDDINGS[:1], precision)  # type: ignore[arg-type]


def test_float32_stays_as_it_is() -> None:
    np.testing.assert_array_equal(EMBEDDINGS, quantize(EMBEDDINGS, "float32"))
