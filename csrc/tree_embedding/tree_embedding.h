// tree_embedding: binary trees embedded from the leaves to the root (Louppe, Cho, Becot and Cranmer, 2017). With u_i
// the embedding of node i's own features, a leaf has h_i = u_i, and a node with children l and r
//
//     h_i = relu(W [h_l, h_r, u_i] + b)
//
// docs/derivations/tree_embedding.md derives the backward pass and says what is kept for it.
//
// All arrays are dense and row-major. A tree's nodes lie together, its children before their parents; a node is the
// child of one other at most. No tree reads or writes what another one writes.
#pragma once

#include <cstdint>

namespace lightning_suite::tree_embedding {

struct Forest {
  int64_t nodes, trees, hidden;  // hidden at least 1
  const int64_t* children;       // node 2: left and right, rows of h; -1 and -1 for a leaf
  const int64_t* offsets;        // tree + 1
};

template <typename Number>
struct Forward {
  Forest forest;
  const Number* u;       // node hidden
  const Number* weight;  // hidden, (left, right, u) hidden
  const Number* bias;    // hidden
  Number* h;             // node hidden
};

template <typename Number>
struct Backward {
  Forest forest;
  const Number* u;
  const Number* weight;
  const Number* h;       // what forward wrote
  const Number* grad_h;  // node hidden: what reaches each node from outside
  Number* grad_u;        // node hidden
  // The sums of each part of the forest (see parts), to be added up by the caller in their order:
  Number* grad_weight;        // part hidden (left, right, u) hidden
  Number* grad_bias;          // part hidden
  Number* scratch = nullptr;  // backward_cuda_scratch(forest) of them; CUDA only
};

constexpr int64_t kTreesOfPart = 32;

// A forest is worked on in parts of so many trees, whatever the number of threads: the same sums in the same order.
int64_t parts(const Forest& forest);

// CPU: parts [begin, end). Children and offsets must have been checked. Number is float or double.
template <typename Number>
void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Offsets that do not cut the nodes into trees, and children that are not
// earlier nodes of their parent's tree, stop the kernel with a message before anything is read outside the arrays.
template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream);
int64_t backward_cuda_scratch(const Forest& forest);
template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream);

}  // namespace lightning_suite::tree_embedding
