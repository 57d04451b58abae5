"""Draws learning curves as SVG that stands in a page, and takes its colours from there."""

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lightning_suite.reporting.curves import Chart, Curve, Point
from lightning_suite.reporting.markup import element

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 12, 34
COLOURS = 8
"""Colours that the page's style has for runs, ``run-0`` and so on; further runs take them again."""


def chart_svg(chart: Chart, names: Sequence[str]) -> Element:
    """Return the drawing of a chart: colours tell the runs apart, dashes the stages.

    Args:
        chart: what to draw.
        names: of the runs.
    """
    points = [point for curve in chart.curves for piece in curve.pieces for point in piece]
    steps, values = [point[0] for point in points], [point[1] for point in points]
    x_ticks, y_ticks = ticks(min(steps), max(steps)), ticks(min(values), max(values))
    x_range = (min(steps), max(max(steps), min(steps) + 1))
    y_range = (min(y_ticks[0], min(values)), max(y_ticks[-1], max(values)))

    def place(point: Point) -> Point:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (point[0] - x_range[0]) / (x_range[1] - x_range[0])
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (point[1] - y_range[0]) / (y_range[1] - y_range[0])
        return x, y

    drawn = [element("title", f"{chart.measure} by optimizer step")]
    for value in y_ticks:
        y = place((x_range[0], value))[1]
        drawn.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}"))
        drawn.append(element("text", tick_text(value), x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    for step in x_ticks:
        if x_range[0] <= step <= x_range[1]:
            x = place((step, y_range[0]))[0]
            drawn.append(element("text", tick_text(step), x=f"{x:.1f}", y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    drawn.append(element("text", "step", x=WIDTH - RIGHT, y=HEIGHT - 4, text_anchor="end", class_="axis"))
    for curve in chart.curves:
        drawn += [_line([place(point) for point in piece], curve, names) for piece in curve.pieces]
    return element("svg", drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"curves of {chart.measure}")


def line_class(run: int, stage: str) -> str:
    """Return the classes of a line, of which the style of the page makes colour and dashes.

    Example:
        >>> line_class(0, "training, each step")
        'curve run-0 training each-step'
    """
    words = stage.replace("each step", "each-step").replace(",", "").split()
    return " ".join(["curve", f"run-{run % COLOURS}", *words])


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers around and between two numbers: the first and the last enclose them.

    Example:
        >>> ticks(0.13, 0.48)
        [0.1, 0.2, 0.3, 0.4, 0.5]
        >>> ticks(2.0, 2.0)
        [1.9, 1.95, 2.0, 2.05, 2.1]
    """
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-300):  # all the same, or as good as
        middle = low if abs(low) > 1e-299 else 0.0
        low, high = middle - 0.05 * (abs(middle) or 1), middle + 0.05 * (abs(middle) or 1)
    rough = high / most - low / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def tick_text(value: float) -> str:
    """Return a tick's number in few characters.

    Example:
        >>> tick_text(0.1), tick_text(20000.0), tick_text(2500000.0)
        ('0.1', '20 000', '2.5e+06')
    """
    return f"{value:,.0f}".replace(",", " ") if 1000 <= abs(value) < 1e6 else f"{value:.4g}"


def _line(points: Sequence[Point], curve: Curve, names: Sequence[str]) -> Element:
    title = element("title", ", ".join(filter(None, (names[curve.run], curve.stage))))
    classes = line_class(curve.run, curve.stage)
    if len(points) == 1:
        return element(
            "circle", title, cx=f"{points[0][0]:.1f}", cy=f"{points[0][1]:.1f}", r=3, class_=f"{classes} dot"
        )
    return element("polyline", title, points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=classes)
