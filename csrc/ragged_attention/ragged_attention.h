// ragged_attention: softmax(scale Q K') V within each sequence of a packed batch, head by head.
//
// Sequence s has the queries query_offsets[s] .. query_offsets[s + 1] and the keys and values offsets[s] ..
// offsets[s + 1]. Where causal, query i of n sees the keys up to i + (keys - n): the last query sees all. A query that
// sees nothing gives 0.
//
// All arrays are dense and row-major. One head of one sequence is one job (CPU), or one query and then one key of one
// head the work of one warp (CUDA): no two write the same number, and each adds up in an order of its own.
#pragma once

#include <cstdint>

namespace lightning_suite::ragged_attention {

struct Sizes {
  int64_t queries, values, sequences, heads, dim, value_dim;
  double scale;
  bool causal;
};

template <typename Number>
struct Inputs {
  Sizes sizes;
  const Number* query;           // query head dim
  const Number* key;             // value head dim
  const Number* value;           // value head value_dim
  const int64_t* query_offsets;  // sequence + 1
  const int64_t* offsets;        // sequence + 1
};

template <typename Number>
struct Forward {
  Inputs<Number> in;
  Number* out;    // query head value_dim
  Number* norms;  // query head: log of the sum of exp of the scores, -inf of a query that sees nothing
};

template <typename Number>
struct Backward {
  Inputs<Number> in;
  const Number* out;  // what forward wrote
  const Number* norms;
  const Number* grad_out;  // like out
  Number* grad_query;
  Number* grad_key;
  Number* grad_value;
};

// CPU: jobs [begin, end) of sequences * heads. The offsets must have been checked.
template <typename Number>
void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end);
template <typename Number>
void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end);

// CUDA: on a stream, returning a cudaError_t. Dim and value_dim at most kMostDims. Offsets that do not divide queries
// or values stop the kernel with a message before anything is read outside the arrays.
constexpr int64_t kMostDims = 256;
template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream);
template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream);

}  // namespace lightning_suite::ragged_attention
