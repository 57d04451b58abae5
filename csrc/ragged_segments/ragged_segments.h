// Sum, maximum, softmax and weighted sum of each sequence of a packed batch, head by head: segment_sum, segment_max,
// segment_softmax and weighted_sum, four ops that share the shape of their arrays.
//
// Sequence s has the rows offsets[s] .. offsets[s + 1] of values (value head dim), weights and scores (value head); a
// sum and a maximum have one head. All arrays are dense and row-major. Half precision is computed in float32.
//
// One sequence is the work of one thread (CPU). On a GPU one number of its result is, one head of its softmax that of a
// warp. No two write the same number, and each is added up in an order of its own.
#pragma once

#include <cstdint>

#include "half_precision.h"

namespace lightning_suite::ragged_segments {

struct Sizes {
  int64_t values, sequences, heads, dim;
};

// Sums, and their gradients: without weights where they are null.
template <typename Number>
struct Sum {
  Sizes sizes;
  const int64_t* offsets;  // sequence + 1
  const Number* values;    // value head dim
  const Number* weights;   // value head
  Number* sums;            // sequence head dim
};
template <typename Number>
struct SumBackward {
  Sizes sizes;
  const int64_t* offsets;
  const Number* grad_sums;  // sequence head dim
  const Number* values;     // null without weights
  const Number* weights;
  Number* grad_values;   // with weights, null where only the others are wanted
  Number* grad_weights;  // likewise
};

// The greatest, or the first NaN; of equal ones the first. An empty sequence has 0, which is at no place: -1.
template <typename Number>
struct Max {
  Sizes sizes;  // one head
  const int64_t* offsets;
  const Number* values;
  Number* greatest;  // sequence dim
  int32_t* places;   // sequence dim, counted from the first row of the sequence; null if they are not wanted
};
template <typename Number>
struct MaxBackward {
  Sizes sizes;
  const int64_t* offsets;
  const int32_t* places;
  const Number* grad_greatest;
  Number* grad_values;
};
constexpr int64_t kMostRows = 0x7fffffff;  // of a sequence, so that a place fits

template <typename Number>
struct Softmax {
  Sizes sizes;  // dim is 1
  const int64_t* offsets;
  const Number* scores;  // value head
  Number* shares;        // value head
};
template <typename Number>
struct SoftmaxBackward {
  Sizes sizes;
  const int64_t* offsets;
  const Number* shares;  // what forward wrote
  const Number* grad_shares;
  Number* grad_scores;
};

// CPU: sequences [begin, end). The offsets must have been checked.
template <typename Number>
void on_cpu(const Sum<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void on_cpu(const SumBackward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void on_cpu(const Max<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void on_cpu(const MaxBackward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void on_cpu(const Softmax<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void on_cpu(const SoftmaxBackward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Offsets that do not divide the values stop the kernel with a message
// before anything is read outside the arrays.
template <typename Number>
int on_gpu(const Sum<Number>& arrays, void* stream);
template <typename Number>
int on_gpu(const SumBackward<Number>& arrays, void* stream);
template <typename Number>
int on_gpu(const Max<Number>& arrays, void* stream);
template <typename Number>
int on_gpu(const MaxBackward<Number>& arrays, void* stream);
template <typename Number>
int on_gpu(const Softmax<Number>& arrays, void* stream);
template <typename Number>
int on_gpu(const SoftmaxBackward<Number>& arrays, void* stream);

}  // namespace lightning_suite::ragged_segments
