"""The vectors of the language package, and their parsed form in the cache."""

import json
import os
import stat
import time
from pathlib import Path

import msgpack
import numpy as np
import pytest

from lightning_suite.errors import AssetError
from suite_dsa.vectors import spacy_md
from suite_dsa.vectors.reading import read_vectors
from suite_dsa.vectors.spacy_md import PACKAGE, word_keys


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

    monkeypatch.setattr(spacy_md, "fetch_all", fetch_all)
    return calls


def test_words_of_the_package_are_found_by_their_keys(package: list[list[object]]) -> None:
    pretrained = read_vectors(PACKAGE, set(), 0)

    assert pretrained.rows == {"coffee": 1, "tea": 1, "number": 0}
    assert pretrained.vectors.tolist() == [[1, 2], [3, 4]]


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
def test_a_damaged_parsed_form_is_made_again_with_a_message(
    package: list[list[object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object
) -> None:
    read_vectors(PACKAGE, set(), 0)
    [parsed] = tmp_path.glob("*.npz")
    parsed.write_bytes(damage(parsed.read_bytes()))  # type: ignore[operator]

    messages: list[str] = []
    monkeypatch.setattr(spacy_md, "rank_zero_info", messages.append)

    assert read_vectors(PACKAGE, set(), 0).rows == {"coffee": 1, "tea": 1, "number": 0}
    assert len(package) == 2
    [message] = messages
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
