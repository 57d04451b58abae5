"""Word vectors from every format, and the embedding table made of them."""

import json
import lzma
import os
import stat
import time
from pathlib import Path

import msgpack
import numpy as np
import pytest
import torch

from lightning_suite.errors import AssetError, DataError
from suite_dsa import vectors
from suite_dsa.vectors import PACKAGE, Embedding, WordVectors, embed, read_vectors, word_keys
from suite_dsa.vocabulary import UNKNOWN

PRETRAINED = WordVectors(
    np.array([[3, 4], [0, 5], [6, 8], [1, 0]], dtype=np.float32),
    {"the": 0, "film": 1, "movie": 1, "Rome": 2, "rare": 3, "odd": 3, "with\nbreak": 3},
)


def embedding(words: list[str], extra_words: int = 0, vector_norm: float | None = None, seed: int = 0) -> Embedding:
    return embed(words, PRETRAINED, extra_words=extra_words, vector_norm=vector_norm, oov_range=0.05, seed=seed)


def vector(made: Embedding, word: str) -> list[float]:
    return made.vectors[made.vocabulary.row(word)].tolist()


# The table


def test_training_words_have_their_pretrained_vectors() -> None:
    made = embedding(["film", "the"])

    assert vector(made, "film") == [0, 5]
    assert vector(made, "the") == [3, 4]
    assert (made.found, made.missing) == (2, 0)


def test_words_that_share_a_row_share_one_in_the_table() -> None:
    made = embedding(["film", "movie"])

    assert made.vocabulary.row("film") == made.vocabulary.row("movie")
    assert len(made.vectors) == 2  # and the unknown word's


def test_a_word_is_looked_up_in_other_spellings() -> None:
    made = embedding(["The", "rome"])

    assert vector(made, "The") == [3, 4]
    assert vector(made, "rome") == [6, 8]


def test_a_word_without_a_vector_has_a_small_random_one_of_its_own() -> None:
    made = embedding(["zyzzyva", "the", "qwerty"])

    first, second = vector(made, "zyzzyva"), vector(made, "qwerty")
    assert first != second
    assert max(map(abs, first + second)) <= 0.05
    assert made.missing == 2


def test_the_unknown_word_has_a_small_random_vector_too() -> None:
    unknown = vector(embedding(["the"]), "nowhere")

    assert 0 < max(map(abs, unknown)) <= 0.05


def test_random_vectors_are_a_function_of_the_seed() -> None:
    first, again, other = (embedding(["zyzzyva"], seed=seed).vectors for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_words_beyond_the_training_data_are_kept_up_to_a_number_of_vectors() -> None:
    assert embedding(["the"]).vocabulary.row("film") == UNKNOWN
    assert vector(embedding(["the"], extra_words=1), "movie") == [0, 5]
    assert embedding(["the"], extra_words=1).vocabulary.row("rare") == UNKNOWN
    assert len(embedding(["the"], extra_words=9).vectors) == 5


def test_words_on_a_kept_row_cost_nothing_and_are_kept() -> None:
    assert vector(embedding(["film"]), "movie") == [0, 5]


def test_all_vectors_are_scaled_to_the_norm_of_the_training_words() -> None:
    made = embedding(["the", "film"], extra_words=9, vector_norm=6.0)

    assert made.scale == pytest.approx(1.2)  # both have norm 5
    assert vector(made, "Rome") == pytest.approx([7.2, 9.6])
    assert max(map(abs, vector(made, "nowhere"))) <= 0.05


def test_training_words_of_which_none_is_known_still_make_a_table() -> None:
    made = embedding(["zyzzyva"], vector_norm=6.0)

    assert (made.found, made.scale) == (0, 1.0)
    assert made.vectors.shape == (2, 2)


# Text


@pytest.mark.parametrize("header", ["", "3 2\n"])
@pytest.mark.parametrize("suffix", [".txt", ".vec.xz"])
def test_text_is_read_with_and_without_a_header(tmp_path: Path, header: str, suffix: str) -> None:
    path = tmp_path / f"glove{suffix}"
    content = f"{header}the 0.5 1\na b -1 2e-1\nfilm 3 4 \n".encode()
    path.write_bytes(lzma.compress(content) if suffix.endswith(".xz") else content)

    found = read_vectors(str(path), set(), 10)

    assert list(found.rows) == ["the", "a b", "film"]
    np.testing.assert_allclose(found.vectors, [[0.5, 1.0], [-1.0, 0.2], [3.0, 4.0]], rtol=1e-6)


def test_of_text_only_the_wanted_and_the_first_words_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"word{i} {i} {i}\n" for i in range(100)), encoding="utf-8")

    assert list(read_vectors(str(path), {"word50", "none"}, 2).rows) == ["word0", "word1", "word50"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"v\.txt: holds no word vectors"),
        ("a 1 2\nb 1\n", r"v\.txt:2: expected a word and 2 numbers as in the lines before, got 1"),
        ("a 1 2\nb 1 2 3\n", r"v\.txt:2: expected a word and 2 numbers as in the lines before, got 3"),
        ("a 1 2\nb 1 x\n", r"v\.txt:2: .*'x'"),
        ("a 1 nan\n", r"v\.txt:1: .*not finite"),
        ("a\nb\n", r"v\.txt:1: expected a word"),
    ],
)
def test_ragged_text_is_refused_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "v.txt").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_vectors(str(tmp_path / "v.txt"), set(), 10)


# Arrays


def test_an_array_with_one_word_a_row_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "small_fp16.npz", vectors=np.array([[1, 2], [3, 4]], dtype=np.float16))
    (tmp_path / "small_words.txt.xz").write_bytes(lzma.compress("the\n\u2028odd\n".encode()))

    found = read_vectors(str(tmp_path / "small_fp16.npz"), set(), 0)

    assert found.rows == {"the": 0, "\u2028odd": 1}
    assert found.vectors.dtype == np.float32


def test_an_array_with_shared_rows_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "small.npz", vectors=np.array([[1, 2], [3, 4]], dtype=np.float32))
    (tmp_path / "small_words.tsv").write_bytes(b"\x01 \t0\n\t\t1\nthe\t1\n")

    assert read_vectors(str(tmp_path / "small.npz"), set(), 0).rows == {"\x01 ": 0, "\t": 1, "the": 1}


@pytest.mark.parametrize(
    ("array", "words", "message"),
    [
        (np.zeros((2, 3), np.float32), ("w_words.txt", "one\n"), r"has 1 words, but w\.npz has 2 vectors"),
        (
            np.zeros((2, 3), np.float32),
            ("w_words.tsv", "a\t0\nb\t2\n"),
            r"w_words\.tsv:2: .*a row below 2, got 'b\\t2'",
        ),
        (np.zeros((2, 3), np.float32), ("other.txt", "a\nb\n"), r"w\.npz: its words are missing: expected w_words"),
        (np.zeros(3, np.float32), ("w_words.txt", "a\n"), r"must be floats \(row, word_dim\), got float32 \(3,\)"),
        (np.full((1, 2), np.inf, np.float32), ("w_words.txt", "a\n"), "not finite"),
        (np.array([{}]), ("w_words.txt", "a\n"), "expected a .npz with an array 'vectors'"),
    ],
)
def test_arrays_that_are_no_vectors_are_refused(
    tmp_path: Path, array: np.ndarray, words: tuple[str, str], message: str
) -> None:
    np.savez(tmp_path / "w.npz", vectors=array)
    (tmp_path / words[0]).write_text(words[1], encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_vectors(str(tmp_path / "w.npz"), set(), 0)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(b"nothing of the kind")

    with pytest.raises(DataError, match=r"w\.npz: expected a \.npz"):
        read_vectors(str(tmp_path / "w.npz"), set(), 0)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: no such file; --data.vectors is 'spacy-md'"):
        read_vectors(str(tmp_path / "none.txt"), set(), 0)


# The package


def test_keys_are_murmur_hashes() -> None:
    assert word_keys(["coffee"]).tolist() == [3197928453018144401]


def test_keys_do_not_depend_on_the_company() -> None:
    words = ["", "a", "naïve", "12345678", "123456789", "a word of seventeen", "日本"]

    assert word_keys(words).tolist() == [word_keys([word]).item() for word in words]
    assert len(set(word_keys(words).tolist())) == len(words)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[object]]:
    """A made-up package of vectors in place of the real one; the list gets an entry when it is fetched."""
    keys = dict(zip(word_keys(["coffee", "tea"]).tolist(), [1, 1], strict=True)) | {432: 0, 17: 0}
    with (tmp_path / "vectors").open("wb") as file:
        np.save(file, np.array([[1, 2], [3, 4]], dtype=np.float32))
    (tmp_path / "key2row").write_bytes(msgpack.packb(keys))
    (tmp_path / "strings.json").write_text(json.dumps(["coffee", "tea", "cocoa", "", "a\nb"]), encoding="utf-8")
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path))
    calls: list[list[object]] = []

    def fetch_all(assets: list[object]) -> list[Path]:
        calls.append(assets)
        return [tmp_path / "vectors", tmp_path / "key2row", tmp_path / "strings.json"]

    monkeypatch.setattr(vectors, "fetch_all", fetch_all)
    return calls


def test_words_of_the_package_are_found_by_their_keys(package: list[list[object]]) -> None:
    found = read_vectors(PACKAGE, set(), 0)

    assert found.rows == {"coffee": 1, "tea": 1, "number": 0}
    assert found.vectors.tolist() == [[1, 2], [3, 4]]


def test_the_package_is_parsed_once(package: list[list[object]]) -> None:
    first, second = read_vectors(PACKAGE, set(), 0), read_vectors(PACKAGE, set(), 0)

    assert first.rows == second.rows
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert len(package) == 1


def of_another_compression(raw: bytes) -> bytes:
    at = raw.index(b"PK\x01\x02") + 10  # in the archive's directory, the first entry's method
    return raw[:at] + b"c" + raw[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:-50], lambda raw: raw.replace(b"tea", b"sea"), lambda raw: b"", of_another_compression],
)
def test_a_damaged_parsed_form_is_made_again_and_said(
    package: list[list[object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object
) -> None:
    read_vectors(PACKAGE, set(), 0)
    [parsed] = tmp_path.glob("*.npz")
    parsed.write_bytes(damage(parsed.read_bytes()))  # type: ignore[operator]

    said: list[str] = []
    monkeypatch.setattr(vectors, "rank_zero_info", said.append)

    assert read_vectors(PACKAGE, set(), 0).rows == {"coffee": 1, "tea": 1, "number": 0}
    assert len(package) == 2
    [message] = said
    assert "is made again" in message


def test_others_may_read_the_parsed_form_in_a_shared_cache(package: list[list[object]], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        read_vectors(PACKAGE, set(), 0)
    finally:
        os.umask(before)

    [parsed] = tmp_path.glob("*.npz*")
    assert stat.S_IMODE(parsed.stat().st_mode) == 0o644


# Real vectors


def test_the_package_and_the_file_made_of_it_agree(shared_data: Path) -> None:
    try:
        package = read_vectors(PACKAGE, set(), 0)
    except AssetError as error:
        pytest.skip(f"needs the package once: {str(error).splitlines()[1]}")
    begin = time.process_time()
    file = read_vectors(str(shared_data / "text" / "vectors" / "explosion_md371_300d_fp16.npz"), set(), 0)

    assert time.process_time() - begin < 6
    assert len(file.rows) == 514_092
    assert {word: row for word, row in package.rows.items() if word in file.rows} == file.rows
    np.testing.assert_allclose(package.vectors, file.vectors, atol=0.02, rtol=1e-3)
    assert np.linalg.norm(package.vectors, axis=1).mean() == pytest.approx(44.5, abs=0.1)
