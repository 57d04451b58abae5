"""Pictures of probes: scores by layer as grouped bars (Fig. 2 of arXiv:1911.01872), and the plane of angularities."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_suite.pictures import drawing, numbers_of
from suite_recnn.interpretation.probing import Plane, Probing

NAMED = {"n": (0.0, 0.0), "width": (1.0, 1.0), "mass": (1.0, 2.0), "(pTᴰ)²": (2.0, 0.0)}
"""Angularities with names, as (kappa, beta)."""
SYMBOLS = ("n", "width\nλ¹₁", "mass\nλ¹₂", "(pTᴰ)²\nλ²₀", "τ₁", "τ₂", "τ₃", "τ₂₁", "τ₃₂")
"""Of ``probing.OBSERVABLES``."""


def write_layers(picture: Path, probings: Sequence[Probing]) -> Path:
    """Draw R^2 of each observable in each layer, a panel for each run (PNG); return the path of the numbers (CSV).

    The lowest of the layers shown is *Hidden(-3)* where all three are. A point beside a bar is an untrained network's.
    """
    columns = ["run", "layer", "observable", "r2", "error", "untrained", "partial"]
    rows = [
        (probing.name, row.layer, row.observable, row.r2.value, row.r2.error, row.untrained.value, row.partial.value)
        for probing in probings
        for row in probing.rows
    ]
    down = len(probings)
    with drawing(picture, columns, rows, width=8.5, height=2.4 * down + 0.8) as figure:
        for axis, probing in zip(figure.subplots(down, 1, squeeze=False)[:, 0], probings, strict=True):
            width = 0.8 / len(probing.layers)
            for place, layer in enumerate(probing.layers):
                scores = probing.of(layer)
                at = np.arange(len(scores)) + (place - (len(probing.layers) - 1) / 2) * width
                label = f"Hidden({place - len(probing.layers)}): {layer}" if len(probing.layers) == 3 else layer
                axis.bar(
                    at, [row.r2.value for row in scores], width, yerr=[row.r2.error for row in scores], label=label
                )
                axis.plot(at, [row.untrained.value for row in scores], "k.", markersize=4)
            axis.set_xticks(range(len(SYMBOLS)), SYMBOLS)
            axis.set_ylim(-0.05, 1.02)
            axis.set_ylabel("R²")
            axis.set_title(probing.name)
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="points: untrained")
    return numbers_of(picture)


def write_plane(picture: Path, plane: Plane) -> Path:
    """Draw R^2 over kappa and beta as a heat map (PNG); return the path of the numbers (CSV).

    The line at kappa = 1, beta > 0 is where angularities are infrared and collinear safe; what is blank is constant.
    """
    exponents = plane.exponents
    rows = [
        (kappa, beta, plane.r2[i, j])
        for i, kappa in enumerate(exponents.tolist())
        for j, beta in enumerate(exponents.tolist())
    ]
    half = (exponents[1] - exponents[0]) / 2
    edges = (exponents[0] - half, exponents[-1] + half)
    with drawing(picture, ["kappa", "beta", "r2"], rows, width=6.4, height=5.2) as figure:
        axis = figure.subplots()
        image = axis.imshow(plane.r2.T, origin="lower", extent=(*edges, *edges), vmin=0, vmax=1, cmap="viridis")
        figure.colorbar(image, label="R²")
        first = exponents[exponents > 0][0] - half
        axis.plot([1, 1], [first, edges[1]], color="white", linestyle="--", label="IRC safe: κ = 1, β > 0")
        for name, (kappa, beta) in NAMED.items():
            axis.plot(kappa, beta, marker="o", color="white", markeredgecolor="black")
            axis.annotate(name, (kappa, beta), xytext=(6, 5), textcoords="offset points", color="white", weight="bold")
        axis.set_xlabel("κ, exponent of the momentum share")
        axis.set_ylabel("β, exponent of the distance")
        axis.set_title(f"{plane.name}, {plane.layer}: R² of the angularities")
        axis.grid(False)
        axis.legend(loc="upper right", facecolor="#333333", frameon=True, labelcolor="white")
    return numbers_of(picture)
