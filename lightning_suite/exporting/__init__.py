"""Export a trained network to a file that runs without this package, and only if it computes the same.

A plugin's LightningModule offers ``exportable()``, which returns an `Exportable`: the network on plain tensors. Written
are ONNX of standard operators, ``torch.export`` with the compiled ops inside, and an AOTInductor package.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.errors import RunError, UsageError
from lightning_suite.exporting.exportable import EXAMPLES, KINDS, Exportable, Kind
from lightning_suite.files import atomic_path
from lightning_suite.run import Run
from lightning_suite.spelling import no_such

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule

NAMES: Mapping[str, str] = {"onnx": "model.onnx", "torch-export": "model.pt2", "aot": "model-aot.pt2"}

LARGEST_DIFFERENCE = 1e-5
"""Relative to the largest value of an example, or the root mean square of all values; more is an error."""


@dataclass(frozen=True)
class Exported:
    """A file that was written and compared.

    Attributes:
        path: the file.
        difference: the largest relative difference from the module; see `LARGEST_DIFFERENCE`.
        examples: how many were compared.
        left_out: what the file does not do.
    """

    path: Path
    difference: float
    examples: int
    left_out: str


def export(
    run: "str | os.PathLike[str] | Run",
    to: Kind,
    output: "str | os.PathLike[str] | None" = None,
    *,
    trust: bool = False,
) -> Exported:
    """Write the trained network of a run to a file, if the file then computes what the module does.

    Args:
        run: the run folder or checkpoint.
        to: ``onnx``, ``torch-export`` or ``aot``.
        output: the file; None: ``model.onnx``, ``model.pt2`` or ``model-aot.pt2`` in the run folder.
        trust: import what the run names, whoever made it (SECURITY.md).

    Raises:
        UsageError: there is no such kind, the file's name is one that torch does not read, the plugin exports nothing,
            or a package is missing.
        RunError: the run cannot be read, or the file computes something else; then it is not kept.
        OutputError: the file cannot be written.
    """
    if to not in KINDS:
        raise UsageError(no_such("kind of export", to, KINDS, "suite export --to has"))
    if output is not None and NAMES[to].endswith(".pt2") and Path(output).suffix != ".pt2":
        raise UsageError(f"--output {output}: expected a name that ends in .pt2, for torch reads no other")
    from lightning_suite.loading import load

    run = run if isinstance(run, Run) else Run.at(Path(run))
    exportable = exportable_of(load(run, trust=trust), str(run.settings()["plugin"]))
    target = Path(output).expanduser() if output is not None else run.folder / NAMES[to]
    with atomic_path(target) as unfinished:
        difference, examples = written(exportable, to, unfinished)
    return Exported(target, difference, examples, exportable.left_out)


def exportable_of(module: "LightningModule", plugin: str) -> Exportable:
    """Return what a module exports.

    Raises:
        UsageError: it offers nothing, or says why it does not.
    """
    offer = getattr(module, "exportable", None)
    if not callable(offer):
        raise UsageError(
            f"plugin {plugin!r} has no export: its {type(module).__name__} has no method exportable(),\n"
            "which returns a lightning_suite.exporting.exportable.Exportable: docs/adding-a-plugin.md"
        )
    found = offer()
    if not isinstance(found, Exportable):
        what = f"plugin {plugin!r}: exportable() returned {type(found).__name__}, not an Exportable"
        raise UsageError(what) from TypeError(type(found))
    return found


def written(exportable: Exportable, to: Kind, path: Path, examples: int = EXAMPLES) -> tuple[float, int]:
    """Write a file and return its largest relative difference from the module, and how many examples were compared.

    Raises:
        RunError: the difference is too large.
        UsageError: a package is missing.
    """
    from lightning_suite.exporting.comparison import compared
    from lightning_suite.exporting.formats import READERS, WRITERS

    WRITERS[to](exportable, path)
    difference, examples = compared(exportable, READERS[to](path), examples)
    if not difference <= LARGEST_DIFFERENCE:
        raise RunError(
            f"the exported network differs from the module by {difference:.1e} relative, more than "
            f"{LARGEST_DIFFERENCE:.0e}, in {examples:,} examples. Nothing is kept.\n"
            "If the network has diverged, or reads numbers of very different sizes, train it otherwise; if not, this "
            "is a fault: please report it."
        )
    return difference, examples
