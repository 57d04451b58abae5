"""What a plugin's module offers to ``suite export``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

Kind = Literal["onnx", "torch-export", "aot"]
KINDS: tuple[str, ...] = get_args(Kind)

EXAMPLES = 1000
"""Inputs that are compared."""


@dataclass(frozen=True, kw_only=True)
class Exportable:
    """What of a trained module is exported.

    Attributes:
        network: takes the inputs and returns the outputs: a tensor, or a tuple of several.
        reference: what the module itself computes from the same inputs; the exported file is compared with it.
        inputs: the names of the inputs, in order, each with the names of the sizes of its axes that vary.
        outputs: the names of the outputs, in order.
        sample: returns inputs of a batch of examples with these sizes, at random.
        sizes: the smallest and the largest size of an example, such as words of a sentence, that are compared.
        metadata: texts that a user of the file needs, by name, such as the names of the classes; in ONNX files.
        left_out: what the file does not do, such as splitting text into words.
    """

    network: "nn.Module"
    reference: "Callable[..., Tensor | tuple[Tensor, ...]]"
    inputs: Mapping[str, Mapping[int, str]]
    outputs: Sequence[str]
    sample: "Callable[[Sequence[int], Generator], tuple[Tensor, ...]]"
    sizes: tuple[int, int] = (0, 200)
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    left_out: str = ""
