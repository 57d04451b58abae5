"""Pictures: whole, in one style whatever matplotlib is set to, and never without their numbers."""

import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lightning_suite import pictures
from lightning_suite.errors import OutputError, UsageError
from lightning_suite.pictures import BINS, COLOURS, drawing, histogram, numbers_of, whole_numbers, write_csv


def draw(path: Path, text: str = "length (m)") -> Figure:
    with drawing(path, ["x", "y"], [(1, 2.5), (2, 5)], width=2, height=1.5) as figure:
        axes = figure.subplots()
        axes.plot([1, 2], [2.5, 5])
        axes.set_xlabel(text)
    return figure


def test_a_picture_has_its_numbers_beside_it(tmp_path: Path) -> None:
    draw(tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert numbers_of(tmp_path / "new" / "curve.png").read_text() == "x,y\n1,2.5\n2,5\n"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["curve.csv", "curve.png"]


def test_nothing_is_written_when_drawing_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), drawing(tmp_path / "a.png", ["x"], [(1,)]):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_png_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.jpg: expected a name that ends in \.png"):
        draw(tmp_path / "a.jpg")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        draw(tmp_path / "a.png")


def test_the_style_is_ours_whatever_matplotlib_is_set_to(tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    draw(plain)
    with matplotlib.rc_context({"axes.facecolor": "black", "text.usetex": True, "lines.linewidth": 9}):
        figure = draw(tmp_path / "again.png")
        assert matplotlib.rcParams["axes.facecolor"] == "black"
    assert (tmp_path / "again.png").read_bytes() == plain.read_bytes()
    assert to_hex(figure.axes[0].lines[0].get_color()) == COLOURS[0]
    assert not figure.axes[0].spines["top"].get_visible()


def test_what_sticks_out_is_not_cut_off(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", "a label that is far longer than the picture of two inches is wide")
    picture = matplotlib.image.imread(tmp_path / "a.png")[:, :, :3]
    assert picture.shape[1] > 2 * 2 * 130
    for border in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (border == 1).all()


def test_dollars_are_no_formula(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", r"price of $\notacommand$ (\$)")


def test_the_font_has_cyrillic_greek_and_subscripts(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(tmp_path / "a.png", "длина твита, τ₂₁, λ², m (GeV)")


def test_a_character_that_the_font_lacks_is_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(tmp_path / "a.png", "語 🙂")


def test_a_logarithmic_axis_has_plain_numbers(tmp_path: Path) -> None:
    with drawing(tmp_path / "a.png", [], []) as figure:
        axes = figure.subplots()
        axes.semilogy([1, 2, 3], [1, 50, 20_000])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert {"1", "100", "10,000"} <= set(labels)
    assert not any("$" in label for label in labels)


def test_whole_numbers_have_no_fractions_at_their_axis(tmp_path: Path) -> None:
    with drawing(tmp_path / "a.png", [], []) as figure:
        axes = figure.subplots()
        axes.plot([0, 1, 2], [0, 1000, 2000])
        whole_numbers(axes.xaxis)
        whole_numbers(axes.yaxis)
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert "2,000" in [label.get_text() for label in axes.get_yticklabels()]


def test_drawing_opens_no_window_and_leaves_pyplot_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from lightning_suite import pictures\n"
        "assert not {'matplotlib', 'numpy', 'torch'} & set(sys.modules)\n"
        f"with pictures.drawing({str(tmp_path / 'a.png')!r}, ['x'], [[1]]) as figure: figure.subplots()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_matplotlib_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="drawing pictures needs the package 'matplotlib'"):
        draw(tmp_path / "a.png")


def test_half_of_a_surrogate_pair_is_written_as_a_question_mark(tmp_path: Path) -> None:
    assert write_csv(tmp_path / "a.csv", ["word"], [["cut\ud83d"]]).read_text() == "word\ncut?\n"


def test_cells_with_commas_and_line_breaks_are_quoted(tmp_path: Path) -> None:
    assert write_csv(tmp_path / "a.csv", ["a", "b"], [["x,y", "two\nlines"]]).read_text() == 'a,b\n"x,y","two\nlines"\n'


def test_whole_numbers_lie_in_the_middle_of_their_bins() -> None:
    bins = histogram({"a": np.array([1, 2, 2, 4]), "b": np.array([2])})
    assert bins.edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert bins.counts["a"].tolist() == [1, 2, 0, 1]
    assert bins.counts["b"].tolist() == [0, 1, 0, 0]


def test_a_histogram_may_begin_elsewhere_than_at_the_smallest_number() -> None:
    assert histogram({"a": np.array([2, 3])}, start=0).edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize(("largest", "width"), [(59, 1), (60, 2), (119, 2), (120, 5), (500, 10), (3_000, 100)])
def test_many_whole_numbers_share_bins_of_1_2_5_10(largest: int, width: int) -> None:
    bins = histogram({"a": np.arange(largest + 1)})
    assert set(np.diff(bins.edges).tolist()) == {width}
    assert len(bins.edges) - 1 <= BINS
    assert int(bins.counts["a"].sum()) == largest + 1


def test_a_far_tail_is_counted_and_left_out() -> None:
    bins = histogram({"a": np.append(np.arange(1000) % 10, 500)})
    assert bins.edges[-1] == 9.5
    assert bins.above == {"a": 1}
    assert bins.counts["a"].sum() == 1000


@given(
    numbers=st.lists(st.integers(0, 10**7), min_size=1, max_size=50)
    | st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=50),
    others=st.lists(st.integers(0, 100), max_size=50),
)
def test_every_number_is_in_a_bin_or_above(numbers: list[float], others: list[float]) -> None:
    bins = histogram({"numbers": np.array(numbers), "others": np.array(others)})
    assert bins.counts["numbers"].sum() + bins.above["numbers"] == len(numbers)
    assert bins.counts["others"].sum() + bins.above["others"] == len(others)
    assert len(bins.edges) - 1 <= BINS


def test_a_density_counts_also_what_is_beyond_the_last_bin() -> None:
    bins = histogram({"mass": np.append(np.linspace(0, 1, 9_999), 50.0)})
    share = float((bins.density("mass") * np.diff(bins.edges)).sum())
    assert bins.above["mass"] == 50  # half a percent
    assert share == pytest.approx(0.995)


def test_numbers_that_are_all_the_same_have_a_histogram() -> None:
    bins = histogram({"a": np.array([0.25, 0.25])})
    assert bins.edges[0] == 0.25
    assert bins.counts["a"].sum() == 2
    assert pictures.histogram({"a": np.array([3])}).counts["a"].tolist() == [1]
