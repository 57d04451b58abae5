"""The contract as checks that any plugin can run on itself: by ``suite check NAME``, or from its own tests.

    from lightning_suite.testing import contract_tests

    test_contract = contract_tests("hello", expected_failures={"ddp_equals_one_process": "draws its noise itself"})

A check is a function whose name says what it ensures. What a plugin declares as an expected failure has to fail, so
that the declaration goes when the plugin is repaired. A check that does not apply, such as one of predictions where
there is nothing to predict, is skipped with the reason and not counted as passed.

The checks use the recipe ``check`` of the plugin when it has one: a few seconds of training on data that lies beside
it or that the plugin generates. Otherwise they take the default recipe with 8 batches an epoch.

The interface follows scikit-learn's ``parametrize_with_checks``.
"""

from lightning_suite.testing.contract import CHECKS as CHECKS
from lightning_suite.testing.contract import check_plugin as check_plugin
from lightning_suite.testing.contract import contract_tests as contract_tests
from lightning_suite.testing.contract import parametrize_with_checks as parametrize_with_checks
from lightning_suite.testing.outcome import ContractFailure as ContractFailure
from lightning_suite.testing.outcome import Outcome as Outcome
