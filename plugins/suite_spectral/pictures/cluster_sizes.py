"""How many points each cluster has and, where classes are known, of which class most of them are."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from lightning_suite.pictures import COLOURS, drawing, whole_numbers

NAMED = 12
"""Most clusters of which each has the name of its class at its bar."""


def write_sizes(
    picture: Path, labels: Tensor, n_clusters: int, classes: Tensor | None = None, names: Sequence[str] | None = None
) -> None:
    """Draw the sizes of the clusters, and in each the part of its most frequent class.

    Args:
        picture: the PNG file; the CSV has its name.
        labels: (point,) int64.
        n_clusters: how many clusters there are; some may have no point here.
        classes: (point,) int64, the class of each point, below 0 where it is not known; None: of all.
        names: of the classes.
    """
    sizes = labels.cpu().bincount(minlength=n_clusters)
    known = torch.full_like(labels, -1).cpu() if classes is None else classes.cpu()
    counted = known >= 0
    count = max(len(known[counted].bincount()), 1)
    is_known = bool(counted.any())
    pairs = (labels.cpu() * count + known)[counted].bincount(minlength=n_clusters * count).reshape(n_clusters, count)
    most, first = pairs.max(dim=1)
    told = [str(number) if names is None else names[number] for number in first.tolist()]
    rows = [
        (cluster, size, named if of else "", of if is_known else "")
        for cluster, (size, of, named) in enumerate(zip(sizes.tolist(), most.tolist(), told, strict=True))
    ]
    with drawing(picture, ["cluster", "points", "class", "points_of_class"], rows, width=6, height=4) as figure:
        axes = figure.subplots()
        numbers = range(n_clusters)
        axes.bar(numbers, sizes.tolist(), color="#bbbbbb", label="points")
        axes.set_title(f"{len(labels):,} points in {int((sizes > 0).sum())} clusters")
        if is_known:
            bars = axes.bar(numbers, most.tolist(), color=COLOURS[0], label="of the most frequent class")
            if n_clusters <= NAMED:
                axes.bar_label(bars, [row[2] for row in rows], fontsize="small")
            figure.legend(loc="outside lower center", ncols=2)
        axes.set_xlabel("cluster")
        axes.set_ylabel("points")
        whole_numbers(axes.xaxis)
