"""The record that makes a method a plugin.

A plugin is a value, not a base class: it names ordinary Lightning classes by import path, so that reading the
record costs nothing and an existing LightningModule joins without a changed line. Whatever a plugin can tell
lightning-suite stands here; there is no second contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

API = 1
"""The version of this contract. It rises when a record written for an older one could no longer be served."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One method: what it is called, where its classes are, and what can be done with it.

    Paths have the form ``package.module:attribute``. They are not imported until they are needed, so a record
    may name modules that import torch; the module that holds the record itself must import nothing heavy.

    A recipe is a YAML file of options (``model``, ``data``, ``trainer``, ``seed``, ``monitor``, ``mode``) with two
    more keys for people: ``summary``, and ``expected``, the numbers it should end with. ``{recipes}`` in it is the folder
    it lies in, for a small data file beside it.

    Attributes:
        name: what stands after ``--plugin``; equal to the name of the entry point.
        summary: one line for ``suite list``.
        module: path of a ``pytorch_lightning.LightningModule`` class.
        data: path of a ``pytorch_lightning.LightningDataModule`` class.
        recipes: ``package:folder`` that holds ``default.yaml`` and any other recipes; None means that the
            signatures alone are the settings.
        commands: the plugin's own verbs, each the path of a function; its parameters become its options.
        paper: the source of the method.
        extra: the extra of the distribution that brings the plugin's heavy needs.
        api: the version of this contract that the record was written for.
    """

    name: str
    summary: str
    module: str
    data: str
    recipes: str | None = None
    commands: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paper: str = ""
    extra: str | None = None
    api: int = API
