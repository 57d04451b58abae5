// dsa_routing: dynamic self-attention over packed sentences (Algorithm 1 of Yoon, Lee and Lee, 2018).
//
// With X the words of one sentence as one head sees them (n, head_dim), and a^1 = 1 / n:
//
//     z^t = tanh(X' a^t),    a^(t+1) = softmax(X (z^1 + ... + z^t)),    t = 1 .. r
//
// On a CPU, X may be LeakyReLU of what is given (Eq. 6): it is then never written to memory.
//
// docs/derivations/dsa_routing.md derives the backward pass and says what is saved for it.
//
// All arrays are dense and row-major. A sentence as one head sees it is one job: no job reads or writes what another
// one writes, so that results depend neither on the order of the jobs nor on the number of threads.
#pragma once

#include <cstdint>

#include "half_precision.h"

namespace lightning_suite::dsa_routing {

struct Sizes {
  int64_t words, sentences, heads, head_dim, iterations;  // head_dim and iterations at least 1
  double negative_slope = 1;  // of LeakyReLU, in [0, 1]; with 1 it changes nothing, and CUDA knows no other
};

template <typename Number>
struct Forward {
  Sizes sizes;
  const Number* x;           // word head head_dim
  const int64_t* offsets;    // sentence + 1
  Number* z;                 // sentence head head_dim               z^r
  Precise<Number>* weights;  // iteration - 1, word head             a^2 .. a^r
  Precise<Number>* vectors;  // iteration - 1, sentence head head_dim    z^1 .. z^(r-1)
};

template <typename Number>
struct Backward {
  Sizes sizes;
  const Number* x;                       // word head head_dim
  const int64_t* offsets;                // sentence + 1
  const Number* z;                       // what forward wrote
  const Precise<Number>* weights;
  const Precise<Number>* vectors;
  const Number* grad_z;                  // like z, weights and vectors; each may be null: a gradient of zeros
  const Precise<Number>* grad_weights;
  const Precise<Number>* grad_vectors;
  Number* grad_x;                        // word head head_dim
  Precise<Number>* scratch = nullptr;    // backward_cuda_scratch(sizes) of them; CUDA only
};

// CPU. The work of a call is counted in rows; rows [begin, end) are the jobs that start among them. Any cut of
// [0, work) into ranges does every job once. The offsets must have been checked.
int64_t work(const Sizes& sizes);
template <typename Number>
void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Offsets that do not cut the words into sentences stop the kernel with a
// message before anything is read outside the arrays.
template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream);
int64_t backward_cuda_scratch(const Sizes& sizes);
template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream);

}  // namespace lightning_suite::dsa_routing
