"""The states of random generators: the global ones of a process, and those that data and modules keep for themselves.

States are tensors and plain values, so that checkpoints with them load safely.
"""

import functools
import random
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import torch
from pytorch_lightning import Trainer

State = dict[str, Any]
Own = torch.Generator | numpy.random.Generator | numpy.random.RandomState | numpy.random.BitGenerator | random.Random
Position = tuple[Any, Any, torch.Tensor]
"""The states of the global generators of Python, numpy and torch on the CPU, as they come."""

LEAVES = (str, bytes, int, float, torch.Tensor, numpy.ndarray, Trainer, type, types.ModuleType, random.SystemRandom)
"""What is not searched for generators: what has none, and the Trainer, from which everything can be reached."""

MOST = 1000
"""Containers with more elements are data, and not searched."""

MOST_OBJECTS = 20_000


def position() -> Position:
    """Return the states of the global generators on the CPU, fast and not safe to store."""
    return random.getstate(), numpy.random.get_state(), torch.get_rng_state()


def set_position(there: Position) -> None:
    """Put the global generators into states that ``position`` returned."""
    random.setstate(there[0])
    numpy.random.set_state(there[1])
    torch.set_rng_state(there[2])


def branch() -> None:
    """Seed the global generators on the CPU with a number that is drawn from them."""
    seed = int(torch.randint(2**62, ()))
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the accelerators too


def cuda_states() -> list[torch.Tensor]:
    """Return the states of the generators of all GPUs."""
    return torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []


def random_state() -> State:
    """Return the state of the global generators of this process, as tensors and plain values.

    Example:
        >>> before = random_state()
        >>> expected = random.random()
        >>> set_random_state(before)
        >>> expected == random.random()
        True
    """
    return stored(position(), cuda_states())


def stored(there: Position, cuda: list[torch.Tensor]) -> State:
    """Return a position of the global generators, and the states of those of the GPUs, as ``random_state`` does."""
    (_, python, gauss), (algorithm, keys, place, has_gauss, cached), state = there
    return {
        "python": [torch.tensor(python), gauss],
        "numpy": [str(algorithm), torch.from_numpy(keys.astype("int64")), place, has_gauss, cached],
        "torch": state,
        "cuda": cuda,
    }


def set_random_state(state: State) -> None:
    """Put the global generators of this process into a state that ``random_state`` returned."""
    python, gauss = state["python"]
    algorithm, keys, place, has_gauss, cached = state["numpy"]
    legacy = (algorithm, keys.numpy().astype("uint32"), place, has_gauss, cached)
    set_position(((3, tuple(python.tolist()), gauss), legacy, state["torch"]))
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def own_generators(**roots: object) -> dict[str, Own]:
    """Return the generators that objects hold, themselves or in what they hold, by the path to each.

    Example:
        >>> sorted(own_generators(loader={"generator": torch.Generator(), "transforms": [random.Random(0)]}))
        ['loader.generator', 'loader.transforms.0']
    """
    found: dict[str, Own] = {}
    seen: dict[int, object] = {}
    waiting = list(roots.items())
    while waiting and len(seen) < MOST_OBJECTS:
        path, thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, LEAVES):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, Own):
            found[path] = thing
        else:
            waiting += [(f"{path}.{name}", part) for name, part in _parts(thing)]
    return found


def own_state(generator: Own) -> Any:
    """Return the state of one generator as a tensor or plain values."""
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        version, numbers, gauss = generator.getstate()
        return [version, list(numbers), gauss]
    if isinstance(generator, numpy.random.RandomState):
        return _plain(generator.get_state(legacy=False))
    bits = generator.bit_generator if isinstance(generator, numpy.random.Generator) else generator
    return _plain(bits.state)


def set_own_state(generator: Own, state: Any) -> None:
    """Put one generator into a state that ``own_state`` returned."""
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    elif isinstance(generator, random.Random):
        version, numbers, gauss = state
        generator.setstate((version, tuple(numbers), gauss))
    elif isinstance(generator, numpy.random.RandomState):
        generator.set_state(state)
    else:
        bits = generator.bit_generator if isinstance(generator, numpy.random.Generator) else generator
        bits.state = state


def _parts(thing: object) -> Iterator[tuple[object, object]]:
    """Return what an object holds, by name or place."""
    if isinstance(thing, Mapping):
        yield from thing.items() if len(thing) <= MOST else ()
    elif isinstance(thing, list | tuple):
        yield from enumerate(thing) if len(thing) <= MOST else ()
    elif isinstance(thing, functools.partial):
        yield from {"func": thing.func, "args": thing.args, "keywords": thing.keywords}.items()
    elif isinstance(thing, types.MethodType):
        yield "self", thing.__self__
    elif isinstance(thing, types.FunctionType):
        yield from enumerate(cell for cell in thing.__closure__ or ())
    elif isinstance(thing, types.CellType):
        try:
            yield "content", thing.cell_contents
        except ValueError:  # a name that is not bound yet
            return
    elif isinstance(getattr(thing, "__dict__", None), dict):
        yield from vars(thing).items()


def _plain(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, numpy.ndarray | numpy.generic) else state
