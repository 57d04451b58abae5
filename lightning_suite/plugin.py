"""The record that makes a method a plugin.

A plugin is a value, not a base class: it names ordinary Lightning classes by import path, so that reading the
record costs nothing and an existing LightningModule joins without a changed line. Whatever a plugin can tell
lightning-suite stands on this page.

Beside the record there are a few things that the core looks for in the classes. Each is optional: what is not there
is not done, and nothing else changes.

    predict_path     parameter of the data module, ``str | None = None``: the file of ``suite predict RUN FILE``.
                     ``predict_dataloader()`` then yields its inputs, each once, in the order of the file.
    predict_step     of the module: returns the columns of the predictions, ``dict[str, list | Tensor]`` with one
                     entry an input of the batch; or a tensor (batch, value_dim), whose columns are numbered.
    predictions_suffix
                     of the data module's class, ``".parquet"`` for example: the format of predictions whose file the
                     user does not name. CSV without it.
    embed_step       of the module, called as ``predict_step`` is: returns a tensor (batch, embedding_dim), which
                     ``suite predict --embed`` writes.
    fingerprint      attribute of the data module after ``setup("fit")``: text that changes when the training data
                     do, such as a checksum. run.json keeps it.
    figures          where ``test_step`` and its hooks may put pictures, each with its numbers as CSV beside it:
                     ``trainer.default_root_dir/figures``, when that folder is there. Only process 0 writes.
    check.yaml       a recipe that trains in seconds, for the contract tests; they cut the default one short without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lightning_suite.plugins.origin import Origin

API = 1
"""The version of this contract. It rises when a record written for an older one could no longer be served."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One method: what it is called, where its classes are, and what can be done with it.

    Paths have the form ``package.module:attribute``. They are not imported until they are needed, so a record
    may name modules that import torch; the module that holds the record itself must import nothing heavy.

    A recipe is a YAML file of options (``model``, ``data``, ``trainer``, ``seed``, ``monitor``, ``mode``) with two
    more keys for people: ``summary``, and ``expected``, the numbers it should end with. ``{recipes}`` in it is the
    folder it lies in, for a small data file beside it.

    Attributes:
        name: what stands after ``--plugin``; equal to the name of the entry point.
        summary: one line for ``suite list``.
        module: path of a ``pytorch_lightning.LightningModule`` class.
        data: path of a ``pytorch_lightning.LightningDataModule`` class.
        recipes: ``package:folder`` that holds ``default.yaml`` and any other recipes; None means that the
            signatures alone are the settings.
        commands: the plugin's own verbs, each the path of a function; its parameters become its options.
        renamed: old names of options and the names they have now, kept for one release after the change. An option
            is written ``model.NAME`` or ``data.NAME``, a parameter of the plugin's own verb ``VERB.NAME``. A value
            that got another name has its option in front on both sides, by the option's present name:
            ``{"model.largest": "model.max_clusters", "segment.largest": "segment.max_clusters",
            "model.route=better": "model.route=best_of"}``. Old names keep working on the command line, in
            ``--config`` files and recipes, and in runs and checkpoints of older releases; one line on stderr
            says the new name.
        paper: the source of the method.
        extra: the extra of the distribution that brings the plugin's heavy needs.
        api: the version of this contract that the record was written for.
        origin: the distribution or the path that brought the record; set where a plugin is found.
    """

    name: str
    summary: str
    module: str
    data: str
    recipes: str | None = None
    commands: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paper: str = ""
    extra: str | None = None
    api: int = API
    origin: Origin = field(default_factory=Origin, repr=False, compare=False)
