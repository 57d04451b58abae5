"""Jet tagging with recursive networks over clustering trees.

A jet is a spray of particles that one parton left in a detector. A clustering algorithm merges its particles two by
two, and the tree of mergings follows the splittings that made the spray. The network embeds the tree from the leaves
to the root: with x_i the seven features of node i (p, eta, phi, E, E / E_jet, pT, theta), those of a particle or of the
sum of the particles below it,

    u_i = relu(W_u x_i + b_u),   h_i = u_i at a leaf,   h_i = relu(W_h [h_left, h_right, u_i] + b_h) elsewhere

and a small classifier on the embedding of the root distinguishes W bosons, top quarks, quarks and gluons.

Taoli Cheng: "Interpretability Study on Deep Learning for Jet Physics at the Large Hadron Collider", 2019,
arXiv:1911.01872. The network is that of Louppe, Cho, Becot and Cranmer: "QCD-Aware Recursive Neural Networks for Jet
Physics", 2017, arXiv:1702.00748.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightning_suite.plugin import Plugin

if TYPE_CHECKING:
    from suite_recnn.data import JetData as JetData
    from suite_recnn.forests import ForestData as ForestData
    from suite_recnn.forests import JetBatch as JetBatch
    from suite_recnn.in_memory import jet_trees as jet_trees
    from suite_recnn.module import JetTagger as JetTagger
    from suite_recnn.network import CNN as CNN
    from suite_recnn.network import FCN as FCN
    from suite_recnn.network import LSTM as LSTM
    from suite_recnn.network import RecNN as RecNN

__all__ = ["CNN", "FCN", "LSTM", "ForestData", "JetBatch", "JetData", "JetTagger", "RecNN", "jet_trees", "plugin"]

_PLACES = {
    "CNN": "suite_recnn.network",
    "FCN": "suite_recnn.network",
    "ForestData": "suite_recnn.forests",
    "JetBatch": "suite_recnn.forests",
    "jet_trees": "suite_recnn.in_memory",
    "JetData": "suite_recnn.data",
    "JetTagger": "suite_recnn.module",
    "LSTM": "suite_recnn.network",
    "RecNN": "suite_recnn.network",
}
"""In which file the names are that others import."""

plugin = Plugin(
    name="recnn",
    summary="Jet tagger: recursive network over clustering trees",
    module="suite_recnn.module:JetTagger",
    data="suite_recnn.data:JetData",
    recipes="suite_recnn:recipes",
    reproductions="suite_recnn:reproductions",
    commands={
        "generate-jets": "suite_recnn.studies.jets:generate_jets",
        "observables": "suite_recnn.studies.jets:observables",
        "probe": "suite_recnn.studies.networks:probe",
        "transfer": "suite_recnn.studies.networks:transfer",
        "saliency": "suite_recnn.studies.splittings:saliency",
        "mass-direction": "suite_recnn.studies.splittings:mass_direction",
    },
    paper="Cheng (2019), arXiv:1911.01872",
    extra="recnn",
    api=1,
)


def __getattr__(name: str) -> Any:
    """Return what is named above; it is imported when it is asked for: the record must be cheap to read."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
