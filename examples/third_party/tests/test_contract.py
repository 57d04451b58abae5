"""All that lightning-suite promises the users of a plugin, checked for this one."""

from lightning_suite.testing import contract_tests

test_contract = contract_tests("digit_sums")
