"""lightning-suite: a paper's method as a plugin of PyTorch Lightning.

``Plugin`` is the record that describes a method; ``load`` gives a trained module back from its run folder,
``load_data`` the data module that it learnt from.
"""

from lightning_suite.loading import load as load
from lightning_suite.loading import load_data as load_data
from lightning_suite.plugin import Plugin as Plugin
