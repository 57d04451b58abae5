"""The arithmetic of csrc/: conversions of half precision on every number there is, exp and tanh to the last places.

The headers are compiled into a small library as the extension is, with fast mathematics, and called through ctypes.
"""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

CSRC = Path(__file__).resolve().parents[2] / "csrc"

SOURCE = """
#include "exponential.h"
#include "half_precision.h"
using namespace lightning_suite;
#define EACH(name, In, Out, expression)                              \\
  extern "C" LIGHTNING_SUITE_CLONES void name(const In* in, Out* out, long count) { \\
    for (long i = 0; i < count; ++i) { expression; }                 \\
  }
EACH(widen_half, Half, float, out[i] = widen(in[i]))
EACH(widen_bfloat16, BFloat16, float, out[i] = widen(in[i]))
EACH(narrow_half, float, Half, narrow(in[i], out[i]))
EACH(narrow_bfloat16, float, BFloat16, narrow(in[i], out[i]))
EACH(tanh_float, float, float, out[i] = hyperbolic_tangent(in[i]))
EACH(tanh_double, double, double, out[i] = hyperbolic_tangent(in[i]))
EACH(exp_float, float, float, out[i] = exponential(in[i]))
EACH(exp_double, double, double, out[i] = exponential(in[i]))
"""


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Tensor, torch.dtype], Tensor]:
    """Calls a function of the library on all numbers of a tensor."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("arithmetic")
    (folder / "source.cpp").write_text(SOURCE, encoding="utf-8")
    flags = ["-std=c++17", "-O3", "-ffast-math", "-fno-finite-math-only", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    words = [compiler, *flags, f"-I{CSRC}", str(folder / "source.cpp"), "-c", "-o", str(folder / "source.o")]
    subprocess.run(words, check=True)
    # Linked without the flags: they would make the whole process round small numbers to zero.
    subprocess.run([compiler, "-shared", str(folder / "source.o"), "-o", str(folder / "library.so")], check=True)
    library = ctypes.CDLL(str(folder / "library.so"))

    def run(name: str, numbers: Tensor, dtype: torch.dtype) -> Tensor:
        numbers = numbers.contiguous()
        out = torch.empty(numbers.shape, dtype=dtype)
        pointers = [ctypes.c_void_p(each.data_ptr()) for each in (numbers, out)]
        getattr(library, name)(*pointers, ctypes.c_long(numbers.numel()))
        return out

    return run


HALVES = {"half": torch.float16, "bfloat16": torch.bfloat16}


@pytest.mark.parametrize("name", HALVES)
def test_every_half_becomes_the_float_that_it_is(name: str, call: Callable[..., Tensor]) -> None:
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(HALVES[name])
    torch.testing.assert_close(
        every.float(), call(f"widen_{name}", every, torch.float32), rtol=0, atol=0, equal_nan=True
    )


@pytest.mark.parametrize("name", HALVES)
def test_every_half_comes_back_from_float(name: str, call: Callable[..., Tensor]) -> None:
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(HALVES[name])
    actual = call(f"narrow_{name}", every.float(), HALVES[name])
    torch.testing.assert_close(every, actual, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", HALVES)
def test_floats_are_rounded_to_the_nearest_half_and_ties_to_even(name: str, call: Callable[..., Tensor]) -> None:
    some = torch.randint(-(2**31), 2**31, (2_000_000,)).to(torch.int32)
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(HALVES[name]).float()
    ties = (every[1:] + every[:-1]) / 2
    special = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 65504, 65519.99, 65520, 1e-45, 6e-8, 2**-25])
    numbers = torch.cat([some.view(torch.float32), ties, ties.nextafter(ties + 1), special])
    actual = call(f"narrow_{name}", numbers, HALVES[name])
    torch.testing.assert_close(numbers.to(HALVES[name]), actual, rtol=0, atol=0, equal_nan=True)


def ulps(actual: Tensor, exact: Tensor) -> float:
    """The largest error, in units of the last place of what is exact."""
    unit = torch.finfo(actual.dtype).eps * 2.0 ** exact.abs().double().log2().floor()
    return float(((actual.double() - exact.double()).abs() / unit).max())


FLOATS = {"float": torch.float32, "double": torch.float64}


@pytest.mark.parametrize("name", FLOATS)
def test_tanh_errs_by_few_units_in_the_last_place(name: str, call: Callable[..., Tensor]) -> None:
    scales = 10.0 ** torch.arange(-30, 3).double()
    numbers = (torch.randn(20_000, dtype=torch.float64)[:, None] * scales).flatten().to(FLOATS[name])
    actual = call(f"tanh_{name}", numbers, FLOATS[name])
    assert ulps(actual, numbers.double().tanh()) <= 4
    assert float(actual.abs().max()) <= 1


@pytest.mark.parametrize("name", FLOATS)
def test_exp_errs_by_few_units_in_the_last_place(name: str, call: Callable[..., Tensor]) -> None:
    least = -80.0 if name == "float" else -700.0
    numbers = (torch.rand(500_000, dtype=torch.float64) * least).to(FLOATS[name])
    actual = call(f"exp_{name}", numbers, FLOATS[name])
    # The argument is rounded first: its error grows with it.
    assert ulps(actual, numbers.double().exp()) <= 4 + abs(least) / 2
    near = numbers / 100
    assert ulps(call(f"exp_{name}", near, FLOATS[name]), near.double().exp()) <= 3


@pytest.mark.parametrize("name", FLOATS)
def test_exp_of_what_is_far_below_is_almost_nothing(name: str, call: Callable[..., Tensor]) -> None:
    numbers = torch.tensor([-1e3, -1e30, -torch.inf], dtype=FLOATS[name])
    tiny = torch.finfo(FLOATS[name]).tiny
    assert bool((call(f"exp_{name}", numbers, FLOATS[name]) <= tiny * 1.01).all())


@pytest.mark.parametrize("function", ["tanh_float", "tanh_double", "exp_float", "exp_double"])
def test_what_is_no_number_stays_so(function: str, call: Callable[..., Tensor]) -> None:
    dtype = FLOATS[function.split("_")[1]]
    assert bool(call(function, torch.full((37,), torch.nan, dtype=dtype), dtype).isnan().all())


@pytest.mark.parametrize("name", FLOATS)
def test_tanh_of_infinity_is_one(name: str, call: Callable[..., Tensor]) -> None:
    ends = torch.tensor([torch.inf, -torch.inf], dtype=FLOATS[name])
    assert call(f"tanh_{name}", ends, FLOATS[name]).tolist() == [1.0, -1.0]
