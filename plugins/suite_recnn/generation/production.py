"""Generates jets, a file a class.

The work is cut into numbered chunks of a fixed number of events. The seeds of a chunk come from the seed, the class
and the chunk's number alone, and a file holds the jets of its chunks in their order, as many as were asked for. So it
is the same for any number of processes, and finished chunks, kept beside it until it is whole, serve again after an
interruption.
"""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import connection
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from lightning_suite.errors import Interrupted, UsageError
from lightning_suite.spelling import did_you_mean
from suite_recnn.generation.collisions import CLASSES, Chunk, Settings
from suite_recnn.generation.files import description, write
from suite_recnn.generation.progress import Standing, progress_of, say
from suite_recnn.generation.workers import Finished, Worker

__all__ = ["CLASSES", "Made", "Settings", "file_name", "generate", "produce"]

_PATIENCE = 5000  # events without a jet after which the settings are taken to be at fault


class Made(NamedTuple):
    """A finished file.

    Attributes:
        path: of the file.
        class_name: what its jets are.
        jets: how many it holds.
        events: how many were generated for it.
        rate: jets per second of one processor; None when nothing was left to do.
    """

    path: Path
    class_name: str
    jets: int
    events: int
    rate: float | None


def generate(
    folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int = 1, processes: int | None = None
) -> list[Path]:
    """Writes a parquet file of jets for each class and returns their paths: ``produce`` without its numbers."""
    return [made.path for made in produce(folder, classes, jets, settings, seed=seed, processes=processes)]


def produce(
    folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int = 1, processes: int | None = None
) -> list[Made]:
    """Writes a parquet file of jets for each class.

    What an interrupted call with the same settings left is used. A file that is there with the same settings and
    enough jets is kept.

    Args:
        folder: where the files go; it is made.
        classes: which.
        jets: of each class.
        settings: how the jets are made.
        seed: other seeds, other jets.
        processes: how many at once; by default as many as there are processors. The files do not depend on it.

    Raises:
        UsageError: there is no such class, a number is not positive, a file with other settings is in the way, or the
            settings leave no jets.
        DataError: a file in the way is not one of jets.
        Interrupted: by Ctrl-C; the message says how to go on.
        SuiteError: a process was ended from outside.
    """
    _check(classes, jets, seed, processes)
    samples = [_Sample(folder / file_name(name, settings, seed), name, jets, seed, settings) for name in classes]
    wanted = []
    for sample in samples:
        if (there := sample.there()) is None:
            wanted.append(sample)
        else:
            say(f"{sample.path}: kept, its {there} jets were made with the same settings")
    if wanted:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with _alone_in(folder):
                wanted = [sample for sample in wanted if sample.there() is None]  # another call may have made it
                for sample in wanted:
                    sample.prepare()
                _run(wanted, processes or _processors())
        except KeyboardInterrupt:
            parts = sum(len(sample.found) for sample in wanted)
            raise Interrupted(
                f"interrupted; {parts} finished parts of {settings.events_per_chunk} events are kept in {folder}: "
                "the same command goes on from there"
            ) from None
    return [sample.made() for sample in samples]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other call makes files in the folder; the system unlocks what a killed one held."""
    lock = FileLock(folder / ".generating.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another call makes jets in {folder}: this one goes on when it has finished")
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # those that wait look for finished files before they begin
        lock.release()


def file_name(class_name: str, settings: Settings, seed: int) -> str:
    """The name of a class's file, such as w_eflow_s1.parquet; without a detector it says ``particle``."""
    return f"{class_name}_{'particle' if settings.detector == 'none' else settings.detector}_s{seed}.parquet"


class _Sample:
    """A file that is to be made, and the chunks of it that are there.

    The folder of parts has the file's name, hidden. Besides the parts it holds a stamp, so that parts of other
    settings are not taken for its own.
    """

    def __init__(self, path: Path, class_name: str, jets: int, seed: int, settings: Settings) -> None:
        self.path = path
        self.class_name = class_name
        self.jets = jets
        self.found: dict[int, int] = {}  # jets of the finished chunks
        self.under_way: set[int] = set()
        self.new_jets, self.new_seconds = 0, 0.0
        self._seed = seed
        self._settings = settings
        self._parts = path.parent / f".{path.name}.parts"

    def there(self) -> int | None:
        """Jets of the finished file; None when there is no file.

        Raises:
            UsageError: a file with other settings or too few jets has its name.
        """
        if not self.path.exists():
            return None
        made = description(self.path)
        if not made:
            raise UsageError(
                f"{self.path} is there and does not say how its jets were made. Choose another folder, or remove it"
            )
        typed = self._description()
        of_file = {**made.get("settings", {}), "seed": made.get("seed"), "class": made.get("class")}
        of_call = {**typed["settings"], "seed": typed["seed"], "class": typed["class"]}
        differing = [
            f"{name} {of_file.get(name)!r} there, {value!r} now"
            for name, value in of_call.items()
            if of_file.get(name) != value
        ]
        if not differing and made["jets"] < self.jets:
            differing = [f"{made['jets']} jets there, {self.jets} now"]
        if differing:
            raise UsageError(
                f"{self.path} is there and was made with other settings: {'; '.join(differing)}. "
                "Choose another folder, or remove the file"
            )
        return int(made["jets"])

    def prepare(self) -> None:
        """Finds the parts that an interrupted call left."""
        stamp = self._parts / "stamp.json"
        typed = self._description()
        if self._parts.exists() and (not stamp.exists() or json.loads(stamp.read_text("utf-8")) != typed):
            if stamp.exists():
                say(f"{self._parts}: left out, its parts were made with other settings or versions")
            shutil.rmtree(self._parts)
        self._parts.mkdir(exist_ok=True)
        partial = stamp.with_name(f"{stamp.name}.partial")
        partial.write_text(json.dumps(typed), "utf-8")
        partial.replace(stamp)
        for part in self._parts.glob("chunk-*.parquet"):
            try:
                self.found[int(part.stem.removeprefix("chunk-"))] = pq.read_metadata(part).num_rows
            except (OSError, pa.ArrowInvalid):
                part.unlink()  # the machine went down before it was on the disk
        if self.found:
            say(f"{self.path}: goes on from {len(self.found)} finished parts with {sum(self.found.values())} jets")

    def next_chunk(self) -> Chunk | None:
        """The first chunk that nobody works on; None while those that are under way are expected to be enough."""
        usual = 0.8 * self._settings.events_per_chunk
        if self.found:
            usual = sum(self.found.values()) / len(self.found)
        expected, number = 0.0, 0
        while expected < self.jets:
            if number not in self.found and number not in self.under_way:
                return Chunk(self.class_name, number, self._seed, self._settings)
            expected += self.found.get(number, usual)
            number += 1
        return None

    def begin(self, chunk: Chunk) -> Path:
        """Takes note that a chunk is under way and returns the path of its part."""
        self.under_way.add(chunk.number)
        return self._part(chunk.number)

    def add(self, finished: Finished) -> None:
        """Takes note of a finished chunk.

        Raises:
            UsageError: thousands of events have left no jet.
        """
        self.under_way.discard(finished.chunk.number)
        self.found[finished.chunk.number] = finished.jets
        self.new_jets += finished.jets
        self.new_seconds += finished.seconds
        events = len(self.found) * self._settings.events_per_chunk
        if events >= _PATIENCE and not any(self.found.values()):
            raise UsageError(
                f"{events} events of the class {self.class_name!r} left no jet: its pT window, radius, detector or "
                f"matching_radius excludes them all ({self._settings})"
            )

    def complete(self) -> list[int]:
        """The chunks that make the file, when all are there; else none."""
        total, number = 0, 0
        while number in self.found:
            total += self.found[number]
            number += 1
            if total >= self.jets:
                return list(range(number))
        return []

    def finish(self) -> None:
        """Writes the file from its parts and removes them."""
        chunks = self.complete()
        table = pa.concat_tables([pq.read_table(self._part(number)) for number in chunks]).slice(0, self.jets)
        events = len(chunks) * self._settings.events_per_chunk
        write(self.path, table, {**self._description(), "jets": self.jets, "events": events})
        shutil.rmtree(self._parts, ignore_errors=True)

    def made(self) -> Made:
        """What can be said of the finished file."""
        made = description(self.path)
        rate = self.new_jets / self.new_seconds if self.new_seconds else None
        return Made(self.path, self.class_name, int(made["jets"]), int(made["events"]), rate)

    def standing(self) -> Standing:
        """How far it is."""
        done = min(sum(self.found.values()), self.jets)
        return Standing(self.class_name, self.path, self.jets, done, self.new_jets, self.path.exists())

    def _part(self, number: int) -> Path:
        return self._parts / f"chunk-{number:06}.parquet"

    def _description(self) -> dict[str, Any]:
        versions = {name: importlib.metadata.version(name) for name in ("pythia8mc", "fastjet")}
        return {"class": self.class_name, "seed": self._seed, "settings": asdict(self._settings), "versions": versions}


def _run(samples: Sequence[_Sample], processes: int) -> None:
    """Makes the files of all samples. Chunks of a sample are made while the last ones of another are under way."""
    waiting = list(samples)
    workers: list[Worker] = []
    with progress_of([sample.standing() for sample in samples]) as show:
        try:
            while True:
                for sample in [sample for sample in waiting if sample.complete()]:
                    for worker in [
                        worker for worker in workers if worker.chunk and worker.chunk.class_name == sample.class_name
                    ]:
                        worker.stop()  # its chunk turned out not to be needed
                        workers.remove(worker)
                    sample.finish()
                    show(sample.standing())
                    waiting.remove(sample)
                if not waiting:
                    return
                _employ(workers, waiting, processes)
                busy = [worker for worker in workers if worker.chunk]
                ready = connection.wait([worker.pipe for worker in busy])
                for worker in [worker for worker in busy if worker.pipe in ready]:
                    finished = worker.answer()
                    sample = next(sample for sample in waiting if sample.class_name == finished.chunk.class_name)
                    sample.add(finished)
                    show(sample.standing())
        finally:
            for worker in workers:
                worker.stop()


def _employ(workers: list[Worker], samples: Sequence[_Sample], processes: int) -> None:
    """Gives chunks to the idle workers, and to new ones up to so many processes, as long as there are chunks."""
    for sample in samples:
        while chunk := sample.next_chunk():
            worker = next((worker for worker in workers if not worker.chunk), None)
            if worker is None:
                if len(workers) == processes:
                    return
                worker = Worker()
                workers.append(worker)
            worker.give(chunk, sample.begin(chunk))


def _check(classes: Sequence[str], jets: int, seed: int, processes: int | None) -> None:
    for name in classes:
        if name not in CLASSES:
            raise UsageError(
                f"no class of jets is called {name!r}; there are: {', '.join(CLASSES)}. {did_you_mean(name, CLASSES)}"
            )
    if not classes or len(set(classes)) < len(classes):
        raise UsageError(f"expected classes of jets, each once, got {', '.join(classes) or 'none'}")
    if jets < 1:
        raise UsageError(f"jets of each class: expected at least 1, got {jets}")
    if not 0 <= seed < 2**31:
        raise UsageError(f"seed: expected a number from 0 to {2**31 - 1}, got {seed}")
    if processes is not None and processes < 1:
        raise UsageError(f"processes: expected at least 1, got {processes}")


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
