"""Drawings of curves: every point inside, at the place that the ticks say."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lightning_suite.reporting.curves import Chart, Curve
from lightning_suite.reporting.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart_svg, ticks
from lightning_suite.reporting.markup import as_html

FINITE = st.floats(-1e9, 1e9)


def test_the_ends_of_a_curve_lie_in_the_corners() -> None:
    drawn = chart_svg(Chart("loss", (Curve(1, "validation", ((0, 1.0), (100, 0.0))),)), ["first", "second"])
    (line,) = drawn.iter("polyline")
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
    assert line.get("points") == f"{left:.1f},{top:.1f} {right:.1f},{bottom:.1f}"
    assert line.get("class") == "curve run-1 validation"
    assert [title.text for title in line.iter("title")] == ["second, validation"]


def test_a_single_point_is_a_dot() -> None:
    drawn = chart_svg(Chart("loss", (Curve(0, "training", ((5, 1.0),)),)), [""])
    assert len([*drawn.iter("circle")]) == 1


@given(st.lists(st.tuples(st.integers(0, 10**7), FINITE), min_size=1, max_size=8))
def test_every_point_lies_inside(points: list[tuple[int, float]]) -> None:
    curve = Curve(0, "", tuple(sorted((float(step), value) for step, value in points)))
    text = as_html(chart_svg(Chart("x", (curve,)), [""]))
    for pair in re.findall(r'points="([^"]*)"', text):
        for x, y in (point.split(",") for point in pair.split()):
            assert LEFT - 0.1 <= float(x) <= WIDTH - RIGHT + 0.1 and TOP - 0.1 <= float(y) <= HEIGHT - BOTTOM + 0.1


@given(FINITE, FINITE)
def test_ticks_enclose_and_are_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-300)
    assert found[0] <= low + slack and high <= found[-1] + slack
    assert 2 <= len(found) <= 8 and found == sorted(set(found))
