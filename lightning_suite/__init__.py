"""lightning-suite: a paper's method as a plugin of PyTorch Lightning.

    import lightning_suite as ls

    run = ls.fit("dsa", recipe="sst2", trainer={"max_epochs": 2})
    run.predict(["a gorgeous, witty, seductive movie"])

``fit`` trains a plugin, ``Run.at`` opens a run that is there, ``runs`` finds all of them below a folder,
``compare_runs`` says what differs between them, ``report`` writes a page about them, and ``export`` the network to a
file for other programs. ``load`` gives the trained module alone, ``load_data`` the data module that it learnt from.
``Plugin`` is the record that describes a method, and ``TakesInputs`` what its data module offers to predict from
memory. Nothing here imports torch before it is needed.
"""

import sys
from typing import TYPE_CHECKING, Any

# ``python -m lightning_suite`` puts the current folder first on the path: a run folder's own code could be imported.
if not sys.flags.safe_path and sys.argv[:1] == ["-m"] and "lightning_suite" in sys.orig_argv:
    del sys.path[0]

from lightning_suite.errors import SuiteError as SuiteError
from lightning_suite.exporting import export as export
from lightning_suite.fitting import fit as fit
from lightning_suite.inputs import Inputs as Inputs
from lightning_suite.inputs import TakesInputs as TakesInputs
from lightning_suite.loading import load as load
from lightning_suite.loading import load_data as load_data
from lightning_suite.plugin import Plugin as Plugin
from lightning_suite.reporting import report as report
from lightning_suite.run_comparison import compare_runs as compare_runs
from lightning_suite.run_search import runs as runs
from lightning_suite.trained import Run as Run

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> Any:
    """Return the version of the installed distribution, which costs a look into its metadata."""
    if name == "__version__":
        from lightning_suite.plugins.requirements import version

        return version("lightning-suite") or "unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
