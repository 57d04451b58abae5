"""Sets of random digits with their sums; sets to add up are read from a text file, one per line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_suite import Inputs, TakesInputs, ragged
from lightning_suite.errors import DataError, UsageError
from lightning_suite.text_files import numbered_lines
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader


class Sets(NamedTuple):
    """The sets of a batch, their digits end to end.

    Attributes:
        digits: int64 (digit,).
        offsets: the position at which each set begins, int64 (set + 1,).
        sums: float32 (set,).
    """

    digits: Tensor
    offsets: Tensor
    sums: Tensor


class DigitData(TakesInputs, LightningDataModule):
    """Sets of digits, all digits equally likely (section 4.1.2).

    Args:
        train_sets: number of sets to train on; a tenth as many validate and test.
        largest: size of the largest set to train and validate on; all sizes from 1 are equally frequent.
        test_size: size of every test set.
        batch_size: sets in a batch, on each process.
        sample_seed: seed of the sets; the run's seed decides weights and order.
        predict_path: text file of sets to add up, one per line, spaces between the digits.
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
        """Return the training sets, which are small, shuffled."""
        return self.loader(self.draw(0, self.train_sets, 1, self.largest), shuffle=True)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Return the validation sets, which are small."""
        return self.loader(self.draw(1, self.held_out, 1, self.largest))

    def test_dataloader(self) -> DataLoader[Tensor]:
        """Return the test sets, which are larger than those of training."""
        return self.loader(self.draw(2, self.held_out, self.test_size, self.test_size))

    def predict_dataloader(self) -> DataLoader[Tensor]:
        """Return the sets of ``predict_path``, in the order of its lines.

        Raises:
            UsageError: no file was given.
            DataError: a line holds something else than digits.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to add up: give the path of a text file, one set of digits per line")
        return self.loader(read_sets(Path(self.predict_path)))

    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return batches of sets from memory: one set, ``[3, 1, 4]``, or several.

        Raises:
            ValueError: a set holds something else than digits.
        """
        is_single = len(given) > 0 and isinstance(given[0], int)
        sets = [torch.as_tensor(one, dtype=torch.int64) for one in ([given] if is_single else given)]
        for number, one in enumerate(sets):
            if one.ndim != 1 or ((one < 0) | (one > 9)).any():
                raise ValueError(f"set {number}: expected digits from 0 to 9, got {one.tolist()}")
        return Inputs(self.loader(sets), is_single)

    def read_inputs(self, path: str | Path, module: Any) -> list[Tensor]:
        """Return the sets of a text file."""
        return read_sets(Path(path))

    @property
    def held_out(self) -> int:
        """Return the number of sets of validation, which is that of testing."""
        return max(1, self.train_sets // 10)

    def draw(self, part: int, sets: int, smallest: int, largest: int) -> list[Tensor]:
        """Return random sets; the same ones for the same part."""
        generator = torch.Generator().manual_seed(3 * self.sample_seed + part)
        sizes = torch.randint(smallest, largest + 1, (sets,), generator=generator)
        digits = torch.randint(10, (int(sizes.sum()),), generator=generator)
        return list(ragged.split(digits, ragged.offsets_of(sizes)))

    def loader(self, sets: list[Tensor], *, shuffle: bool = False) -> DataLoader[Tensor]:
        """Return a loader of batches of sets."""
        return DataLoader(sets, batch_size=self.batch_size, shuffle=shuffle, collate_fn=collate)  # type: ignore[arg-type]


def collate(sets: Sequence[Tensor]) -> Sets:
    """Return sets end to end, with their sums."""
    digits, offsets = ragged.pack(sets)
    return Sets(digits, offsets, torch.tensor([float(one.sum()) for one in sets]))


def read_sets(path: Path) -> list[Tensor]:
    """Return the sets of a text file, one per line; an empty line is an empty set.

    Raises:
        DataError: the file cannot be read, or a line holds something else than digits.
    """
    sets = []
    for number, line in numbered_lines(path):
        digits = line.split()
        if wrong := [word for word in digits if word not in "0123456789" or len(word) != 1]:
            raise DataError(f"expected digits with spaces between them, got {wrong[0][:20]!r}", path, number)
        sets.append(torch.tensor([int(digit) for digit in digits], dtype=torch.int64))
    return sets
