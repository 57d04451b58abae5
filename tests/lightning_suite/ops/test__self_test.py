"""The self-test finds each op equal to its reference, and would find a wrong one."""

import json
from importlib import import_module

import torch
from torch import Tensor

from lightning_suite import ops
from lightning_suite.ops._self_test import compare
from lightning_suite.plugins import isolated

module = import_module("lightning_suite.ops.dsa_routing")


def test_each_op_is_reported_with_its_implementation_and_equals_its_reference() -> None:
    said, how = isolated.run("lightning_suite.ops._self_test", [], 120)
    reports = [json.loads(line) for line in said.splitlines()]
    assert [report["op"] for report in reports] == ops.names(), how
    assert {report["op"]: report["implementation"] for report in reports} == ops.implementations()
    tests = [test for report in reports for test in report["tests"].values()]
    assert all(test["agrees"] and test["seconds"] > 0 and test["reference_seconds"] > 0 for test in tests)


def test_a_wrong_value_is_found() -> None:
    def wrong(x: Tensor, offsets: Tensor, iterations: int) -> Tensor:
        return module.reference(x, offsets, iterations)[0] * 1.001

    comparison = compare(wrong, module.reference, module.example(torch.device("cpu")))
    assert not comparison["agrees"]
    assert 9e-4 < comparison["difference"] < 1.1e-3


def test_a_wrong_gradient_is_found() -> None:
    def wrong(x: Tensor, offsets: Tensor, iterations: int) -> Tensor:
        z = module.reference(x, offsets, iterations)[0]
        return z + 0.01 * (x.sum() - x.sum().detach())

    assert not compare(wrong, module.reference, module.example(torch.device("cpu")))["agrees"]


def test_a_gradient_that_is_no_number_is_found() -> None:
    def wrong(x: Tensor, offsets: Tensor, iterations: int) -> Tensor:
        z = module.reference(x, offsets, iterations)[0]
        return z + (x - x.detach()).sum().abs().sqrt()  # 0, with an infinite slope times 0

    comparison = compare(wrong, module.reference, module.example(torch.device("cpu")))
    assert not comparison["agrees"]
    assert comparison["difference"] != comparison["difference"]
