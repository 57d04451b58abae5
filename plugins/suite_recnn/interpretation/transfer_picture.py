"""The picture of transfers: the AUC of each, between that of a random embedding and those of trained networks."""

from collections.abc import Sequence
from pathlib import Path

from lightning_suite.pictures import GREY, drawing, numbers_of
from suite_recnn.interpretation.transfer import Transfer


def write_transfers(picture: Path, transfers: Sequence[Transfer]) -> Path:
    """Draw the AUC of each transfer as a bar, with marks for floor, base and fine-tuning; return the numbers' path."""
    marks = [
        ("floor", "random embedding", "v"),
        ("base", "base: its own network", "D"),
        ("fine_tuned", "fine-tuned", "^"),
    ]
    columns = ["source", "target", "auc", "auc_error"]
    columns += [f"{name}{end}" for name, _, _ in marks for end in ("", "_error")]
    rows = [
        [one.source, one.target, *one.auc]
        + [value for name, _, _ in marks for value in (getattr(one, name) or ("", ""))]
        for one in transfers
    ]
    with drawing(
        picture,
        [*columns, "paper_base", "paper"],
        [[*row, *(one.paper or ("", ""))] for row, one in zip(rows, transfers, strict=True)],
        width=1.6 + 1.1 * max(3, len(transfers)),
        height=4.4,
    ) as figure:
        axis = figure.subplots()
        at = range(len(transfers))
        axis.bar(
            at, [one.auc.value for one in transfers], 0.6, yerr=[one.auc.error for one in transfers], label="transfer"
        )
        for name, label, marker in marks:
            known = [(place, value) for place, one in enumerate(transfers) if (value := getattr(one, name)) is not None]
            if known:
                axis.plot(
                    *zip(*((place, value.value) for place, value in known), strict=True), f"k{marker}", label=label
                )
        papers = [(place, one.paper[1]) for place, one in enumerate(transfers) if one.paper is not None]
        if papers:
            axis.plot(*zip(*papers, strict=True), "_", markersize=30, color=GREY, label="paper's transfer")
        axis.set_xticks(at, [f"{one.source}\n→ {one.target}" for one in transfers])
        axis.set_ylim(0.5, 1.0)
        axis.set_ylabel("AUC")
        figure.legend(loc="outside upper center", ncols=3)
    return numbers_of(picture)
