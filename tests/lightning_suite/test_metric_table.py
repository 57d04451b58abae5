"""The table of metrics: the test first, an error beside its value, whole numbers whole."""

from lightning_suite.metric_table import metric_table


def test_an_error_stands_in_the_row_of_its_value_and_a_count_has_no_decimals() -> None:
    metrics = {"n_clusters": 10.0, "test_rejection_30": 204.0, "test_rejection_30_error": 3.25, "test_auc": 0.91234}
    assert metric_table(metrics, {"test_auc": 0.92}).splitlines() == [
        "metric              value  error     expected",
        "-----------------  ------  --------  --------",
        "test_auc           0.9123              0.9200",
        "test_rejection_30     204  ± 3.2500",
        "n_clusters             10",
    ]


def test_a_metric_that_is_an_error_itself_has_its_own_row() -> None:
    assert metric_table({"test_error": 0.25}).splitlines()[-1] == "test_error  0.2500"
