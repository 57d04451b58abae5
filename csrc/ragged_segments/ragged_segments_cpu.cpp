// Sums and maxima on a CPU: one sequence after another, whose rows are read in the order in which they lie. Sums take
// four rows at a time, so that they are loaded and stored a quarter as often; both lie in a core's first cache. Memory
// is asked for some pages ahead, which the processor does not do by itself across pages. Loops over columns are plain
// ones, which the compiler makes vector instructions of. ragged_segments_softmax_cpu.cpp has the softmax.

#include <algorithm>
#include <type_traits>
#include <vector>

#include "instruction_sets.h"
#include "ragged_segments.h"

namespace lightning_suite::ragged_segments {
namespace {

constexpr int kRows = 4;
constexpr int64_t kAhead = 8192;  // bytes

// Asks for memory that is needed soon, to be read or to be written; there need not be any.
template <bool written>
LIGHTNING_SUITE_INLINE void ahead_of(const void* from, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) {
    __builtin_prefetch(static_cast<const char*>(from) + kAhead + at, written, 3);
  }
}

// Calls some(first row, how many as a constant) for all rows.
template <typename Some>
LIGHTNING_SUITE_INLINE void by_rows(int64_t first, int64_t last, Some some) {
  for (; first + kRows <= last; first += kRows) some(first, std::integral_constant<int, kRows>());
  for (; first < last; ++first) some(first, std::integral_constant<int, 1>());
}

// sums (dim) += weights[r * step] * rows[r] for `rows` rows that are `stride` apart; without weights if they are null.
template <int rows, bool weighted, typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void add_rows(const Number* __restrict row, int64_t stride, const Number* __restrict weights,
                                     int64_t step, T* __restrict sums, int64_t dim) {
  T weight[rows];
  for (int r = 0; r < rows; ++r) weight[r] = weighted ? widen(weights[r * step]) : T(1);
  for (int64_t k = 0; k < dim; ++k) {
    T sum = sums[k];
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) sum += weighted ? weight[r] * widen(row[r * stride + k]) : widen(row[r * stride + k]);
    sums[k] = sum;
  }
}

template <bool weighted, typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void sum_up(const Sum<Number>& in, int64_t sequence, T* __restrict sums) {
  const int64_t heads = in.sizes.heads, dim = in.sizes.dim, stride = heads * dim;
  const int64_t first = in.offsets[sequence], last = in.offsets[sequence + 1];
  std::fill(sums, sums + stride, T(0));
  const auto add = [&](int64_t i, auto rows) __attribute__((always_inline)) {
    ahead_of<false>(in.values + i * stride, rows * stride * sizeof(Number));
    for (int64_t head = 0; head < heads; ++head) {
      add_rows<rows, weighted>(in.values + i * stride + head * dim, stride, in.weights + (weighted ? i * heads + head : 0),
                               heads, sums + head * dim, dim);
    }
  };
  by_rows(first, last, add);
}

// Of a row: weight * grad, the gradient of the value, and grad . value, that of the weight; those that are wanted.
template <bool of_value, bool of_weight, typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE T scaled_row(const Number* __restrict value, const Number* __restrict grad, T weight,
                                    Number* __restrict grad_value, int64_t dim) {
  T product = 0;
  for (int64_t k = 0; k < dim; ++k) {
    const T slope = widen(grad[k]);
    if (of_weight) product += slope * widen(value[k]);
    if (of_value) narrow(weight * slope, grad_value[k]);
  }
  return product;
}

template <bool of_values, bool of_weights, typename Number>
LIGHTNING_SUITE_INLINE void sum_backward(const SumBackward<Number>& in, int64_t sequence) {
  const int64_t heads = in.sizes.heads, dim = in.sizes.dim, bytes = heads * dim * sizeof(Number);
  const Number* grad = in.grad_sums + sequence * heads * dim;
  for (int64_t i = in.offsets[sequence]; i < in.offsets[sequence + 1]; ++i) {
    if (of_weights) ahead_of<false>(in.values + i * heads * dim, bytes);
    if (of_values) ahead_of<true>(in.grad_values + i * heads * dim, bytes);
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t at = i * heads + head;
      Number* grad_value = of_values ? in.grad_values + at * dim : nullptr;
      const auto product = scaled_row<of_values, of_weights>(in.values + at * dim, grad + head * dim,
                                                             widen(in.weights[at]), grad_value, dim);
      if (of_weights) narrow(product, in.grad_weights[at]);
    }
  }
}

// greatest and places (dim) of a row and those before it: where the row exceeds those, or is the first NaN. One row at a
// time: the compiler makes no vector instructions of several comparisons after one another.
template <bool placed, typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void take_row(const Number* __restrict row, T* __restrict greatest, int32_t* __restrict places,
                                     int32_t place, int64_t dim) {
  for (int64_t k = 0; k < dim; ++k) {
    const T value = widen(row[k]), most = greatest[k];
    const bool exceeds = !(value <= most) & (most == most);
    greatest[k] = exceeds ? value : most;
    if (placed) places[k] = exceeds ? place : places[k];
  }
}

template <bool placed, typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void maximum(const Max<Number>& in, int64_t sequence, T* __restrict greatest) {
  const int64_t dim = in.sizes.dim, first = in.offsets[sequence], last = in.offsets[sequence + 1];
  int32_t* const places = placed ? in.places + sequence * dim : nullptr;
  if (placed) std::fill(places, places + dim, first == last ? -1 : 0);
  for (int64_t k = 0; k < dim; ++k) greatest[k] = first == last ? T(0) : widen(in.values[first * dim + k]);
  for (int64_t i = first + 1; i < last; ++i) {
    ahead_of<false>(in.values + i * dim, dim * sizeof(Number));
    take_row<placed>(in.values + i * dim, greatest, places, static_cast<int32_t>(i - first), dim);
  }
}

template <typename Number>
LIGHTNING_SUITE_INLINE void place_row(const int32_t* __restrict places, int32_t place, const Number* __restrict grad,
                                      Number* __restrict grad_value, int64_t dim) {
  const Number none = {};
  for (int64_t k = 0; k < dim; ++k) grad_value[k] = places[k] == place ? grad[k] : none;
}

// The bytes of a row to another place: a call of memcpy does not ask for its memory ahead.
template <typename Set>
LIGHTNING_SUITE_INLINE void copy_row(const char* __restrict from, char* __restrict to, int64_t bytes) {
  typedef char Bytes __attribute__((vector_size(Set::bytes)));
  int64_t at = 0;
  for (; at + Set::bytes <= bytes; at += Set::bytes) {
    Bytes some;
    __builtin_memcpy(&some, from + at, sizeof some);
    __builtin_prefetch(to + at + kAhead, 1, 3);
    __builtin_memcpy(to + at, &some, sizeof some);
  }
  for (; at < bytes; ++at) to[at] = from[at];
}

// Calls some(where a sequence's results may be kept in full precision): where they will be, or in so much room.
template <typename Number, typename Some>
LIGHTNING_SUITE_INLINE void in_full(Number* results, int64_t count, std::vector<Precise<Number>>& room, Some some) {
  if constexpr (std::is_same_v<Number, Precise<Number>>) {
    some(results);
  } else {
    some(room.data());
    for (int64_t k = 0; k < count; ++k) narrow(room[k], results[k]);
  }
}

template <typename Number>
std::vector<Precise<Number>> room_for(int64_t count) {
  return std::vector<Precise<Number>>(std::is_same_v<Number, Precise<Number>> ? 0 : count);
}

}  // namespace

template <typename Number>
void on_cpu(const Sum<Number>& in, int64_t begin, int64_t end) {
  const int64_t width = in.sizes.heads * in.sizes.dim;
  auto room = room_for<Number>(width);
  with_best_instructions([&](auto) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) {
      in_full(in.sums + sequence * width, width, room, [&](auto* sums) __attribute__((always_inline)) {
        in.weights == nullptr ? sum_up<false>(in, sequence, sums) : sum_up<true>(in, sequence, sums);
      });
    }
  });
}

template <typename Number>
void on_cpu(const SumBackward<Number>& in, int64_t begin, int64_t end) {
  const int64_t width = in.sizes.heads * in.sizes.dim;
  const bool of_values = in.grad_values != nullptr, of_weights = in.grad_weights != nullptr;
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) {
      if (in.weights != nullptr) {
        if (of_values && of_weights) sum_backward<true, true>(in, sequence);
        if (of_values && !of_weights) sum_backward<true, false>(in, sequence);
        if (!of_values && of_weights) sum_backward<false, true>(in, sequence);
        continue;
      }
      const char* grad = reinterpret_cast<const char*>(in.grad_sums + sequence * width);
      for (int64_t i = in.offsets[sequence]; i < in.offsets[sequence + 1]; ++i) {
        copy_row<decltype(set)>(grad, reinterpret_cast<char*>(in.grad_values + i * width), width * sizeof(Number));
      }
    }
  });
}

template <typename Number>
void on_cpu(const Max<Number>& in, int64_t begin, int64_t end) {
  const int64_t dim = in.sizes.dim;
  auto room = room_for<Number>(dim);
  with_best_instructions([&](auto) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) {
      in_full(in.greatest + sequence * dim, dim, room, [&](auto* greatest) __attribute__((always_inline)) {
        in.places == nullptr ? maximum<false>(in, sequence, greatest) : maximum<true>(in, sequence, greatest);
      });
    }
  });
}

template <typename Number>
void on_cpu(const MaxBackward<Number>& in, int64_t begin, int64_t end) {
  const int64_t dim = in.sizes.dim;
  with_best_instructions([&](auto) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) {
      for (int64_t i = in.offsets[sequence]; i < in.offsets[sequence + 1]; ++i) {
        ahead_of<true>(in.grad_values + i * dim, dim * sizeof(Number));
        place_row(in.places + sequence * dim, static_cast<int32_t>(i - in.offsets[sequence]),
                  in.grad_greatest + sequence * dim, in.grad_values + i * dim, dim);
      }
    }
  });
}

#define LIGHTNING_SUITE_SEGMENTS(Number)                              \
  template void on_cpu(const Sum<Number>&, int64_t, int64_t);         \
  template void on_cpu(const SumBackward<Number>&, int64_t, int64_t); \
  template void on_cpu(const Max<Number>&, int64_t, int64_t);         \
  template void on_cpu(const MaxBackward<Number>&, int64_t, int64_t)
LIGHTNING_SUITE_SEGMENTS(float);
LIGHTNING_SUITE_SEGMENTS(double);
LIGHTNING_SUITE_SEGMENTS(Half);
LIGHTNING_SUITE_SEGMENTS(BFloat16);
#undef LIGHTNING_SUITE_SEGMENTS

}  // namespace lightning_suite::ragged_segments
