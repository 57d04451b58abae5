"""lightning-suite: a paper's method as a plugin of PyTorch Lightning.

``Plugin`` is the record that describes a method; ``load`` gives a trained module back from its run folder,
``load_data`` the data module that it learnt from, ``runs`` what all runs below a folder say of themselves,
``compare_runs`` what differs between them, and ``report`` writes a page about them.
"""

import sys

# ``python -m lightning_suite`` puts the current folder first on the path: a run folder's own code could be imported.
if not sys.flags.safe_path and sys.argv[:1] == ["-m"] and "lightning_suite" in sys.orig_argv:
    del sys.path[0]

from lightning_suite.loading import load as load
from lightning_suite.loading import load_data as load_data
from lightning_suite.plugin import Plugin as Plugin
from lightning_suite.reporting import report as report
from lightning_suite.run_comparison import compare_runs as compare_runs
from lightning_suite.run_records import runs as runs
