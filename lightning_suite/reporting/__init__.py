"""What runs were and what came of them, on one page: HTML that fetches nothing, or a model card in Markdown."""

import os
from pathlib import Path
from typing import Literal, get_args

from lightning_suite.errors import UsageError
from lightning_suite.files import write_text
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord
from lightning_suite.spelling import no_such

Format = Literal["html", "markdown"]
FORMATS: tuple[str, ...] = get_args(Format)
SUFFIXES = {"html": ".html", "markdown": ".md"}


def report(
    *runs: "str | os.PathLike[str] | Run | RunRecord",
    format: Format = "html",
    output: "str | os.PathLike[str] | None" = None,
) -> Path:
    r"""Write a report of one run, or of several side by side, and return its path; nothing of a run is imported.

    Args:
        runs: run folders, or checkpoints.
        format: ``html``, a page with curves and pictures that fetches nothing; ``markdown``, a model card with the
            ``model-index`` of the Hugging Face Hub.
        output: the file; None: ``report.html`` or ``report.md``, in the run folder or, for several, in the current one.

    Raises:
        UsageError: there is no run, or no such format.
        RunError: a run cannot be read.
        OutputError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> run = Run.create(tempfile.mkdtemp(), "dsa", recipe=None)
        >>> _ = (run.folder / "config.yaml").write_text("plugin: dsa\nseed: 3\n")
        >>> report(run).name
        'report.html'
    """
    if format not in FORMATS:
        raise UsageError(no_such("format", format, FORMATS, "a report has"))
    if not runs:
        raise UsageError("expected a run or more to report on, got none")
    from lightning_suite.reporting.contents import contents_of
    from lightning_suite.reporting.html_page import page
    from lightning_suite.reporting.model_card import card

    contents = contents_of(runs)
    folder = contents.runs[0].record.run.folder if len(runs) == 1 else Path()
    target = Path(output).expanduser() if output is not None else folder / f"report{SUFFIXES[format]}"
    write_text(target, page(contents) if format == "html" else card(contents))
    return target
