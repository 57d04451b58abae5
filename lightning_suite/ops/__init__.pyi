from lightning_suite.ops.dsa_routing import dsa_routing as dsa_routing
from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding as gated_tree_embedding
from lightning_suite.ops.ragged_attention import ragged_attention as ragged_attention
from lightning_suite.ops.tree_embedding import tree_embedding as tree_embedding

def names() -> list[str]: ...
def implementations() -> dict[str, str]: ...
