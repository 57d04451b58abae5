import pytest

from suite_recnn.interpretation.printed import auc_of_table_2, r2_of_table_1
from suite_recnn.interpretation.probing import OBSERVABLES


def test_table_1_has_every_observable_that_is_probed() -> None:
    for classes in (["qcd", "w"], ["QCD", "Top"], ["gluon", "quark"]):
        assert set(r2_of_table_1(classes)) == set(OBSERVABLES)
        assert None not in r2_of_table_1(classes).values()
    assert [r2_of_table_1(["w", "qcd"])[name] for name in OBSERVABLES[:3]] == [0.68, 0.74, 0.77]
    assert r2_of_table_1(["gluon", "quark"])["tau32"] == 0.09


@pytest.mark.parametrize("classes", [["w", "top"], ["w", "top", "qcd"], []])
def test_the_paper_has_nothing_for_other_tasks(classes: list[str]) -> None:
    assert r2_of_table_1(classes) == {}
    assert auc_of_table_2(classes, ["w", "qcd"]) is None
    assert auc_of_table_2(["w", "qcd"], classes) is None


def test_table_2_has_every_transfer_between_two_tasks_and_none_to_itself() -> None:
    assert auc_of_table_2(["quark", "gluon"], ["top", "qcd"]) == (0.926, 0.791)
    assert auc_of_table_2(["TOP", "QCD"], ["w", "qcd"]) == (0.957, 0.911)
    assert auc_of_table_2(["w", "qcd"], ["w", "qcd"]) is None
