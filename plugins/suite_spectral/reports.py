"""What the verbs print: tables and sentences."""

from collections.abc import Sequence

from torch import Tensor

from lightning_suite.tables import clip, table
from suite_spectral.comparing import Comparison, TwoCuts
from suite_spectral.segments import Segment

CLOSE = 0.01
"""Two methods whose ARI differs by less are equally good."""


def comparison_table(compared: Sequence[Comparison]) -> str:
    """Return the scores of both methods on each set, one line per method."""
    rows = []
    for one in compared:
        count, dims = one.point_set.points.shape
        for answer in one.answers:
            rows.append(
                [
                    clip(one.point_set.name, 28),
                    f"{count}",
                    f"{dims}",
                    f"{one.n_clusters}",
                    answer.method,
                    "" if answer.ari is None else f"{answer.ari:.3f}",
                    "" if answer.nmi is None else f"{answer.nmi:.3f}",
                    f"{answer.ncut:.4f}",
                    f"{answer.seconds:.2f}",
                ]
            )
    return table(["set", "n", "d", "k", "method", "ARI", "NMI", "Ncut", "CPU s"], rows)


def verdict(compared: Sequence[Comparison]) -> str:
    """Return which method agrees better with the given classes, by set; without classes, which cuts less."""
    closer: dict[str, list[str]] = {"spectral": [], "k-means": [], "neither": []}
    for one in compared:
        means, spectral = one.answers
        if means.ari is None or spectral.ari is None:
            relation = "less" if spectral.ncut < means.ncut else "not less"
            return (
                f"spectral clustering cuts {relation} of the graph than k-means; without labels nothing else is known"
            )
        ahead = spectral.ari - means.ari
        winner = "neither" if abs(ahead) < CLOSE else "spectral" if ahead > 0 else "k-means"
        closer[winner].append(one.point_set.name)
    lines = {
        "spectral": "spectral clustering is closer to the given classes (ARI)",
        "k-means": "k-means is closer",
        "neither": f"both are within {CLOSE}",
    }
    return "\n".join(f"{lines[method]}: {', '.join(names)}" for method, names in closer.items() if names)


def cuts_line(cuts: TwoCuts) -> str:
    """Return the sizes, weights and normalised cuts of both divisions."""
    sizes = [sorted(labels.bincount().tolist()) for labels in (cuts.smallest, cuts.normalised)]
    worth = [f"(weight {weight:.3g}, Ncut {ncut:.3g})" for weight, ncut in zip(cuts.weights, cuts.ncuts, strict=True)]
    return (
        f"{cuts.point_set.name}, two parts: the minimum cut separates {sizes[0][0]} of them {worth[0]}, the normalised "
        f"cut {sizes[1][0]} {worth[1]}"
    )


def components(count: int) -> str:
    """Return how many connected components there are, in words."""
    return "1 connected component" if count == 1 else f"{count} connected components"


def segment_table(segments: Sequence[Segment]) -> str:
    """Return size, colour and box of each segment, one line per segment."""
    rows = [
        [
            f"{one.number}",
            f"{one.pixels}",
            f"{one.share:.3f}",
            "#" + "".join(f"{round(255 * value):02x}" for value in one.colour),
            f"{one.box[0]}-{one.box[2]}",
            f"{one.box[1]}-{one.box[3]}",
        ]
        for one in segments
    ]
    return table(["segment", "pixels", "share", "mean colour", "rows", "columns"], rows)


def eigenvalue_table(values: Tensor, n_clusters: int, suggested: int) -> str:
    """Return the eigenvalues with their gaps, and which are those of the clusters, one line per value."""
    rows = []
    eigenvalues = values.tolist()
    for number, value in enumerate(eigenvalues, start=1):
        gap = eigenvalues[number] - value if number < len(eigenvalues) else None
        relative = gap / eigenvalues[number] if gap is not None and eigenvalues[number] > 0 else None
        marks = [name for name, count in (("used", n_clusters), ("suggested", suggested)) if count == number]
        rows.append(
            [
                f"{number}",
                f"{value:.4e}",
                "" if gap is None else f"{gap:.3e}",
                "" if relative is None else f"{relative:.3f}",
                f"{sum(eigenvalues[:number]):.4e}",
                ", ".join(marks),
            ]
        )
    return table(["number", "eigenvalue", "gap to next", "relative", "sum so far", "clusters"], rows)
