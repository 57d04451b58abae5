"""Generates files of jets, one for each class.

The work is divided into numbered chunks of a fixed number of events. The seeds of a chunk follow from the seed, the
class and the chunk's number alone, and a file holds the jets of its chunks in their order. It is therefore the same for
any number of processes, and finished chunks, stored beside it until it is complete, are used again after an
interruption.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lightning_suite.constraints import Choice, Interval, ListOf, check
from lightning_suite.errors import Interrupted
from lightning_suite.files import naming
from lightning_suite.progress import progress, say
from suite_recnn.generation.sample import GeneratedFile, Sample
from suite_recnn.generation.settings import CLASSES, Settings
from suite_recnn.generation.workers import Worker

__all__ = ["CLASSES", "GeneratedFile", "Settings", "file_name", "generate", "produce"]

_CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "classes": [ListOf([str], least=1, distinct=True)],
    "jets": [Interval(int, 1)],
    "seed": [Interval(int, 0, 2**31 - 1)],
    "processes": [Interval(int, 1), None],
}


def generate(
    folder: Path, classes: Sequence[str], jets: int, settings: Settings, *, seed: int = 1, processes: int | None = None
) -> list[Path]:
    """Write a parquet file of jets for each class and return their paths; see `produce`.

    Nothing is said of files that are there: a run looks for them each time.
    """
    files = produce(folder, classes, jets, settings, seed=seed, processes=processes, says_kept=False)
    return [file.path for file in files]


def produce(
    folder: Path,
    classes: Sequence[str],
    jets: int,
    settings: Settings,
    *,
    seed: int = 1,
    processes: int | None = None,
    says_kept: bool = True,
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
        says_kept: whether a line says which files are used as they are.

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
    samples = [Sample(folder / file_name(name, settings, seed), name, jets, seed, settings) for name in classes]
    missing = []
    for sample in samples:
        if (existing := sample.existing_jets()) is None:
            missing.append(sample)
        elif says_kept:
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
    with naming(lock.lock_file):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"another call generates jets in {folder}: this one goes on when it has finished")
            lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # the files are whole all the same
            Path(lock.lock_file).unlink(missing_ok=True)  # waiting calls look for finished files before they begin
            lock.release()


def file_name(class_name: str, settings: Settings, seed: int) -> str:
    """Return the name of a class's file; without a detector it says ``particle``.

    Example:
        >>> file_name("w", Settings(), 1), file_name("qcd", Settings(detector="none"), 2)
        ('w_eflow_s1.parquet', 'qcd_particle_s2.parquet')
    """
    return f"{class_name}_{'particle' if settings.detector == 'none' else settings.detector}_s{seed}.parquet"


def _run(samples: Sequence[Sample], processes: int) -> None:
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


def _employ(workers: list[Worker], samples: Sequence[Sample], processes: int) -> None:
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
