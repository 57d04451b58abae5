"""The contract tests: what lightning-suite promises the users of every plugin."""

from lightning_suite.testing import contract_tests

test_contract = contract_tests("digit_sums")
