"""Files of numpy: arrays, or one kind of error whatever is wrong with them."""

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest

from lightning_suite.array_files import read_npy, read_npz
from lightning_suite.errors import DataError

POINTS = numpy.arange(12.0).reshape(6, 2)


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    numpy.savez_compressed(file, **arrays)
    return file.getvalue()


def test_what_was_saved_is_read_from_file_and_content(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy(POINTS))
    (tmp_path / "a.npz").write_bytes(npz(X=POINTS, names=numpy.array(["a", "b"])))

    assert read_npy(tmp_path / "a.npy").tolist() == read_npy("a.npy", content=npy(POINTS)).tolist() == POINTS.tolist()
    assert {name: array.tolist() for name, array in read_npz(tmp_path / "a.npz").items()} == {
        "X": POINTS.tolist(),
        "names": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as an array: "),
        (b"junk", "it is no such file of numpy, or one of Python objects, which are never read"),
        (npy(numpy.array([None, 1], dtype=object)), "Python objects, which are never read; save numbers or text"),
        (npy(POINTS)[:-1], "cannot be read as an array: "),
        (npy(POINTS).replace(b"'descr'", b"'descr("), "cannot be read as an array: "),  # was a TokenError
        (npy(POINTS).replace(b"(6, 2)", b"(6\x00 2"), "cannot be read as an array: "),
        (npy(POINTS).replace(b"(6, 2), ", b"(9**9)  "), "cannot be read as an array: "),
        (npy(POINTS).replace(b"(6, 2), }  ", b"(6999999999, 2), }"), "cannot be read as an array: "),
        (npz(X=POINTS), r"a\.npy: holds several arrays; give it the suffix \.npz"),
    ],
)
def test_what_is_no_array_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_npy("a.npy", content=content)


@pytest.mark.parametrize(
    "content", [b"", b"junk", npy(POINTS), npz(X=numpy.array([{}])), npz(X=POINTS)[:-30], npz(X=POINTS)[:50]]
)
def test_what_is_no_file_of_arrays_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.npz: cannot be read as arrays: ."):
        read_npz("a.npz", content=content)


def test_a_member_that_is_no_array_is_refused() -> None:
    file = io.BytesIO(npz(X=POINTS))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("notes.txt", "words")

    with pytest.raises(DataError, match=r"a\.npz: cannot be read as arrays: 'notes\.txt' in it is none"):
        read_npz("a.npz", content=file.getvalue())


@pytest.mark.parametrize("reader", [read_npy, read_npz])
def test_a_file_that_is_not_there_is_named(reader: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: cannot be read as an?.*: No such file"):
        reader(tmp_path / "none")


@pytest.mark.parametrize(("reader", "content"), [(read_npy, npy(POINTS)), (read_npz, npz(X=POINTS))])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.filterwarnings("ignore")
def test_damage_anywhere_is_told_as_such(reader: Any, content: bytes, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 3])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            reader("a", content=bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]))
        except DataError as error:
            assert str(error).startswith("a: ")


def test_arrays_that_expand_beyond_reason_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_suite.text_files.compression._ALWAYS_ALLOWED", 1 << 20)
    with pytest.raises(DataError, match=r"a\.npz: expands to more than \d+ MiB"):
        read_npz("a.npz", content=npz(X=numpy.zeros(1 << 22)))
