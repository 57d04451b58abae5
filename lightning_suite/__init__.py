"""lightning-suite: a paper's method as a plugin of PyTorch Lightning.

``Plugin`` is the record that describes a method; ``load`` gives a trained module back from its run folder.
"""

from lightning_suite.loading import load as load
from lightning_suite.plugin import Plugin as Plugin
