"""Writes a run's network to a file that runs without this package, if it computes the same there.

--to onnx: standard operators of ONNX, which onnxruntime and others run; torch-export: torch's own graph, with the
compiled ops inside; aot: machine code by AOTInductor. 1,000 inputs of all sizes are compared with the module; where the
largest difference is more than 1e-5 relative, nothing is kept and the exit status is 1.
"""

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.exporting import LARGEST_DIFFERENCE, export
from lightning_suite.exporting.exportable import KINDS


def run(arguments: list[str]) -> int:
    """Write the file, and print where it is and how well it computes; return 0."""
    parser = LightParser("export", __doc__)
    parser.add_argument("run", metavar="RUN", help="run folder, or checkpoint")
    parser.add_argument("--to", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--output", metavar="FILE", help="default: model.onnx, model.pt2 or model-aot.pt2 in RUN")
    values = parser.read(arguments)
    if values.to is None:
        raise UsageError(f"suite export RUN --to KIND: which of {', '.join(KINDS)}?")
    exported = export(values.run, values.to, values.output)
    print(exported.path)
    print(
        f"largest relative difference from the module: {exported.difference:.1e} in {exported.examples:,} examples "
        f"(at most {LARGEST_DIFFERENCE:.0e})"
    )
    if exported.left_out:
        print(f"not in the file: {exported.left_out}")
    return 0
