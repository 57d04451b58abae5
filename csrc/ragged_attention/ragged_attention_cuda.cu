// ragged_attention, CUDA. A warp has one query of one head, forward and for its gradient, and in a third kernel one key
// and value; its lanes share the columns. It goes over the keys, or the queries, of its sequence one after another, so
// that every sum has an order of its own: no atomics, no scratch. Written to be right first; nothing is tiled.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>

#include "ragged_attention.h"
#include "warps.cuh"

namespace lightning_suite::ragged_attention {
namespace {

constexpr int kPerLane = kMostDims / kWarp;

// A row of up to kMostDims numbers, spread over the lanes.
template <typename Number>
struct Spread {
  Number numbers[kPerLane];

  __device__ Spread() {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) numbers[k] = 0;
  }
  __device__ Spread(const Number* row, int64_t columns) {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) {
      const int column = k * kWarp + static_cast<int>(threadIdx.x % kWarp);
      numbers[k] = column < columns ? row[column] : Number(0);
    }
  }
  __device__ void write(Number* row, int64_t columns) const {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) {
      const int column = k * kWarp + static_cast<int>(threadIdx.x % kWarp);
      if (column < columns) row[column] = numbers[k];
    }
  }
  __device__ void scale_and_add(Number scale, Number factor, const Spread& other) {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) numbers[k] = scale * numbers[k] + factor * other.numbers[k];
  }
  __device__ Number times(const Spread& other) const {
    Number sum = 0;
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) sum += numbers[k] * other.numbers[k];
    return sum_of_warp(sum);
  }
};

// The rows of the sequence that row `at` of `own` belongs to, in own and in other.
struct Sequence {
  int64_t begin, end, other_begin, other_end;

  __device__ Sequence(const int64_t* own, int64_t rows, const int64_t* other, int64_t other_rows, int64_t sequences,
                      int64_t at) {
    int64_t sequence = 0, after = sequences;  // the last that begins at or before it
    while (after - sequence > 1) {
      const int64_t middle = sequence + (after - sequence) / 2;
      (own[middle] <= at ? sequence : after) = middle;
    }
    begin = own[sequence];
    end = own[sequence + 1];
    other_begin = other[sequence];
    other_end = other[sequence + 1];
    if (begin < 0 || begin > at || end <= at || end > rows || other_begin < 0 || other_end < other_begin ||
        other_end > other_rows) {
      if (threadIdx.x % kWarp == 0) {
        printf("ragged_attention: offsets must rise from 0 to the number of rows, %lld and %lld, got %lld and %lld, and "
               "%lld and %lld around sequence %lld of %lld\n",
               static_cast<long long>(rows), static_cast<long long>(other_rows), static_cast<long long>(begin),
               static_cast<long long>(end), static_cast<long long>(other_begin), static_cast<long long>(other_end),
               static_cast<long long>(sequence), static_cast<long long>(sequences));
      }
      __trap();
    }
  }
};

// Calls some(row, head) for all rows and heads that are this warp's.
template <typename Some>
__device__ void each_row_of_warp(int64_t rows, int64_t heads, Some some) {
  each_of_warp(rows * heads, [&](int64_t at) { some(at / heads, at % heads); });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp, 2) forward_kernel(Forward<Number> arrays) {
  const Inputs<Number>& in = arrays.in;
  const Sizes& sizes = in.sizes;
  const Number scale = static_cast<Number>(sizes.scale);
  each_row_of_warp(sizes.queries, sizes.heads, [&](int64_t row, int64_t head) {
    const Sequence sequence(in.query_offsets, sizes.queries, in.offsets, sizes.values, sizes.sequences, row);
    const int64_t place = row * sizes.heads + head;
    const Spread<Number> query(in.query + place * sizes.dim, sizes.dim);
    const int64_t unseen = sizes.causal ? sequence.end - 1 - row : 0;
    Spread<Number> out;
    Number top = -INFINITY, total = 0;
    for (int64_t j = sequence.other_begin; j < sequence.other_end - unseen; ++j) {
      const int64_t at = j * sizes.heads + head;
      const Number score = scale * query.times(Spread<Number>(in.key + at * sizes.dim, sizes.dim));
      const Number higher = score > top ? score : top, before = exp(top - higher), share = exp(score - higher);
      top = higher;
      total = total * before + share;
      out.scale_and_add(before, share, Spread<Number>(in.value + at * sizes.value_dim, sizes.value_dim));
    }
    const Number inverse = total > 0 ? 1 / total : total;  // NaN stays NaN
    out.scale_and_add(inverse, Number(0), out);
    out.write(arrays.out + place * sizes.value_dim, sizes.value_dim);
    if (threadIdx.x % kWarp == 0) arrays.norms[place] = top + log(total);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp, 2) query_kernel(Backward<Number> arrays) {
  const Inputs<Number>& in = arrays.in;
  const Sizes& sizes = in.sizes;
  const Number scale = static_cast<Number>(sizes.scale);
  each_row_of_warp(sizes.queries, sizes.heads, [&](int64_t row, int64_t head) {
    const Sequence sequence(in.query_offsets, sizes.queries, in.offsets, sizes.values, sizes.sequences, row);
    const int64_t place = row * sizes.heads + head;
    const Spread<Number> query(in.query + place * sizes.dim, sizes.dim);
    const Spread<Number> grad_out(arrays.grad_out + place * sizes.value_dim, sizes.value_dim);
    const Number norm = arrays.norms[place];
    const Number mean = grad_out.times(Spread<Number>(arrays.out + place * sizes.value_dim, sizes.value_dim));
    const int64_t unseen = sizes.causal ? sequence.end - 1 - row : 0;
    Spread<Number> grad;
    for (int64_t j = sequence.other_begin; j < sequence.other_end - unseen; ++j) {
      const int64_t at = j * sizes.heads + head;
      const Spread<Number> key(in.key + at * sizes.dim, sizes.dim);
      const Number weight = exp(scale * query.times(key) - norm);
      const Number slope = grad_out.times(Spread<Number>(in.value + at * sizes.value_dim, sizes.value_dim));
      grad.scale_and_add(Number(1), weight * (slope - mean) * scale, key);
    }
    grad.write(arrays.grad_query + place * sizes.dim, sizes.dim);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp, 2) value_kernel(Backward<Number> arrays) {
  const Inputs<Number>& in = arrays.in;
  const Sizes& sizes = in.sizes;
  const Number scale = static_cast<Number>(sizes.scale);
  each_row_of_warp(sizes.values, sizes.heads, [&](int64_t row, int64_t head) {
    const Sequence sequence(in.offsets, sizes.values, in.query_offsets, sizes.queries, sizes.sequences, row);
    const int64_t place = row * sizes.heads + head;
    const Spread<Number> key(in.key + place * sizes.dim, sizes.dim);
    const Spread<Number> value(in.value + place * sizes.value_dim, sizes.value_dim);
    Spread<Number> grad_key, grad_value;
    // Query end - 1 sees all keys, the one before it all but the last, and so on.
    const int64_t unseen = sequence.end - 1 - row;
    const int64_t sees = sequence.other_end - 1 - unseen;
    const int64_t first = sizes.causal && sees > sequence.other_begin ? sees : sequence.other_begin;
    for (int64_t i = first; i < sequence.other_end; ++i) {
      const int64_t at = i * sizes.heads + head;
      const Spread<Number> query(in.query + at * sizes.dim, sizes.dim);
      const Spread<Number> grad_out(arrays.grad_out + at * sizes.value_dim, sizes.value_dim);
      const Number mean = grad_out.times(Spread<Number>(arrays.out + at * sizes.value_dim, sizes.value_dim));
      const Number weight = exp(scale * query.times(key) - arrays.norms[at]);
      grad_key.scale_and_add(Number(1), weight * (grad_out.times(value) - mean) * scale, query);
      grad_value.scale_and_add(Number(1), weight, grad_out);
    }
    grad_key.write(arrays.grad_key + place * sizes.dim, sizes.dim);
    grad_value.write(arrays.grad_value + place * sizes.value_dim, sizes.value_dim);
  });
}

template <typename Arrays>
int start(void (*kernel)(Arrays), Arrays arrays, int64_t rows, void* stream) {
  return launch(kernel, arrays, rows * arrays.in.sizes.heads, kWarps, stream);
}

}  // namespace

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  return start(forward_kernel<Number>, arrays, arrays.in.sizes.queries, stream);
}

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  const int status = start(query_kernel<Number>, arrays, arrays.in.sizes.queries, stream);
  return status != cudaSuccess ? status : start(value_kernel<Number>, arrays, arrays.in.sizes.values, stream);
}

template int forward_cuda(const Forward<float>&, void*);
template int forward_cuda(const Forward<double>&, void*);
template int backward_cuda(const Backward<float>&, void*);
template int backward_cuda(const Backward<double>&, void*);

}  // namespace lightning_suite::ragged_attention
