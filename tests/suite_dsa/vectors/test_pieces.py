"""Vectors of pieces: a word is the mean of its own."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_suite.assets import cache_folder
from lightning_suite.errors import DataError
from suite_dsa.vectors import pieces
from suite_dsa.vectors.pieces import MINILM, PIECES, WORDLLAMA, PiecePackage, read_safetensors, read_words
from suite_dsa.vectors.reading import read_sources, read_vectors
from suite_dsa.vectors.side_by_side import stack

LETTERS = ["<unk>", "\u2581", "f", "i", "l", "m", "fi", "\u2581fi", "lm", "\u2581film"]


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
    vocabulary = {piece: i for i, piece in enumerate(LETTERS)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Prepend("\u2581")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    weights = safetensors(tmp_path / "weights", np.arange(10, dtype=np.float16).reshape(10, 1))
    monkeypatch.setattr(pieces, "fetch_all", lambda assets: [weights, tmp_path / "tokenizer.json"])


@pytest.mark.usefixtures("package")
def test_a_word_is_the_mean_of_its_pieces() -> None:
    pretrained = read_vectors("wordllama", ["fi", "fim", "film"], 0)

    assert {word: pretrained.vectors[row].item() for word, row in pretrained.rows.items()} == {
        "fi": 7,  # begins a word: the piece for that
        "fim": 6,  # 7 and 5
        "film": 9,
    }


@pytest.mark.usefixtures("package")
def test_a_word_without_a_known_piece_has_no_vector() -> None:
    pretrained = read_vectors("wordllama", ["z", "zf", "\ud800", ""], 0)

    assert {word: pretrained.vectors[row].item() for word, row in pretrained.rows.items()} == {
        "z": 1,  # the piece that begins a word
        "zf": 1.5,  # 1 and 2: what is between is unknown
        "\ud800": 1,
    }


@pytest.mark.usefixtures("package")
def test_beside_other_sources_it_makes_their_words_too(tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_text("fim 1\nfilm 2\nlif 3\n", encoding="utf-8")

    sources = read_sources([str(tmp_path / "glove.txt"), "wordllama"], ["fi"], extra_words=2)
    made = stack(["fi"], sources, extra_words=2, vector_norm=None)
    rows = torch.tensor([made.vocabulary.row(word) for word in ("fi", "fim", "film", "lif")])

    assert made.vectors(rows).tolist() == [[0, 7, 0, 1], [1, 6, 1, 1], [2, 9, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("name", "kind", "message"), [("other", "F16", "'embedding.weight'"), ("embedding.weight", "BF16", "BF16")]
)
def test_a_file_without_the_array_is_refused(tmp_path: Path, name: str, kind: str, message: str) -> None:
    path = safetensors(tmp_path / "w", np.zeros((1, 1), dtype=np.float16), name, kind)

    with pytest.raises(DataError, match=message):
        read_safetensors(path, "embedding.weight")


@pytest.mark.parametrize(("dtype", "kind"), [(np.float16, "F16"), (np.float32, "F32")])
def test_an_array_of_half_or_single_precision_is_read(tmp_path: Path, dtype: type, kind: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    read = read_safetensors(safetensors(tmp_path / "w", array, kind=kind), "embedding.weight")
    assert read.dtype == np.float32
    assert np.array_equal(read, array)


@pytest.mark.parametrize(("package", "dim"), [(WORDLLAMA, 256), (MINILM, 384)], ids=list(PIECES))
def test_the_real_packages_have_a_vector_for_every_word(package: PiecePackage, dim: int) -> None:
    if not (cache_folder() / f"{package.weights.package}-{package.weights.version}").is_dir():
        pytest.skip(f"needs the package in the cache: suite fit --plugin dsa --data.vectors {package.name} fetches it")
    pretrained = read_words(package, ["unfunny", "funny", "table", "\u65e5\u672c"])
    unfunny, funny, table = (pretrained.vectors[pretrained.rows[word]] for word in ("unfunny", "funny", "table"))

    assert pretrained.vectors.shape == (4, dim)
    assert unfunny @ funny / np.linalg.norm(unfunny) > 1.5 * table @ funny / np.linalg.norm(table)
