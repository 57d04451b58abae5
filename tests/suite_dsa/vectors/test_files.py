"""Word vectors from files of every format, and the errors for files without any."""

import bz2
import lzma
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_dsa.vectors.reading import read_vectors

# Text


@pytest.mark.parametrize("header", ["", "3 2\n"])
@pytest.mark.parametrize("suffix", [".txt", ".vec.xz"])
def test_text_is_read_with_and_without_a_header(tmp_path: Path, header: str, suffix: str) -> None:
    path = tmp_path / f"glove{suffix}"
    content = f"{header}the 0.5 1\na b -1 2e-1\nfilm 3 4 \n".encode()
    path.write_bytes(lzma.compress(content) if suffix.endswith(".xz") else content)

    pretrained = read_vectors(str(path), set(), 10)

    assert list(pretrained.rows) == ["the", "a b", "film"]
    np.testing.assert_allclose(pretrained.vectors, [[0.5, 1.0], [-1.0, 0.2], [3.0, 4.0]], rtol=1e-6)


def test_of_text_only_the_wanted_and_the_first_words_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"word{i} {i} {i}\n" for i in range(100)), encoding="utf-8")

    assert list(read_vectors(str(path), {"word50", "none"}, 2).rows) == ["word0", "word1", "word50"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"v\.txt: the file is empty"),
        ("3 2\n", r"v\.txt: expected word vectors below the line of counts, got none"),
        ("a 1 2\nb 1\n", r"v\.txt:2: expected a word and 2 numbers as in the lines before, got 1"),
        ("a 1 2\nb 1 2 3\n", r"v\.txt:2: expected a word and 2 numbers as in the lines before, got 3"),
        ("a 1 2\nb 1 x\n", r"v\.txt:2: .*'x'"),
        ("a 1 nan\n", r"v\.txt:1: .*not finite"),
        ("a\nb\n", r"v\.txt:1: expected a word"),
    ],
)
def test_ragged_text_is_refused_with_its_position(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "v.txt").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_vectors(str(tmp_path / "v.txt"), set(), 10)


# Arrays


def test_an_array_with_one_word_a_row_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "small_fp16.npz", vectors=np.array([[1, 2], [3, 4]], dtype=np.float16))
    (tmp_path / "small_words.txt.xz").write_bytes(lzma.compress("the\n\u2028odd\n".encode()))

    pretrained = read_vectors(str(tmp_path / "small_fp16.npz"), set(), 0)

    assert pretrained.rows == {"the": 0, "\u2028odd": 1}
    assert pretrained.vectors.dtype == np.float32


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
        (np.array([{}]), ("w_words.txt", "a\n"), "cannot be read as arrays: .* Python objects, which are never read"),
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

    with pytest.raises(DataError, match=r"w\.npz: cannot be read as arrays: it is no such file of numpy"):
        read_vectors(str(tmp_path / "w.npz"), set(), 0)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", vectors=np.zeros((2, 3), np.float32))
    whole = (tmp_path / "w.npz").read_bytes()
    (tmp_path / "w.npz").write_bytes(whole[:-30])

    with pytest.raises(DataError, match=r"w\.npz: cannot be read as arrays: "):
        read_vectors(str(tmp_path / "w.npz"), set(), 0)


def test_arrays_of_other_names_are_refused_with_those_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", X=np.zeros((2, 3), np.float32))

    with pytest.raises(DataError, match=r"w\.npz: expected an array 'vectors', got 'X'"):
        read_vectors(str(tmp_path / "w.npz"), set(), 0)


@pytest.mark.parametrize(
    "content", ["the 1 2\n".encode("utf-16"), bz2.compress(b"the 1 2\n"), b"\xef\xbb\xbfthe 1 2\r\n"]
)
def test_text_is_read_in_every_encoding_and_compression(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.txt").write_bytes(content)

    assert read_vectors(str(tmp_path / "v.txt"), set(), 9).rows == {"the": 0}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: no such file; expected 'spacy-md', 'glove-50', .*--data.vectors"):
        read_vectors(str(tmp_path / "none.txt"), set(), 0)
