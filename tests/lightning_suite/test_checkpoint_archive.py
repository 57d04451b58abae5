"""An archive of torch's that would expand, or is not what was written, is refused; an honest one is not.

tests/trust/test_untrusted.py tries many more.
"""

import zipfile
from pathlib import Path

import pytest
import torch

from lightning_suite.checkpoint_archive import refuse_false_sizes, verify


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A checkpoint of a few tensors, one of them tied, one repeated, and of plain values."""
    weights = torch.arange(6.0)
    repeated = torch.zeros(1).expand(1000)
    torch.save({"a": weights, "b": weights, "c": repeated, "d": [(1, "two", None)] * 3, "e": {}}, tmp_path / "a.ckpt")
    return tmp_path / "a.ckpt"


def test_what_torch_wrote_is_not_refused(file: Path) -> None:
    verify(file)
    refuse_false_sizes(torch.load(file, weights_only=True), file)


def test_a_flipped_bit_is_noticed_where_torch_notices_none(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(torch.arange(6.0).numpy().tobytes()) + 5] ^= 1
    file.write_bytes(content)
    torch.load(file, weights_only=True)
    with pytest.raises(ValueError, match=r"data/\d' is not what was written: another CRC-32"):
        verify(file)


def test_a_compressed_record_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    torch.load(file, weights_only=True)
    with pytest.raises(ValueError, match=r"data\.pkl' is compressed: \d+ of \d+ bytes"):
        verify(file)


def test_a_tensor_that_repeats_what_is_stored_without_end_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(1 << 40)}, tmp_path / "a.ckpt")
    verify(tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="far larger than what it stores"):
        refuse_false_sizes(torch.load(tmp_path / "a.ckpt", weights_only=True), tmp_path / "a.ckpt")


def test_a_function_with_an_endless_name_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content.replace(b"_rebuild_tensor_v2", b"_" + b"x" * 100_000))
    with pytest.raises(ValueError, match=r"it names a function of 1000.. characters"):
        verify(file)
