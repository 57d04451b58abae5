"""One class's collisions."""

from suite_recnn.generation.collisions import Collider
from suite_recnn.generation.settings import Chunk, Settings

TINY = Settings(detector="none", events_per_chunk=8)


def test_a_chunk_does_not_depend_on_the_chunks_before_it() -> None:
    used, fresh = Collider("qcd", TINY), Collider("qcd", TINY)
    used.jets(Chunk("qcd", 0, 3, TINY))
    chunk = Chunk("qcd", 5, 3, TINY)
    assert used.jets(chunk).equals(fresh.jets(chunk))
