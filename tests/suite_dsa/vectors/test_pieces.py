"""WordLlama's vectors: a word is the mean of its pieces."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_suite.assets import cache_folder
from lightning_suite.errors import DataError
from suite_dsa.vectors import wordllama
from suite_dsa.vectors.reading import read_sources, read_vectors
from suite_dsa.vectors.side_by_side import stack
from suite_dsa.vectors.wordllama import WORDLLAMA, read_safetensors

PIECES = ["<unk>", "\u2581", "f", "i", "l", "m", "fi", "\u2581fi", "lm", "\u2581film"]


def safetensors(path: Path, array: np.ndarray, name: str = "embedding.weight", kind: str = "F16") -> Path:
    header = json.dumps({name: {"dtype": kind, "shape": array.shape, "data_offsets": [0, array.nbytes]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())
    return path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up package of ten pieces, whose vectors are their numbers."""
    models = pytest.importorskip("tokenizers.models")
    from tokenizers import Tokenizer, normalizers

    merges = [("f", "i"), ("l", "m"), ("\u2581", "fi"), ("\u2581fi", "lm")]
    vocabulary = {piece: i for i, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Prepend("\u2581")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    weights = safetensors(tmp_path / "weights", np.arange(10, dtype=np.float16).reshape(10, 1))
    monkeypatch.setattr(wordllama, "fetch_all", lambda assets: [weights, tmp_path / "tokenizer.json"])


@pytest.mark.usefixtures("package")
def test_a_word_is_the_mean_of_its_pieces() -> None:
    pretrained = read_vectors(WORDLLAMA, ["fi", "fim", "film"], 0)

    assert {word: pretrained.vectors[row].item() for word, row in pretrained.rows.items()} == {
        "fi": 7,  # begins a word: the piece for that
        "fim": 6,  # 7 and 5
        "film": 9,
    }


@pytest.mark.usefixtures("package")
def test_any_word_has_a_vector() -> None:
    pretrained = read_vectors(WORDLLAMA, ["zyzzyva", "\ud800", ""], 0)

    assert np.isfinite(pretrained.vectors).all()
    assert {"zyzzyva", "\ud800", ""} <= set(pretrained.rows)


@pytest.mark.usefixtures("package")
def test_beside_other_sources_it_makes_their_words_too(tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_text("fim 1\nfilm 2\nlif 3\n", encoding="utf-8")

    sources = read_sources([str(tmp_path / "glove.txt"), WORDLLAMA], ["fi"], extra_words=2)
    made = stack(["fi"], sources, extra_words=2, vector_norm=None)
    rows = torch.tensor([made.vocabulary.row(word) for word in ("fi", "fim", "film", "lif")])

    assert made.vectors(rows).tolist() == [[0, 7, 0, 1], [1, 6, 1, 1], [2, 9, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("name", "kind", "message"), [("other", "F16", "'embedding.weight'"), ("embedding.weight", "F32", "F32")]
)
def test_a_file_without_the_array_is_refused(tmp_path: Path, name: str, kind: str, message: str) -> None:
    path = safetensors(tmp_path / "w", np.zeros((1, 1), dtype=np.float16), name, kind)

    with pytest.raises(DataError, match=message):
        read_safetensors(path, "embedding.weight")


def test_the_real_package_has_a_vector_for_every_word() -> None:
    if not (cache_folder() / "wordllama-0.4.0.post1").is_dir():
        pytest.skip("needs the package in the cache: suite fit --plugin dsa --data.vectors wordllama fetches it")
    pretrained = read_vectors(WORDLLAMA, ["unfunny", "funny", "table", "\u65e5\u672c"], 0)
    unfunny, funny, table = (pretrained.vectors[pretrained.rows[word]] for word in ("unfunny", "funny", "table"))

    assert pretrained.vectors.shape == (4, 256)
    assert unfunny @ funny / np.linalg.norm(unfunny) > 2 * table @ funny / np.linalg.norm(table)
