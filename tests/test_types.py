"""A type checker knows the public functions: an example is checked by mypy --strict, and mistakes in it are found."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "from_python.py"


def checked(file: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Return what mypy says of a file, with the sources of this repository."""
    pytest.importorskip("mypy")
    environment = {**os.environ, "MYPYPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(file)]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_example_is_typed_and_mistakes_in_it_are_found(tmp_path: Path) -> None:
    good = checked(EXAMPLE, tmp_path / "cache")
    assert good.returncode == 0, good.stdout + good.stderr
    text = EXAMPLE.read_text(encoding="utf-8")
    for right, wrong, told in (
        ("heads=1", 'heads="1"', "[arg-type]"),
        ('run.metrics["test_accuracy"] for run in runs', "run.metric for run in runs", "[attr-defined]"),
        ("seed=seed", "recipe=seed", "[arg-type]"),
    ):
        assert right in text
        mistaken = tmp_path / "mistaken.py"
        mistaken.write_text(text.replace(right, wrong), encoding="utf-8")
        said = checked(mistaken, tmp_path / "cache")
        assert said.returncode == 1 and told in said.stdout, said.stdout + said.stderr


def test_the_network_of_the_example_embeds_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    vectors = import_module(EXAMPLE.stem).embedded(torch.randn(7, 300), torch.tensor([0, 3, 7]))
    assert vectors.shape == (2, 600)
