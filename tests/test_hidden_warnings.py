"""Every warning of a library that the code hides is one that the installed version raises.

Those of Lightning are provoked in tests/lightning_suite/test_lightning_internals.py.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FIGURE = "import matplotlib; matplotlib.use('Agg'); from matplotlib import pyplot; figure = pyplot.figure(); "
SCORE = "import torch; from torchmetrics.clustering import AdjustedRandScore as Score; score = Score(); "
PROVOKED = {
    ".*(Glyph|natively)": FIGURE + "figure.text(0.5, 0.5, '\\u6d77'); figure.canvas.draw()",
    "Sparse invariant checks": SCORE + "score.update(torch.arange(9) % 3, torch.arange(9) % 2); score.compute()",
    "Number of distinct clusters": "from sklearn.cluster import KMeans; KMeans(2, n_init=1).fit([[0.0], [0.0]])",
    "Sparse CSR tensor support is in beta": "import torch; torch.eye(2).to_sparse_csr()",
}
OWN = {"the eigenvectors are less accurate"}
"""Warnings of the suite's own code, which the tests of that code raise."""


def hidden() -> set[str]:
    """Return the messages of all ``filterwarnings("ignore", message="...")``."""
    messages = set()
    for path in [*(ROOT / "lightning_suite").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.filterwarnings":
                values = [keyword.value for keyword in node.keywords if keyword.arg == "message"]
                messages |= {value.value for value in values if isinstance(value, ast.Constant)}
    return messages


def test_every_warning_that_is_hidden_is_provoked_here() -> None:
    assert hidden() == set(PROVOKED) | OWN


@pytest.mark.parametrize("pattern", PROVOKED)
def test_the_installed_library_warns_so(pattern: str) -> None:
    script = f"import warnings\nwith warnings.catch_warnings(record=True) as raised:\n    {PROVOKED[pattern]}\n"
    script += "print(*(str(warning.message) for warning in raised), sep='\\n')"
    done = subprocess.run([sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=False)
    if "No module named" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert any(re.match(pattern, line) for line in done.stdout.splitlines()), done.stdout + done.stderr
