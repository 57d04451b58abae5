// tree_embedding: binary trees embedded from the leaves to the root (Louppe, Cho, Becot and Cranmer, 2017). With x_i
// the features of node i and u_i = relu(W_u x_i + b_u), a leaf has h_i = u_i, and a node with children l and r
//
//     h_i = relu(W_h [h_l, h_r, u_i] + b_h)
//
// docs/derivations/tree_embedding.md derives the backward pass and says what is saved for it.
//
// All arrays are dense and row-major. No tree reads or writes what another one writes.
#pragma once

#include <cstdint>

#include "forest.h"

namespace lightning_suite::tree_embedding {

template <typename Number>
struct Forward {
  Forest forest;
  int64_t features;
  const Number* x;            // node feature
  const Number *w_u, *b_u;    // hidden feature; hidden
  const Number *w_h, *b_h;    // hidden, (left, right, u) hidden; hidden
  Number* h;                  // node hidden
  Number* scratch = nullptr;  // forward_cuda_scratch(..) of them; CUDA only
};

template <typename Number>
struct Backward {
  Forest forest;
  int64_t features;
  const Number* x;
  const Number *w_u, *b_u, *w_h;
  const Number* h;       // what forward wrote
  const Number* grad_h;  // node hidden: what reaches each node from outside
  Number* grad_x;        // node feature; null where nobody asks for it
  // The sums of each part of the forest (see parts), to be added up by the caller in their order:
  Number *grad_w_u, *grad_b_u;  // part hidden feature; part hidden
  Number *grad_w_h, *grad_b_h;  // part hidden (left, right, u) hidden; part hidden
  Number* scratch = nullptr;    // backward_cuda_scratch(..) of them; CUDA only
};

// CPU: parts [begin, end). Children and offsets must have been checked. Number is float or double.
template <typename Number>
void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Offsets that do not cut the nodes into trees, and children that are not
// earlier nodes of their parent's tree, stop the kernel with a message before anything is read outside the arrays.
int64_t forward_cuda_scratch(const Forest& forest, int64_t features);
template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream);
int64_t backward_cuda_scratch(const Forest& forest, int64_t features);
template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream);

}  // namespace lightning_suite::tree_embedding
