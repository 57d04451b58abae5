"""A file appears whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import numpy
import pytest

from lightning_suite.errors import OutputError
from lightning_suite.files import atomic_path, atomic_write, remove_unfinished, write_bytes, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "ä\r\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "ä\r\nb\n".encode()


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", b"\x00\xff")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"


def test_until_the_end_readers_see_the_old_contents(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with atomic_write(tmp_path / "a.txt") as file:
        file.write("new")
        file.flush()
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_ends_the_writing_leaves_the_old_contents_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(error), atomic_write(tmp_path / "a.txt") as file:
        file.write("new")
        raise error
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_library_gets_a_name_with_the_suffix_of_the_file(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.npz") as unfinished:
        assert unfinished.suffix == ".npz"
        assert unfinished.parent == tmp_path
        numpy.savez(unfinished, x=numpy.arange(3))
    assert names(tmp_path) == ["a.npz"]
    with numpy.load(tmp_path / "a.npz") as arrays:
        assert arrays["x"].tolist() == [0, 1, 2]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt") as first:
        with atomic_write(tmp_path / "a.txt") as second:
            second.write("second")
        first.write("first")
    assert (tmp_path / "a.txt").read_text() == "first"


def test_a_symbolic_link_under_the_unfinished_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.urandom", bytes)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / ".a-000000000000.partial.txt").symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: File exists"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "precious").read_text() == "precious"


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_the_contents_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr("os.fsync", lambda file: (done.append("fsync"), fsync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda path, target: (done.append("replace"), replace(path, target))[1])
    write_text(tmp_path / "a.txt", "text")
    assert done == ["fsync", "replace", "fsync"]


def test_a_full_disk_is_said_with_the_file_and_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: No space left on device"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_the_system_s_words_say_why_where_a_library_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.parquet cannot be written: No space left on device$"):  # noqa: SIM117
        with atomic_path(tmp_path / "a.parquet"):
            raise OSError(errno.ENOSPC, "error closing file")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: there is no folder .*nowhere"):
        write_text(tmp_path / "nowhere" / "a.txt", "")


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: Is a directory"):
        write_text(tmp_path / "a.txt", "")
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [BrokenPipeError, ConnectionResetError, TimeoutError])
def test_an_error_of_something_else_in_the_block_stays_what_it_is(tmp_path: Path, error: type[OSError]) -> None:
    with pytest.raises(error), atomic_write(tmp_path / "a.txt"):
        raise error


def test_another_file_that_is_missing_stays_the_one_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="other"), atomic_write(tmp_path / "a.txt") as file:
        file.write((tmp_path / "other").read_text())


def test_a_long_name_in_cyrillic_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'ж' * 120}.txt"
    write_text(path, "text")
    assert path.read_text() == "text"


def test_what_a_killed_process_left_behind_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a-0123456789ab.partial.txt", ".hidden", "a.partial", "a.txt"):
        (tmp_path / name).write_text("")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == [".hidden", "a.partial", "a.txt"]
