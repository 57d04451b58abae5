"""The model card, read back by the Hub's own library, and by nobody as markup."""

from collections.abc import Callable
from pathlib import Path

from huggingface_hub import ModelCard

from lightning_suite.reporting.contents import contents_of
from lightning_suite.reporting.model_card import card

Add = Callable[..., Path]


def test_the_hub_reads_the_metrics_back(add: Add) -> None:
    folders = [add(0, 0.9, data={"path": "/data/SST 2"}), add(1, 0.8, data={"path": None})]
    read = ModelCard(card(contents_of(folders))).data
    assert read.library_name == "lightning-suite"
    assert read.tags == ["pytorch-lightning", "dsa"]
    results = read.eval_results
    assert results is not None
    assert [(r.dataset_split, r.metric_type, r.metric_name, r.metric_value) for r in results] == [
        ("validation", "loss", "val_loss", 0.5),
        ("test", "auc", "test_auc", 0.9),
        ("test", "accuracy", "test_accuracy", 0.8),
        ("validation", "loss", "val_loss", 0.5),
        ("test", "auc", "test_auc", 0.8),
        ("test", "accuracy", "test_accuracy", 0.8),
    ]
    assert [(r.dataset_name, r.dataset_type) for r in results[::3]] == [
        ("SST 2", "sst-2"),
        ("data of dsa", "data-of-dsa"),
    ]
    assert results[0].dataset_args == {"fingerprint": "d69a"}
    assert results[0].task_name == "Sentence encoder with dynamic self-attention"


def test_values_that_are_no_numbers_stay_out_of_the_index(add: Add) -> None:
    run = add()
    text = (run / "run.json").read_text().replace('"test_auc": 0.9', '"test_auc": NaN')
    (run / "run.json").write_text(text)
    text = card(contents_of([run]))
    assert [r.metric_name for r in ModelCard(text).data.eval_results or ()] == ["val_loss", "test_accuracy"]
    assert "| test\\_auc | nan |" in text


def test_what_a_run_holds_stays_text(add: Add) -> None:
    text = card(contents_of([add()]))
    body = text.split("---\n", 2)[2]
    (line,) = (line for line in body.splitlines() if line.startswith("| data.path |") and line.count(" | ") == 1)
    assert line.startswith(r"| data.path | \</style\>\<script src='http://a.example/x.js'\>\</script\>\\x1b\[31m")
    assert r"\[x\]\(http://a.example\)\<img src=x\>" in line
    assert "\x1b" not in text


def test_the_commands_stand_in_a_block(add: Add) -> None:
    run = add()
    text = card(contents_of([run]))
    assert f"suite rerun {run}\n" in text
    opening, closing = (line for line in text.splitlines() if line.startswith("```"))
    assert opening == "```sh" and closing == "```"
