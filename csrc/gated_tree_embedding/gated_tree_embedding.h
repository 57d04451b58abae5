// gated_tree_embedding: binary trees embedded from the leaves to the root, with gates (Louppe, Cho, Becot and Cranmer,
// 2017). With u_i the embedding of node i's own features, a leaf has h_i = u_i, and a node with children l and r
//
//     a = [h_l, h_r, u_i]
//     r = sigmoid(W_r a + b_r)
//     g = relu(W_h (r * a) + b_h)
//     z = softmax over the four blocks of W_z [g, a] + b_z, for each coordinate on its own
//     h_i = z_0 g + z_1 h_l + z_2 h_r + z_3 u_i
//
// docs/derivations/gated_tree_embedding.md derives the backward pass and says what is saved for it.
//
// All arrays are dense and row-major. No tree reads or writes what another one writes.
#pragma once

#include <cstdint>

#include "forest.h"

namespace lightning_suite::gated_tree_embedding {

template <typename Number>
struct Weights {
  const Number *w_r, *b_r;  // (left, right, u) hidden, (left, right, u) hidden
  const Number *w_h, *b_h;  // hidden, (left, right, u) hidden
  const Number *w_z, *b_z;  // (g, left, right, u) hidden, (g, left, right, u) hidden
};

// A row of `kept` is [r, g, z], 8 hidden, of an inner node. On a CPU a part's rows begin with that of its first node,
// and are in the order in which its inner nodes are worked on; on a GPU row i is node i's. Others are never written.
template <typename Number>
struct Forward {
  Forest forest;
  const Number* u;  // node hidden
  Weights<Number> weights;
  Number* h;     // node hidden
  Number* kept;  // node 8 hidden; on a CPU null where no backward pass follows
  Number* scratch = nullptr;  // forward_cuda_scratch(forest) of them; CUDA only
};

template <typename Number>
struct Backward {
  Forest forest;
  const Number* u;
  Weights<Number> weights;  // the biases are not read
  const Number *h, *kept;   // what forward wrote
  const Number* grad_h;     // node hidden: what reaches each node from outside
  Number* grad_u;           // node hidden
  // The sums of each part of the forest, to be added up by the caller in their order: part weight_numbers, in the order
  // w_r, b_r, w_h, b_h, w_z, b_z.
  Number* grad_weights;
  Number* scratch = nullptr;  // backward_cuda_scratch(forest) of them; CUDA only
};

inline int64_t weight_numbers(int64_t hidden) { return 28 * hidden * hidden + 8 * hidden; }

// CPU: parts [begin, end). Children and offsets must have been checked. Number is float or double.
template <typename Number>
void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Offsets that do not cut the nodes into trees, and children that are not
// earlier nodes of their parent's tree, stop the kernel with a message before anything is read outside the arrays.
int64_t forward_cuda_scratch(const Forest& forest);
template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream);
int64_t backward_cuda_scratch(const Forest& forest);
template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream);

}  // namespace lightning_suite::gated_tree_embedding
