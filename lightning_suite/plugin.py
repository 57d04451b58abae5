"""The record that makes a method a plugin, and what a plugin's classes may offer beside it.

A plugin is a value, not a base class: it names ordinary Lightning classes by import path, so that reading the record
costs nothing and an existing LightningModule joins without a changed line.

The core also looks for the following; all of it is optional.

    predict_path     parameter of the data module, ``str | None = None``: the file of ``suite predict RUN FILE``.
                     ``predict_dataloader()`` then yields its inputs once, in the order of the file.
    predicts         attribute of the data module after ``setup("fit")``: False where nothing new can be predicted with
                     a run on these data, such as a graph.
    predict_step     of the module: returns the columns of the predictions, ``dict[str, list | Tensor]`` with one
                     entry for every input of the batch; or a tensor (batch, value_dim), whose columns are numbered.
    paths_in         class attribute, ``{"train": "path"}``: options whose files lie in the folder that another names.
    predictions_suffix
                     class attribute of the data module, such as ``".parquet"``: the format of predictions whose file
                     the user does not name. The default is CSV.
    predictions_writers
                     class attribute of the data module, ``{".root": write}``: further formats of predictions by suffix,
                     functions of a path and of ``dict[str, list]``, columns of equal lengths.
    embed_step       of the module, called like ``predict_step``: returns a tensor (batch, embedding_dim), which
                     ``suite predict --embed`` writes.
    inputs, read_inputs
                     of a data module that is a ``lightning_suite.TakesInputs``: the batches of inputs in memory, for
                     ``Run.predict`` and ``Run.embed``.
    exportable       of the module: returns a ``lightning_suite.exporting.exportable.Exportable``: what ``suite export``
                     writes and compares; or raises a UsageError that says why there is no export.
    fingerprint      attribute of the data module after ``setup("fit")``: text that changes with the training data,
                     such as a checksum; run.json keeps it.
    earlier_fingerprints
                     attribute beside it: what earlier releases of the plugin called the same data, so that their runs
                     go on.
    figures          folder ``trainer.default_root_dir/figures``: where it exists, ``test_step`` and its hooks may
                     write pictures, with their numbers as CSV beside them. Only process 0 writes.
    check.yaml       a recipe that trains in seconds, for the contract tests, which otherwise shorten the default one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lightning_suite.plugins.origin import Origin

API = 1
"""The version of this contract. It rises when records of the previous version can no longer be used."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A method: its name, its classes, its recipes and its own verbs.

    Example:
        >>> plugin = Plugin(name="echo", summary="Echo networks", module="echo.module:Net", data="echo.data:Words")
        >>> plugin.module
        'echo.module:Net'

    Paths have the form ``package.module:attribute``. They are not imported until they are needed, so a record
    may name modules that import torch; the module that holds the record itself must import nothing heavy.

    A recipe is a YAML file of options (``model``, ``data``, ``trainer``, ``seed``, ``monitor``, ``mode``) with two
    more keys for people: ``summary``, and ``expected``, the numbers it should reach. ``{recipes}`` in it stands for the
    folder of the recipe, for a small data file beside it.

    Attributes:
        name: the word after ``--plugin``; equal to the name of the entry point.
        summary: one line for ``suite list``.
        module: path of a ``pytorch_lightning.LightningModule`` class.
        data: path of a ``pytorch_lightning.LightningDataModule`` class.
        recipes: ``package:folder`` that holds ``default.yaml`` and any other recipes; None means that the
            signatures alone are the settings.
        reproductions: ``package:folder`` of the paper's tables and figures, each a YAML file that ``suite reproduce``
            makes again; None means that there are none.
        commands: the plugin's own verbs, each the path of a function; its parameters become its options.
        renamed: old names of options and the names they have now, kept for one release after the change. An option
            is written ``model.NAME`` or ``data.NAME``, a parameter of the plugin's own verb ``VERB.NAME``. A value
            that got another name has its option in front on both sides, by the option's present name:
            ``{"model.largest": "model.max_clusters", "segment.largest": "segment.max_clusters",
            "model.route=better": "model.route=best_of"}``. Old names keep working on the command line, in
            ``--config`` files and recipes, and in runs and checkpoints of older releases; one line on stderr
            says the new name.
        paper: the source of the method.
        extra: the extra of the distribution that brings the plugin's heavy requirements.
        api: the version of this contract that the record was written for.
        origin: the distribution or the path that the record comes from; set when the plugin is found.
    """

    name: str
    summary: str
    module: str
    data: str
    recipes: str | None = None
    reproductions: str | None = None
    commands: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paper: str = ""
    extra: str | None = None
    api: int = API
    origin: Origin = field(default_factory=Origin, repr=False, compare=False)
