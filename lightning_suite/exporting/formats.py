"""Writes the formats of exported networks, and reads them back to run them."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from lightning_suite.exporting.exportable import Exportable, Kind
from lightning_suite.needs import needs

Runner = Callable[..., tuple[Tensor, ...]]

EXTRA = "lightning-suite[export]"
EXAMPLE_SIZES = (3, 1, 4, 2)
"""Sizes of the examples that a graph is traced with; which they are leaves no trace."""


def program_of(exportable: Exportable) -> ExportedProgram:
    """Return the graph of a network, in which every size that varies may also be 0 or 1."""
    from torch.fx.experimental import _config

    inputs = exportable.sample(EXAMPLE_SIZES, torch.Generator().manual_seed(0))
    shapes = tuple({axis: _size(name) for axis, name in axes.items()} for axes in exportable.inputs.values())
    network = exportable.network.eval()
    # Otherwise a graph holds for sizes from 2 on alone.
    with _quiet(), torch.no_grad(), _config.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(_WithInputs(network), (inputs,), dynamic_shapes=(shapes,))


def _size(name: str) -> Any:
    """Return torch's name for a size; of ``jet + 1`` there are 2 or more, of others any number."""
    base, plus, more = name.partition(" + ")
    return Dim(base, min=1) + int(more) if plus else Dim(name, min=0)


class _WithInputs(torch.nn.Module):
    """Takes the inputs as one tuple, so that a network's parameters may have any names."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: tuple[Tensor, ...]) -> Any:
        return self.network(*inputs)


def write_onnx(exportable: Exportable, path: Path) -> None:
    """Write ONNX of standard operators.

    Raises:
        UsageError: a package is missing.
        RuntimeError: an operator is not of the standard.
    """
    with needs("exporting to ONNX", EXTRA):
        import onnx
        import onnxruntime  # noqa: F401

        from lightning_suite.exporting.translations import OPSET, translations
    with _quiet():
        program = torch.onnx.export(
            program_of(exportable),
            dynamo=True,
            custom_translation_table=translations(),
            opset_version=OPSET,
            input_names=list(exportable.inputs),
            output_names=list(exportable.outputs),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    if strange := sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"}):
        raise RuntimeError(f"operators of {', '.join(strange)} are not of the standard")
    for value, axes in zip(model.graph.input, exportable.inputs.values(), strict=True):
        for axis, name in axes.items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    onnx.helper.set_model_props(model, dict(exportable.metadata))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def read_onnx(path: Path) -> Runner:
    """Return a function that runs an ONNX file by onnxruntime."""
    with needs("running ONNX", EXTRA):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def run(*inputs: Tensor) -> tuple[Tensor, ...]:
        given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return tuple(torch.from_numpy(value) for value in session.run(None, given))

    return run


def write_torch_export(exportable: Exportable, path: Path) -> None:
    """Write a graph of torch's, in which the compiled ops stay what they are."""
    torch.export.save(program_of(exportable), path, extra_files=dict(exportable.metadata))


def read_torch_export(path: Path) -> Runner:
    """Return a function that runs a graph of torch's."""
    module = torch.export.load(path).module()
    return lambda *inputs: as_tuple(module(inputs))


def write_aot(exportable: Exportable, path: Path) -> None:
    """Compile a graph of torch's to machine code; this needs a C++ compiler."""
    from torch._inductor import aoti_compile_and_package

    with _quiet():
        aoti_compile_and_package(program_of(exportable), package_path=str(path))


def read_aot(path: Path) -> Runner:
    """Return a function that runs compiled machine code."""
    from torch._inductor import aoti_load_package

    package = aoti_load_package(str(path))
    return lambda *inputs: as_tuple(package(inputs))


def as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    """Return the outputs of a network as a tuple, one tensor too."""
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


WRITERS: Mapping[Kind, Callable[[Exportable, Path], None]] = {
    "onnx": write_onnx,
    "torch-export": write_torch_export,
    "aot": write_aot,
}
READERS: Mapping[Kind, Callable[[Path], Runner]] = {
    "onnx": read_onnx,
    "torch-export": read_torch_export,
    "aot": read_aot,
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the exporters print and warn of in every export: optional packages, and their own insides."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
