"""Checkpoints are whole and safe."""

import signal
from pathlib import Path

import pytest
import torch

from lightning_suite import signals
from lightning_suite.checkpoint import SafeCheckpointIO, read
from lightning_suite.errors import Interrupted, RunError
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.training import fit


class Opaque:
    """Something that is neither a tensor nor a plain value."""


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    SafeCheckpointIO().save_checkpoint({"weights": torch.arange(3), "words": ["a"]}, tmp_path / "folder" / "a.ckpt")
    contents = SafeCheckpointIO().load_checkpoint(tmp_path / "folder" / "a.ckpt")
    assert contents["words"] == ["a"]
    assert torch.equal(contents["weights"], torch.arange(3))


def test_a_checkpoint_that_could_not_be_read_safely_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    SafeCheckpointIO().save_checkpoint({"a": 1}, tmp_path / "a.ckpt")
    with pytest.raises(RunError, match="Opaque"):
        SafeCheckpointIO().save_checkpoint({"a": Opaque()}, tmp_path / "a.ckpt")
    assert read(tmp_path / "a.ckpt") == {"a": 1}


def test_an_object_with_code_is_not_loaded_even_when_that_is_asked_for(tmp_path: Path) -> None:
    torch.save({"a": Opaque()}, tmp_path / "a.ckpt")
    with pytest.raises(RunError, match="more than tensors and plain values"):
        SafeCheckpointIO().load_checkpoint(tmp_path / "a.ckpt", weights_only=bool(0))


def test_half_a_checkpoint_is_said_to_be_damaged(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, tmp_path / "a.ckpt")
    whole = (tmp_path / "a.ckpt").read_bytes()
    (tmp_path / "a.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"a\.ckpt is damaged"):
        read(tmp_path / "a.ckpt")


def test_no_checkpoint_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no checkpoint is at .*none\.ckpt"):
        read(tmp_path / "none.ckpt")


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    SafeCheckpointIO().save_checkpoint({"a": 1}, tmp_path / "a.ckpt")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"a\.ckpt cannot be written: .*No space left on device"):
        SafeCheckpointIO().save_checkpoint({"a": 2}, tmp_path / "a.ckpt")
    assert read(tmp_path / "a.ckpt") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_an_error_of_the_system_is_named_though_torch_hides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(checkpoint: object, file: object) -> None:
        try:
            raise OSError(5, "Input/output error")
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 212928 vs 212820")

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(RunError, match=r"last.ckpt cannot be written: Input/output error. The checkpoint before it"):
        SafeCheckpointIO().save_checkpoint({}, tmp_path / "last.ckpt")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_a_checkpoint_is_written_comes_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def interrupted(contents: object, file: object) -> None:
        signal.raise_signal(signal.SIGINT)
        save(contents, file)

    monkeypatch.setattr(torch, "save", interrupted)
    with signals.answered(), pytest.raises(KeyboardInterrupt):
        SafeCheckpointIO().save_checkpoint({"epoch": 3}, tmp_path / "last.ckpt")
    assert read(tmp_path / "last.ckpt") == {"epoch": 3}


def test_a_training_that_is_interrupted_while_it_writes_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, tiny = torch.save, f"{Path(__file__).parent / 'tiny.py'}:plugin"
    signals_at = iter([False, False, True])  # best.ckpt and last.ckpt of the first epoch are written, then comes Ctrl-C

    def interrupted(contents: object, file: object) -> None:
        if next(signals_at, False):
            signal.raise_signal(signal.SIGINT)
        save(contents, file)

    monkeypatch.setattr(torch, "save", interrupted)
    trainer = {"max_epochs": 3, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
    message = r"interrupted in epoch \d, .*\nsuite fit --resume .* goes on"
    with signals.answered(), pytest.raises(Interrupted, match=message):
        fit(find.get(tiny), Settings(plugin=tiny, trainer=trainer), root=tmp_path)
    (folder,) = (tmp_path / "tiny").iterdir()
    assert Run.at(folder).record["status"] == "interrupted"
    assert read(Run.at(folder).last)["epoch"] >= 0
