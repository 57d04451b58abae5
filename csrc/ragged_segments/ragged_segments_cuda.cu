// The ops of ragged_segments, CUDA. A thread has one column of one sequence and goes over its rows, which its
// neighbours read beside it; a warp has one head of a softmax, its lanes the rows; or one head of one value, its lanes
// the columns, for the gradient of its weight. Every sum has an order of its own: no atomics, no scratch.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>

#include "half_precision.cuh"
#include "ragged_segments.h"
#include "warps.cuh"

namespace lightning_suite::ragged_segments {
namespace {

// The rows of a sequence. All sequences together are checked to have each value once.
struct Rows {
  int64_t begin, end;

  __device__ Rows(const int64_t* offsets, const Sizes& sizes, int64_t sequence)
      : begin(offsets[sequence]), end(offsets[sequence + 1]) {
    const bool ends = (sequence > 0 || begin == 0) && (sequence + 1 < sizes.sequences || end == sizes.values);
    if (ends && begin >= 0 && begin <= end && end <= sizes.values) return;
    printf("ragged_segments: offsets must rise from 0 to the number of values, %lld, got %lld and %lld around sequence "
           "%lld of %lld\n",
           static_cast<long long>(sizes.values), static_cast<long long>(begin), static_cast<long long>(end),
           static_cast<long long>(sequence), static_cast<long long>(sizes.sequences));
    __trap();
  }
};

// The sequence of a value: the last that begins at or before it.
__device__ int64_t sequence_of(const int64_t* offsets, const Sizes& sizes, int64_t value) {
  int64_t sequence = 0, after = sizes.sequences;
  while (after - sequence > 1) {
    const int64_t middle = sequence + (after - sequence) / 2;
    (offsets[middle] <= value ? sequence : after) = middle;
  }
  return sequence;
}

// Calls some(sequence, rows, column, columns of a row) for the columns of sequences that are this thread's.
template <typename Some>
__device__ void each_column(const int64_t* offsets, const Sizes& sizes, Some some) {
  const int64_t columns = sizes.heads * sizes.dim;
  each_of_thread(sizes.sequences * columns, [&](int64_t job) {
    const int64_t sequence = job / columns;
    some(sequence, Rows(offsets, sizes, sequence), job % columns, columns);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) sum_kernel(Sum<Number> in) {
  each_column(in.offsets, in.sizes, [&](int64_t sequence, const Rows& rows, int64_t column, int64_t columns) {
    Precise<Number> sum = 0;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      const Precise<Number> value = widened(in.values[i * columns + column]);
      sum += in.weights == nullptr ? value : value * widened(in.weights[i * in.sizes.heads + column / in.sizes.dim]);
    }
    round_to(in.sums[sequence * columns + column], sum);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) spread_kernel(SumBackward<Number> in) {
  each_column(in.offsets, in.sizes, [&](int64_t sequence, const Rows& rows, int64_t column, int64_t columns) {
    const Number grad = in.grad_sums[sequence * columns + column];
    for (int64_t i = rows.begin; i < rows.end; ++i) in.grad_values[i * columns + column] = grad;
  });
}

template <bool of_value, bool of_weight, typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) weighted_kernel(SumBackward<Number> in) {
  const int64_t heads = in.sizes.heads, dim = in.sizes.dim;
  each_of_warp(in.sizes.values * heads, [&](int64_t job) {
    const int64_t value = job / heads, sequence = sequence_of(in.offsets, in.sizes, value);
    const Rows rows(in.offsets, in.sizes, sequence);
    if (value < rows.begin || value >= rows.end) __trap();  // the offsets fall somewhere else
    const Precise<Number> weight = widened(in.weights[job]);
    const Number* grad = in.grad_sums + (sequence * heads + job % heads) * dim;
    Precise<Number> product = 0;
    for (int64_t k = threadIdx.x % kWarp; k < dim; k += kWarp) {
      const Precise<Number> slope = widened(grad[k]);
      if (of_weight) product += slope * widened(in.values[job * dim + k]);
      if (of_value) round_to(in.grad_values[job * dim + k], weight * slope);
    }
    if (!of_weight) return;
    product = sum_of_warp(product);
    if (threadIdx.x % kWarp == 0) round_to(in.grad_weights[job], product);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) max_kernel(Max<Number> in) {
  each_column(in.offsets, in.sizes, [&](int64_t sequence, const Rows& rows, int64_t column, int64_t columns) {
    Precise<Number> greatest = rows.begin == rows.end ? Precise<Number>(0) : widened(in.values[rows.begin * columns + column]);
    int64_t place = rows.begin == rows.end ? -1 : 0;
    for (int64_t i = rows.begin + 1; i < rows.end; ++i) {
      const Precise<Number> value = widened(in.values[i * columns + column]);
      if (value <= greatest || greatest != greatest) continue;
      greatest = value;
      place = i - rows.begin;
    }
    round_to(in.greatest[sequence * columns + column], greatest);
    if (in.places != nullptr) in.places[sequence * columns + column] = static_cast<int32_t>(place);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) place_kernel(MaxBackward<Number> in) {
  each_column(in.offsets, in.sizes, [&](int64_t sequence, const Rows& rows, int64_t column, int64_t columns) {
    const int64_t place = in.places[sequence * columns + column];
    const Number grad = in.grad_greatest[sequence * columns + column];
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      in.grad_values[i * columns + column] = i - rows.begin == place ? grad : Number{};
    }
  });
}

// Calls some(rows, first of its numbers, one behind its last) for the heads of sequences that are this warp's.
template <typename Some>
__device__ void each_head(const int64_t* offsets, const Sizes& sizes, Some some) {
  each_of_warp(sizes.sequences * sizes.heads, [&](int64_t job) {
    const Rows rows(offsets, sizes, job / sizes.heads);
    const int64_t head = job % sizes.heads, lane = threadIdx.x % kWarp;
    some((rows.begin + lane) * sizes.heads + head, rows.end * sizes.heads, kWarp * sizes.heads);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) softmax_kernel(Softmax<Number> in) {
  each_head(in.offsets, in.sizes, [&](int64_t first, int64_t end, int64_t step) {
    Precise<Number> top = -INFINITY, sum = 0;
    for (int64_t k = first; k < end; k += step) {
      const Precise<Number> score = widened(in.scores[k]);
      top = score > top ? score : top;
    }
    top = greatest_of_warp(top);
    for (int64_t k = first; k < end; k += step) sum += exp(widened(in.scores[k]) - top);
    sum = sum_of_warp(sum);
    for (int64_t k = first; k < end; k += step) round_to(in.shares[k], exp(widened(in.scores[k]) - top) / sum);
  });
}

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) softmax_backward_kernel(SoftmaxBackward<Number> in) {
  each_head(in.offsets, in.sizes, [&](int64_t first, int64_t end, int64_t step) {
    Precise<Number> mean = 0;
    for (int64_t k = first; k < end; k += step) mean += widened(in.shares[k]) * widened(in.grad_shares[k]);
    mean = sum_of_warp(mean);
    for (int64_t k = first; k < end; k += step) {
      round_to(in.grad_scores[k], widened(in.shares[k]) * (widened(in.grad_shares[k]) - mean));
    }
  });
}

template <typename Arrays>
int by_columns(void (*kernel)(Arrays), const Arrays& arrays, void* stream) {
  const Sizes& sizes = arrays.sizes;
  return launch(kernel, arrays, sizes.sequences * sizes.heads * sizes.dim, kWarps * kWarp, stream);
}

}  // namespace

template <typename Number>
int on_gpu(const Sum<Number>& arrays, void* stream) {
  return by_columns(sum_kernel<Number>, arrays, stream);
}

template <typename Number>
int on_gpu(const SumBackward<Number>& arrays, void* stream) {
  if (arrays.weights == nullptr) return by_columns(spread_kernel<Number>, arrays, stream);
  const bool of_values = arrays.grad_values != nullptr, of_weights = arrays.grad_weights != nullptr;
  if (!of_values && !of_weights) return 0;
  auto* const kernel = !of_weights  ? weighted_kernel<true, false, Number>
                       : !of_values ? weighted_kernel<false, true, Number>
                                    : weighted_kernel<true, true, Number>;
  return launch(kernel, arrays, arrays.sizes.values * arrays.sizes.heads, kWarps, stream);
}

template <typename Number>
int on_gpu(const Max<Number>& arrays, void* stream) {
  return by_columns(max_kernel<Number>, arrays, stream);
}

template <typename Number>
int on_gpu(const MaxBackward<Number>& arrays, void* stream) {
  return by_columns(place_kernel<Number>, arrays, stream);
}

template <typename Number>
int on_gpu(const Softmax<Number>& arrays, void* stream) {
  return launch(softmax_kernel<Number>, arrays, arrays.sizes.sequences * arrays.sizes.heads, kWarps, stream);
}

template <typename Number>
int on_gpu(const SoftmaxBackward<Number>& arrays, void* stream) {
  return launch(softmax_backward_kernel<Number>, arrays, arrays.sizes.sequences * arrays.sizes.heads, kWarps, stream);
}

#define LIGHTNING_SUITE_SEGMENTS(Number)              \
  template int on_gpu(const Sum<Number>&, void*);         \
  template int on_gpu(const SumBackward<Number>&, void*); \
  template int on_gpu(const Max<Number>&, void*);         \
  template int on_gpu(const MaxBackward<Number>&, void*); \
  template int on_gpu(const Softmax<Number>&, void*);     \
  template int on_gpu(const SoftmaxBackward<Number>&, void*)
LIGHTNING_SUITE_SEGMENTS(float);
LIGHTNING_SUITE_SEGMENTS(double);
LIGHTNING_SUITE_SEGMENTS(Half);
LIGHTNING_SUITE_SEGMENTS(BFloat16);
#undef LIGHTNING_SUITE_SEGMENTS

}  // namespace lightning_suite::ragged_segments
