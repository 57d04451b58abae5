"""Pictures of a run: no links, none that would make a page huge, and it is said."""

from collections.abc import Callable
from pathlib import Path

from lightning_suite.reporting.pictures import LARGEST, MOST, pictures_of
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord

Add = Callable[..., Path]


def test_what_cannot_be_shown_is_named(add: Add, tmp_path: Path) -> None:
    run = add()
    (tmp_path / "secret.png").write_bytes(b"not of the run")
    (run / "figures" / "link.png").symlink_to(tmp_path / "secret.png")
    (run / "figures" / "large.png").write_bytes(bytes(LARGEST + 1))
    (run / "figures" / "inner").mkdir()
    (run / "figures" / "inner" / "curve.svg").write_text("<svg/>")
    (run / "figures" / "confusion.csv").write_text("1,2\n")
    found = pictures_of(RunRecord.of(Run.at(run)))
    assert [name for name, _ in found.shown] == ["confusion.png", "inner/curve.svg"]
    assert found.shown[1][1] == "data:image/svg+xml;base64,PHN2Zy8+"
    assert dict(found.left_out) == {"large.png": "it has 4 MiB", "link.png": "it is a link, or no file"}


def test_a_folder_that_is_a_link_is_not_followed(add: Add, tmp_path: Path) -> None:
    run, other = add(), add()
    (run / "figures" / "confusion.png").unlink()
    (run / "figures").rmdir()
    (run / "figures").symlink_to(other / "figures")
    assert pictures_of(RunRecord.of(Run.at(run))).shown == ()


def test_the_rest_of_very_many_is_named(add: Add) -> None:
    run = add()
    for i in range(MOST):
        (run / "figures" / f"x{i:03}.png").write_bytes(b"x")
    found = pictures_of(RunRecord.of(Run.at(run)))
    assert (len(found.shown), found.left_out) == (MOST, ((f"x{MOST - 1:03}.png", "there are too many"),))
