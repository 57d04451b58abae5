// The softmax of ragged_segments on a CPU: one sequence after another. It has few heads, so some rows, a power of 2,
// are taken for one long row, and its columns joined at the end.

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "exponential.h"
#include "instruction_sets.h"
#include "ragged_segments.h"

namespace lightning_suite::ragged_segments {
namespace {

constexpr int64_t kLongRow = 16;  // numbers of some rows that are taken for one

// e^(score - top), 0 where that is no normal number: a product, so that there is no branch. NaN stays NaN.
template <typename T>
LIGHTNING_SUITE_INLINE T share_before(T score, T top) {
  constexpr T kLeast = (1 - Format<T>::kBias) * T(0.693147180559945309417);
  const T t = score - top;
  return exponential(t) * (t < kLeast ? T(0) : T(1));
}

// How many rows are taken for one: a power of 2, the least that holds the sequence if that is short.
LIGHTNING_SUITE_INLINE int64_t rows_of_long_row(int64_t heads, int64_t rows) {
  int64_t together = 1;
  while (together < rows && 2 * together * heads <= kLongRow) together *= 2;
  return together;
}

// Calls some(width), the width a constant where it is the usual one.
template <typename Some>
LIGHTNING_SUITE_INLINE void with_width(int64_t width, Some some) {
  if (width == kLongRow) return some(std::integral_constant<int64_t, kLongRow>());
  some(width);
}

// Of a long row, the columns of each head joined, for every place of the row.
template <typename T, typename Some>
LIGHTNING_SUITE_INLINE void join_heads(int64_t heads, int64_t rows, T* row, Some some) {
  for (int64_t half = rows / 2; half > 0; half /= 2) {
    T* __restrict one = row;
    const T* __restrict other = row + half * heads;
    for (int64_t k = 0; k < half * heads; ++k) one[k] = some(one[k], other[k]);
  }
  for (int64_t k = heads; k < rows * heads; ++k) row[k] = row[k - heads];
}

template <typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void softmax(const Softmax<Number>& in, int64_t sequence, std::vector<T>& room) {
  const int64_t heads = in.sizes.heads, first = in.offsets[sequence], rows = in.offsets[sequence + 1] - first;
  const int64_t count = rows * heads;
  if (count == 0) return;
  const int64_t together = rows_of_long_row(heads, rows);
  const Number* __restrict scores = in.scores + first * heads;
  Number* __restrict shares = in.shares + first * heads;
  with_width(together * heads, [&](auto width) __attribute__((always_inline)) {
    const int64_t whole = (count + width - 1) / width * width;  // with scores of -inf, there is no rest
    if (static_cast<int64_t>(room.size()) < whole + 2 * width) room.resize(whole + 2 * width);
    T* __restrict tops = room.data();
    T* __restrict sums = tops + width;
    T* __restrict all = sums + width;
    for (int64_t k = 0; k < count; ++k) all[k] = widen(scores[k]);
    std::fill(all + count, all + whole, -std::numeric_limits<T>::infinity());
    for (int64_t k = 0; k < width; ++k) tops[k] = all[k];
    for (int64_t begin = width; begin < whole; begin += width) {
      for (int64_t k = 0; k < width; ++k) tops[k] = all[begin + k] > tops[k] ? all[begin + k] : tops[k];
    }
    join_heads(heads, together, tops, [](T one, T other) __attribute__((always_inline)) {
      return other > one ? other : one;
    });
    for (int64_t k = 0; k < width; ++k) sums[k] = 0;
    for (int64_t begin = 0; begin < whole; begin += width) {
      for (int64_t k = 0; k < width; ++k) {
        all[begin + k] = share_before(all[begin + k], tops[k]);
        sums[k] += all[begin + k];
      }
    }
    join_heads(heads, together, sums, [](T one, T other) __attribute__((always_inline)) { return one + other; });
    for (int64_t k = 0; k < width; ++k) sums[k] = 1 / sums[k];
    for (int64_t begin = 0; begin < whole; begin += width) {
      for (int64_t k = 0; k < width; ++k) all[begin + k] *= sums[k];
    }
    for (int64_t k = 0; k < count; ++k) narrow(all[k], shares[k]);
  });
}

template <typename Number, typename T = Precise<Number>>
LIGHTNING_SUITE_INLINE void softmax_backward(const SoftmaxBackward<Number>& in, int64_t sequence, std::vector<T>& room) {
  const int64_t heads = in.sizes.heads, first = in.offsets[sequence], rows = in.offsets[sequence + 1] - first;
  const int64_t count = rows * heads;
  if (count == 0) return;
  const int64_t together = rows_of_long_row(heads, rows);
  const Number* __restrict shares = in.shares + first * heads;
  const Number* __restrict slopes = in.grad_shares + first * heads;
  Number* __restrict grads = in.grad_scores + first * heads;
  with_width(together * heads, [&](auto width) __attribute__((always_inline)) {
    if (static_cast<int64_t>(room.size()) < width) room.resize(width);
    T* __restrict means = room.data();
    for (int64_t k = 0; k < width; ++k) means[k] = 0;
    int64_t begin = 0;
    for (; begin + width <= count; begin += width) {
      for (int64_t k = 0; k < width; ++k) means[k] += widen(shares[begin + k]) * widen(slopes[begin + k]);
    }
    for (int64_t k = 0; begin + k < count; ++k) means[k] += widen(shares[begin + k]) * widen(slopes[begin + k]);
    join_heads(heads, together, means, [](T one, T other) __attribute__((always_inline)) { return one + other; });
    for (begin = 0; begin + width <= count; begin += width) {
      for (int64_t k = 0; k < width; ++k) {
        narrow(widen(shares[begin + k]) * (widen(slopes[begin + k]) - means[k]), grads[begin + k]);
      }
    }
    for (int64_t k = 0; begin + k < count; ++k) {
      narrow(widen(shares[begin + k]) * (widen(slopes[begin + k]) - means[k]), grads[begin + k]);
    }
  });
}

}  // namespace

template <typename Number>
void on_cpu(const Softmax<Number>& in, int64_t begin, int64_t end) {
  std::vector<Precise<Number>> room;
  with_best_instructions([&](auto) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) softmax(in, sequence, room);
  });
}

template <typename Number>
void on_cpu(const SoftmaxBackward<Number>& in, int64_t begin, int64_t end) {
  std::vector<Precise<Number>> room;
  with_best_instructions([&](auto) __attribute__((always_inline)) {
    for (int64_t sequence = begin; sequence < end; ++sequence) softmax_backward(in, sequence, room);
  });
}

#define LIGHTNING_SUITE_SEGMENTS(Number)                          \
  template void on_cpu(const Softmax<Number>&, int64_t, int64_t); \
  template void on_cpu(const SoftmaxBackward<Number>&, int64_t, int64_t)
LIGHTNING_SUITE_SEGMENTS(float);
LIGHTNING_SUITE_SEGMENTS(double);
LIGHTNING_SUITE_SEGMENTS(Half);
LIGHTNING_SUITE_SEGMENTS(BFloat16);
#undef LIGHTNING_SUITE_SEGMENTS

}  // namespace lightning_suite::ragged_segments
