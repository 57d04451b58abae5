"""Generates files of jets, one for each class.

The work is divided into numbered chunks of a fixed number of events. The seeds of a chunk follow from the seed, the
class and the chunk's number alone, and a file holds the jets of its chunks in their order. It is therefore the same for
any number of processes, and finished chunks, stored beside it until it is complete, are used again after an
interruption.
"""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import connection
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from lightning_suite.constraints import Choice, Interval, ListOf, check
from lightning_suite.errors import Interrupted, UsageError
from lightning_suite.files import write_text
from lightning_suite.progress import progress, say
from suite_recnn.generation.collisions import CLASSES, Chunk, Settings
from suite_recnn.generation.files import description, write
from suite_recnn.generation.workers import ChunkResult, Worker

__all__ = ["CLASSES", "GeneratedFile", "Settings", "file_name", "generate", "produce"]

_PATIENCE = 5000  # events without a jet after which the settings are taken to be at fault

_CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "classes": [ListOf([str], least=1, distinct=True)],
    "jets": [Interval(int, 1)],
    "seed": [Interval(int, 0, 2**31 - 1)],
    "processes": [Interval(int, 1), None],
}


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


def generate(
    folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int = 1, processes: int | None = None
) -> list[Path]:
    """Write a parquet file of jets for each class and return their paths; see `produce`."""
    return [file.path for file in produce(folder, classes, jets, settings, seed=seed, processes=processes)]


def produce(
    folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int = 1, processes: int | None = None
) -> list[GeneratedFile]:
    """Write a parquet file of jets for each class.

    A call goes on from the parts that an interrupted one with the same settings left. An existing file with the same
    settings and enough jets is used as it is.

    Args:
        folder: of the files; it is created.
        classes: of jets, each once.
        jets: of each class.
        settings: of the generation.
        seed: of the random numbers.
        processes: the number of processes; by default that of the processors. The files do not depend on it.

    Raises:
        UsageError: there is no such class, a number is out of its range, a file of that name has other settings, or
            the settings leave no jets.
        DataError: a file of that name is not a parquet file.
        Interrupted: by Ctrl-C; the message says how to go on.
        SuiteError: a process was ended from outside.
    """
    values = {"classes": list(classes), "jets": jets, "seed": seed, "processes": processes}
    check(_CONSTRAINTS, values)
    for name in classes:
        check({"class of jets": [Choice(CLASSES)]}, {"class of jets": name})
    samples = [_Sample(folder / file_name(name, settings, seed), name, jets, seed, settings) for name in classes]
    missing = []
    for sample in samples:
        if (existing := sample.existing_jets()) is None:
            missing.append(sample)
        else:
            say(f"{sample.path}: kept, its {existing} jets were made with the same settings")
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with _alone_in(folder):
                # Another call may have generated some of them meanwhile.
                missing = [sample for sample in missing if sample.existing_jets() is None]
                for sample in missing:
                    sample.prepare()
                _run(missing, processes or _processors())
        except KeyboardInterrupt:
            parts = sum(len(sample.jets_of_chunk) for sample in missing)
            raise Interrupted(
                f"interrupted; {parts} finished parts of {settings.events_per_chunk} events are kept in {folder}: "
                "the same command goes on from there"
            ) from None
    return [sample.result() for sample in samples]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other call generates files in the folder; the system releases the lock of a killed process."""
    lock = FileLock(folder / ".generating.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another call generates jets in {folder}: this one goes on when it has finished")
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # waiting calls look for finished files before they begin
        lock.release()


def file_name(class_name: str, settings: Settings, seed: int) -> str:
    """Return the name of a class's file; without a detector it says ``particle``.

    Example:
        >>> file_name("w", Settings(), 1), file_name("qcd", Settings(detector="none"), 2)
        ('w_eflow_s1.parquet', 'qcd_particle_s2.parquet')
    """
    return f"{class_name}_{'particle' if settings.detector == 'none' else settings.detector}_s{seed}.parquet"


class _Sample:
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
        of_file = {**stored.get("settings", {}), "seed": stored.get("seed"), "class": stored.get("class")}
        of_call = {**wanted["settings"], "seed": wanted["seed"], "class": wanted["class"]}
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
        return {"class": self.class_name, "seed": self._seed, "settings": asdict(self._settings), "versions": versions}


def _run(samples: Sequence[_Sample], processes: int) -> None:
    """Generate the files of all samples; chunks of the next one begin while the last ones of another are under way."""
    waiting = list(samples)
    workers: list[Worker] = []
    done, total = sum(sample.jets_done() for sample in samples), sum(sample.jets for sample in samples)
    with progress("generating", total, unit="jets", done=done) as shown:
        try:
            while True:
                for sample in [sample for sample in waiting if sample.complete()]:
                    for worker in [
                        worker for worker in workers if worker.chunk and worker.chunk.class_name == sample.class_name
                    ]:
                        worker.stop()  # its chunk turned out not to be needed
                        workers.remove(worker)
                    sample.finish()
                    say(f"{sample.class_name}: {sample.jets} jets: {sample.path}")
                    waiting.remove(sample)
                if not waiting:
                    return
                shown.stage(waiting[0].class_name)
                _employ(workers, waiting, processes)
                busy = [worker for worker in workers if worker.chunk]
                ready = connection.wait([worker.pipe for worker in busy])
                for worker in [worker for worker in busy if worker.pipe in ready]:
                    result = worker.answer()
                    next(sample for sample in waiting if sample.class_name == result.chunk.class_name).add(result)
                shown.update(done=sum(sample.jets_done() for sample in samples))
        finally:
            for worker in workers:
                worker.stop()


def _employ(workers: list[Worker], samples: Sequence[_Sample], processes: int) -> None:
    """Give chunks to idle workers, and to new ones up to this number of processes, while there are chunks."""
    for sample in samples:
        while chunk := sample.next_chunk():
            worker = next((worker for worker in workers if not worker.chunk), None)
            if worker is None:
                if len(workers) == processes:
                    return
                worker = Worker()
                workers.append(worker)
            worker.start(chunk, sample.begin(chunk))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
