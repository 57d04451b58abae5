"""``python -m lightning_suite`` is ``suite``."""

import sys

from lightning_suite.cli import main

sys.exit(main())
