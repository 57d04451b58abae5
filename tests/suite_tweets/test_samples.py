"""Samples are added epoch by epoch, each epoch's once."""

from pathlib import Path

from suite_tweets.samples import write_samples


def test_samples_of_further_epochs_are_added(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.txt", 10, ["a b", "ракета"])
    write_samples(tmp_path / "samples.txt", 20, ["c\nd  e"])
    expected = "after epoch 10\n  a b\n  ракета\nafter epoch 20\n  c d e\n"
    assert (tmp_path / "samples.txt").read_text(encoding="utf-8") == expected


def test_a_run_that_goes_on_writes_the_samples_of_an_epoch_once(tmp_path: Path) -> None:
    for epoch in (10, 20, 30):
        write_samples(tmp_path / "samples.txt", epoch, [f"old {epoch}"])
    write_samples(tmp_path / "samples.txt", 20, ["new"])
    assert (tmp_path / "samples.txt").read_text(encoding="utf-8") == "after epoch 10\n  old 10\nafter epoch 20\n  new\n"


def test_a_sample_that_looks_like_a_heading_is_none(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.txt", 1, ["after epoch 99"])
    write_samples(tmp_path / "samples.txt", 2, ["b"])
    assert "after epoch 1\n  after epoch 99\nafter epoch 2" in (tmp_path / "samples.txt").read_text(encoding="utf-8")
