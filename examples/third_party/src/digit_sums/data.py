"""Sets of random digits with their sums; sets to add up are read from a text file, one a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_suite import ragged
from lightning_suite.errors import DataError, UsageError
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader


class Sets(NamedTuple):
    """Sets of a batch: their digits end to end.

    Attributes:
        digits: int64 (digit,).
        offsets: where each set begins, int64 (set + 1,).
        sums: float32 (set,).
    """

    digits: Tensor
    offsets: Tensor
    sums: Tensor


class DigitData(LightningDataModule):
    """Sets of digits, each digit equally likely (section 4.1.2).

    Args:
        train_sets: sets to train on; a tenth as many to validate and to test on.
        largest: digits of the largest set to train and validate on; all sizes from 1 are equally frequent.
        test_size: digits of every set to test on.
        batch_size: sets in a batch, on each process.
        sample_seed: another number draws other sets; the run's seed decides weights and order.
        predict_path: text file to add up: on each line digits, with spaces between them.
    """

    def __init__(
        self,
        train_sets: int = 100_000,
        largest: int = 10,
        test_size: int = 100,
        batch_size: int = 128,
        sample_seed: int = 0,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        if min(train_sets, largest, test_size) < 1:
            raise UsageError("--data.train_sets, --data.largest and --data.test_size must be at least 1")
        self.train_sets = train_sets
        self.largest = largest
        self.test_size = test_size
        self.batch_size = batch_size
        self.sample_seed = sample_seed
        self.predict_path = predict_path

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Small sets, shuffled."""
        return self.loader(self.draw(0, self.train_sets, 1, self.largest), shuffle=True)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Other small sets."""
        return self.loader(self.draw(1, self.held_out, 1, self.largest))

    def test_dataloader(self) -> DataLoader[Tensor]:
        """Large sets: what was learnt from a few digits must hold for many."""
        return self.loader(self.draw(2, self.held_out, self.test_size, self.test_size))

    def predict_dataloader(self) -> DataLoader[Tensor]:
        """The sets of ``predict_path``, in the order of its lines.

        Raises:
            UsageError: no file was given.
            DataError: a line holds something else than digits.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to add up: give the path of a text file, one set of digits a line")
        return self.loader(read_sets(Path(self.predict_path)))

    @property
    def held_out(self) -> int:
        """How many sets validate, and how many test."""
        return max(1, self.train_sets // 10)

    def draw(self, part: int, sets: int, smallest: int, largest: int) -> list[Tensor]:
        """Random sets; the same for the same part."""
        generator = torch.Generator().manual_seed(3 * self.sample_seed + part)
        sizes = torch.randint(smallest, largest + 1, (sets,), generator=generator)
        digits = torch.randint(10, (int(sizes.sum()),), generator=generator)
        return list(ragged.split(digits, ragged.offsets_of(sizes)))

    def loader(self, sets: list[Tensor], *, shuffle: bool = False) -> DataLoader[Tensor]:
        """Batches of sets."""
        return DataLoader(sets, batch_size=self.batch_size, shuffle=shuffle, collate_fn=collate)  # type: ignore[arg-type]


def collate(sets: Sequence[Tensor]) -> Sets:
    """Sets end to end, with their sums."""
    digits, offsets = ragged.pack(sets)
    return Sets(digits, offsets, torch.tensor([float(one.sum()) for one in sets]))


def read_sets(path: Path) -> list[Tensor]:
    """The sets of a text file, one a line; an empty line is an empty set.

    Raises:
        DataError: there is no such file, or a line holds something else than digits.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(error), path) from error
    for number, line in enumerate(lines, start=1):
        for word in line.split():
            if word not in "0123456789" or len(word) != 1:
                raise DataError(f"expected digits with spaces between them, got {word[:20]!r}", path, number)
    return [torch.tensor([int(word) for word in line.split()], dtype=torch.int64) for line in lines]
