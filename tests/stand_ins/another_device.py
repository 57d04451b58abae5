"""A device that is not the CPU, for tests on machines without one: it computes as the CPU does, but keeps apart.

As on a GPU, its tensors are no numpy arrays, and an operation on tensors of both devices fails.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("lazy:0")  # for which torch loads no library

MOVES = ("aten::_to_copy", "aten::copy_")


class AnotherDevice(TorchDispatchMode):
    """Within this context there is ``DEVICE``; what ``to`` and new tensors name is there."""

    def __torch_dispatch__(
        self, operation: Any, types: Sequence[type], given: Sequence[Any] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        return _computed(operation, given, dict(named or {}))


class _There(Tensor):
    """A tensor on ``DEVICE``; ``here`` holds its numbers."""

    def __new__(cls, here: Tensor) -> Self:
        layout = {"strides": here.stride(), "storage_offset": here.storage_offset()}
        made: Self = Tensor._make_wrapper_subclass(cls, here.shape, dtype=here.dtype, device=DEVICE, **layout)  # type: ignore[attr-defined]
        made.here = here
        return made

    here: Tensor

    @classmethod
    def __torch_dispatch__(
        cls, operation: Any, types: Sequence[type], given: Sequence[Any] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        return _computed(operation, given, dict(named or {}))


def _computed(operation: Any, given: Sequence[Any], named: dict[str, Any]) -> Any:
    tensors = [each for each in tree_leaves((given, named)) if isinstance(each, Tensor)]
    there = [isinstance(each, _There) for each in tensors]
    if operation.name() not in MOVES:
        mixed = any(there) and any(not away and each.ndim for away, each in zip(there, tensors, strict=True))
        assert not mixed, f"{operation.name()}: expected all tensors on the same device"
    device = named.get("device")
    if device is not None:
        named["device"] = torch.device("cpu")
    numbers = tree_map(lambda each: each.here if isinstance(each, _There) else each, (given, named))
    result = operation(*numbers[0], **numbers[1])
    stays = any(there) if device is None else torch.device(device) == DEVICE
    return tree_map(lambda each: _There(each) if stays and isinstance(each, Tensor) else each, result)
