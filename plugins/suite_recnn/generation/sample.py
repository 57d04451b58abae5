"""A file of generated jets: its finished chunks, and how it is put together from them."""

import importlib.metadata
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, final

import pyarrow as pa
import pyarrow.parquet as pq

from lightning_suite.errors import UsageError
from lightning_suite.files import write_text
from lightning_suite.progress import say
from suite_recnn.generation import GENERATION
from suite_recnn.generation.files import description, write
from suite_recnn.generation.settings import Chunk, Settings
from suite_recnn.generation.workers import ChunkResult

_COMPARED = ("seed", "class", "generation")  # beside the settings
_PATIENCE = 5000  # events without a jet after which the settings are taken to be at fault


class GeneratedFile(NamedTuple):
    """A file of generated jets.

    Attributes:
        path: of the file.
        class_name: what its jets are.
        jets: the number of its jets.
        events: the number of events that were generated for it.
        rate: jets per second of one processor; None when the file was already there.
    """

    path: Path
    class_name: str
    jets: int
    events: int
    rate: float | None


@final
class Sample:
    """A file to be generated, and its finished chunks.

    The parts lie in a hidden folder with the file's name. A stamp beside them holds their settings, so that parts of
    other settings are not used.
    """

    def __init__(self, path: Path, class_name: str, jets: int, seed: int, settings: Settings) -> None:
        self.path = path
        self.class_name = class_name
        self.jets = jets
        self.jets_of_chunk: dict[int, int] = {}  # of the finished chunks
        self.under_way: set[int] = set()
        self.new_jets, self.new_seconds = 0, 0.0
        self._seed = seed
        self._settings = settings
        self._parts = path.parent / f".{path.name}.parts"

    def existing_jets(self) -> int | None:
        """Return the number of jets of the finished file; None when there is no file.

        Raises:
            UsageError: a file of that name has other settings or too few jets.
        """
        if not self.path.exists():
            return None
        stored = description(self.path)
        if not stored:
            raise UsageError(
                f"{self.path} exists and does not say how its jets were made. Choose another folder, or remove it"
            )
        wanted = self._description()
        of_file, of_call = (
            {"generation": 1, **made.get("settings", {}), **{name: made[name] for name in _COMPARED if name in made}}
            for made in (stored, wanted)
        )
        differing = [
            f"{name} {of_file.get(name)!r} there, {value!r} now"
            for name, value in of_call.items()
            if of_file.get(name) != value
        ]
        if not differing and stored["jets"] < self.jets:
            differing = [f"{stored['jets']} jets there, {self.jets} now"]
        if differing:
            raise UsageError(
                f"{self.path} exists and was made with other settings: {'; '.join(differing)}. "
                "Choose another folder, or remove the file"
            )
        return int(stored["jets"])

    def prepare(self) -> None:
        """Find the parts that an interrupted call left."""
        stamp = self._parts / "stamp.json"
        wanted = self._description()
        if self._parts.exists() and (not stamp.exists() or json.loads(stamp.read_text("utf-8")) != wanted):
            if stamp.exists():
                say(f"{self._parts}: removed, its parts were made with other settings or versions")
            shutil.rmtree(self._parts)
        self._parts.mkdir(exist_ok=True)
        write_text(stamp, json.dumps(wanted))
        for part in self._parts.glob("chunk-*.parquet"):
            try:
                self.jets_of_chunk[int(part.stem.removeprefix("chunk-"))] = pq.read_metadata(part).num_rows
            except (OSError, pa.ArrowInvalid):
                part.unlink()  # the machine went down before it was on the disk
        if self.jets_of_chunk:
            parts, jets = len(self.jets_of_chunk), sum(self.jets_of_chunk.values())
            say(f"{self.path}: goes on from {parts} finished parts with {jets} jets")

    def next_chunk(self) -> Chunk | None:
        """Return the first chunk that no process works on; None while those under way are expected to be enough."""
        usual = 0.8 * self._settings.events_per_chunk
        if self.jets_of_chunk:
            usual = sum(self.jets_of_chunk.values()) / len(self.jets_of_chunk)
        expected, number = 0.0, 0
        while expected < self.jets:
            if number not in self.jets_of_chunk and number not in self.under_way:
                return Chunk(self.class_name, number, self._seed, self._settings)
            expected += self.jets_of_chunk.get(number, usual)
            number += 1
        return None

    def begin(self, chunk: Chunk) -> Path:
        """Mark a chunk as under way and return the path of its part."""
        self.under_way.add(chunk.number)
        return self._part(chunk.number)

    def add(self, result: ChunkResult) -> None:
        """Record a finished chunk.

        Raises:
            UsageError: thousands of events have left no jet.
        """
        self.under_way.discard(result.chunk.number)
        self.jets_of_chunk[result.chunk.number] = result.jets
        self.new_jets += result.jets
        self.new_seconds += result.seconds
        events = len(self.jets_of_chunk) * self._settings.events_per_chunk
        if events >= _PATIENCE and not any(self.jets_of_chunk.values()):
            raise UsageError(
                f"{events} events of the class {self.class_name!r} left no jet: its pT window, radius, detector or "
                f"matching_radius excludes them all ({self._settings})"
            )

    def complete(self) -> list[int]:
        """Return the chunks that make up the file once all are finished; before, none."""
        total, number = 0, 0
        while number in self.jets_of_chunk:
            total += self.jets_of_chunk[number]
            number += 1
            if total >= self.jets:
                return list(range(number))
        return []

    def finish(self) -> None:
        """Write the file from its parts, and remove these."""
        chunks = self.complete()
        table = pa.concat_tables([pq.read_table(self._part(number)) for number in chunks]).slice(0, self.jets)
        events = len(chunks) * self._settings.events_per_chunk
        write(self.path, table, {**self._description(), "jets": self.jets, "events": events})
        shutil.rmtree(self._parts, ignore_errors=True)

    def result(self) -> GeneratedFile:
        """Return the numbers of the finished file."""
        stored = description(self.path)
        rate = self.new_jets / self.new_seconds if self.new_seconds else None
        return GeneratedFile(self.path, self.class_name, int(stored["jets"]), int(stored["events"]), rate)

    def jets_done(self) -> int:
        """Return how many of its jets have been generated."""
        return min(sum(self.jets_of_chunk.values()), self.jets)

    def _part(self, number: int) -> Path:
        return self._parts / f"chunk-{number:06}.parquet"

    def _description(self) -> dict[str, Any]:
        versions = {name: importlib.metadata.version(name) for name in ("pythia8mc", "fastjet")}
        return {
            "class": self.class_name,
            "seed": self._seed,
            "settings": asdict(self._settings),
            "pthat_min": self._settings.pthat_min_of(self.class_name),
            "generation": GENERATION,
            "versions": versions,
        }
