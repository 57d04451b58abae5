from lightning_suite.ops.dsa_routing import dsa_routing as dsa_routing
from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding as gated_tree_embedding
from lightning_suite.ops.ragged_attention import ragged_attention as ragged_attention
from lightning_suite.ops.segment_max import segment_max as segment_max
from lightning_suite.ops.segment_softmax import segment_softmax as segment_softmax
from lightning_suite.ops.segment_sum import segment_sum as segment_sum
from lightning_suite.ops.tree_embedding import tree_embedding as tree_embedding
from lightning_suite.ops.weighted_sum import weighted_sum as weighted_sum

def names() -> list[str]: ...
def implementations() -> dict[str, str]: ...
