"""The processes that make chunks."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lightning_suite.errors import SuiteError
from suite_recnn.generation.collisions import Collider
from suite_recnn.generation.settings import Chunk, Settings
from suite_recnn.generation.workers import Worker

CHUNK = Chunk("w", 1, 3, Settings(detector="none", events_per_chunk=4, pthat_min=450.0))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


def test_an_error_of_a_process_reaches_the_caller_and_the_process_goes_on(worker: Worker, tmp_path: Path) -> None:
    worker.start(CHUNK, tmp_path / "no folder" / "part.parquet")
    with pytest.raises(SuiteError, match=r"part\.parquet cannot be written: there is no folder"):
        worker.answer()
    worker.start(CHUNK, tmp_path / "part.parquet")
    finished = worker.answer()
    assert finished.chunk == CHUNK
    part = pq.read_table(tmp_path / "part.parquet")
    assert part.num_rows == finished.jets
    assert part.cast(part.schema).to_pylist() == Collider("w", CHUNK.settings).jets(CHUNK).to_pylist()


def test_a_process_that_was_killed_is_reported(tmp_path: Path) -> None:
    worker = Worker()
    worker.start(CHUNK, tmp_path / "part.parquet")
    worker._process.kill()
    with pytest.raises(SuiteError, match="ended with status -9"):
        worker.answer()
    worker.stop()
    assert not list(tmp_path.iterdir())
