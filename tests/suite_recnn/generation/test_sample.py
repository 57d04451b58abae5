"""A file of jets and its parts: what is used again, and when there is enough."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from suite_recnn.generation import GENERATION
from suite_recnn.generation.files import SCHEMA, write
from suite_recnn.generation.sample import Sample
from suite_recnn.generation.settings import Chunk, Settings
from suite_recnn.generation.workers import ChunkResult

TINY = Settings(detector="none", events_per_chunk=8)


def test_parts_of_other_settings_are_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = tmp_path / ".w_particle_s3.parquet.parts"
    parts.mkdir()
    (parts / "stamp.json").write_text('{"seed": 4}')
    (parts / "chunk-000000.parquet").write_bytes(b"of other settings")
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 5, 3, TINY)
    sample.prepare()
    assert sample.jets_of_chunk == {} and not list(parts.glob("chunk-*"))
    assert "made with other settings" in capsys.readouterr().err


def test_parts_of_an_earlier_generation_are_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 5, 3, TINY)
    sample.prepare()
    parts = tmp_path / ".w_particle_s3.parquet.parts"
    stamp = json.loads((parts / "stamp.json").read_text())
    assert stamp.pop("generation") == GENERATION
    (parts / "stamp.json").write_text(json.dumps(stamp))
    (parts / "chunk-000000.parquet").write_bytes(b"of before")
    sample.prepare()
    assert not list(parts.glob("chunk-*"))
    assert "made with other settings or versions" in capsys.readouterr().err


def test_a_file_of_an_earlier_generation_is_refused(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 5, 3, TINY)
    before = {"class": "w", "seed": 3, "jets": 5, "settings": {**asdict(TINY)}}
    write(sample.path, SCHEMA.empty_table(), before)
    with pytest.raises(UsageError, match=f"other settings: generation 1 there, {GENERATION} now"):
        sample.existing_jets()
    write(sample.path, SCHEMA.empty_table(), {**before, "generation": GENERATION})
    assert sample.existing_jets() == 5


def test_a_broken_part_is_made_again(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 5, 3, TINY)
    sample.prepare()
    broken = tmp_path / ".w_particle_s3.parquet.parts" / "chunk-000000.parquet"
    broken.write_bytes(b"PAR1")
    sample.prepare()
    assert sample.jets_of_chunk == {} and not broken.exists()


def test_settings_that_leave_no_jets_are_refused(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 5, 3, replace(TINY, events_per_chunk=2500))
    sample.add(ChunkResult(Chunk("w", 0, 3, TINY), 0, 1.0))
    with pytest.raises(UsageError, match="5000 events of the class 'w' left no jet"):
        sample.add(ChunkResult(Chunk("w", 1, 3, TINY), 0, 1.0))


def test_work_is_handed_out_until_enough_is_expected(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "w_particle_s3.parquet", "w", 20, 3, TINY)
    sample.jets_of_chunk = {0: 8, 2: 8}
    handed = []
    while chunk := sample.next_chunk():
        handed.append(chunk.number)
        sample.under_way.add(chunk.number)
    assert handed == [1]
    assert sample.complete() == []
    sample.add(ChunkResult(Chunk("w", 1, 3, TINY), 8, 1.0))
    assert sample.complete() == [0, 1, 2]
