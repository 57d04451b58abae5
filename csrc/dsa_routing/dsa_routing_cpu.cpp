// dsa_routing on a CPU. The words of a sentence are read from memory once, by the first pass over them; the passes of
// the other iterations find them in the cache. Memory is fastest along whole rows, so that pass takes as many heads
// together as the cache holds; the others go head by head, whose words mostly stay in the first-level cache.

#include <algorithm>
#include <type_traits>
#include <vector>

#include "dsa_routing.h"
#include "exponential.h"
#include "instruction_sets.h"

namespace lightning_suite::dsa_routing {
namespace {

constexpr int64_t kTileBytes = 1 << 19;  // half of a usual second-level cache
constexpr int kRows = 4;                 // words that are worked on together

// The words of one sentence as some heads see them: word i begins at rows + i * stride.
template <typename T>
struct Tile {
  const T* rows;
  int64_t stride, count, heads, width;

  Tile head(int64_t which) const { return {rows + which * width, stride, count, 1, width}; }
};

// Calls some(first, number) for all words, kRows at a time and then what is left, the number as a constant.
template <typename Some>
LIGHTNING_SUITE_INLINE void by_rows(int64_t count, Some some) {
  int64_t first = 0;
  for (; first + kRows <= count; first += kRows) some(first, std::integral_constant<int, kRows>());
  switch (count - first) {
    case 3:
      return some(first, std::integral_constant<int, 3>());
    case 2:
      return some(first, std::integral_constant<int, 2>());
    case 1:
      return some(first, std::integral_constant<int, 1>());
  }
}

// sums (head width) += sum_i weights[i] x_i over some words from the first, weighted alike for all heads.
template <int rows, typename T>
LIGHTNING_SUITE_INLINE void add_some(const Tile<T>& x, int64_t first, const T* weights, T* __restrict sums) {
  const T* __restrict xi = x.rows + first * x.stride;
  const int64_t stride = x.stride;
  T a[rows];
  for (int i = 0; i < rows; ++i) a[i] = weights[first + i];
  for (int64_t k = 0; k < x.heads * x.width; ++k) {
    T part = sums[k];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) part += a[i] * xi[i * stride + k];
    sums[k] = part;
  }
}

// sums (head width) = sum_i weights[i] x_i, weighted alike for all heads
template <typename T>
LIGHTNING_SUITE_INLINE void weighted_sums(const Tile<T>& x, const T* weights, T* sums) {
  std::fill(sums, sums + x.heads * x.width, T(0));
  by_rows(x.count, [&](int64_t first, auto rows) __attribute__((always_inline)) {
    add_some<rows>(x, first, weights, sums);
  });
}

// products[i] = x_i . vector of one head over some words from the first.
template <int rows, typename T>
LIGHTNING_SUITE_INLINE void multiply_some(const Tile<T>& x, int64_t first, const T* __restrict vector, T* products) {
  const T* __restrict xi = x.rows + first * x.stride;
  const int64_t stride = x.stride;
  T p[rows] = {};
  for (int64_t k = 0; k < x.width; ++k) {
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) p[i] += xi[i * stride + k] * vector[k];
  }
  for (int i = 0; i < rows; ++i) products[first + i] = p[i];
}

// products (head, word) of the vectors (head, width)
template <typename T>
LIGHTNING_SUITE_INLINE void dot_products(const Tile<T>& x, const T* vectors, T* products) {
  by_rows(x.count, [&](int64_t first, auto rows) __attribute__((always_inline)) {
    for (int64_t head = 0; head < x.heads; ++head) {
      multiply_some<rows>(x.head(head), first, vectors + head * x.width, products + head * x.count);
    }
  });
}

template <typename T>
LIGHTNING_SUITE_INLINE void softmax(T* scores, int64_t count) {
  T top = scores[0];
  for (int64_t i = 1; i < count; ++i) top = scores[i] > top ? scores[i] : top;
  T total = 0;
  for (int64_t i = 0; i < count; ++i) total += scores[i] = exponential(scores[i] - top);
  for (int64_t i = 0; i < count; ++i) scores[i] /= total;
}

// What one thread works with; grown by the longest sentence it meets.
template <typename T>
struct Scratch {
  std::vector<T> tile, numbers;

  static T* room(std::vector<T>& in, int64_t count) {
    if (static_cast<int64_t>(in.size()) < count) in.resize(count);
    return in.data();
  }
};

// Some heads of one sentence.
struct Job {
  int64_t sentence, first, count;  // its words are first .. first + count
  int64_t head, heads;             // its heads are head .. head + heads
};

// The tile of a job: where it lies, or widened into the scratch.
template <typename Number>
LIGHTNING_SUITE_INLINE Tile<Precise<Number>> tile_of(const Number* x, const Sizes& sizes, const Job& job,
                                                     Scratch<Precise<Number>>& scratch) {
  const int64_t stride = sizes.heads * sizes.head_dim, width = job.heads * sizes.head_dim;
  const Number* first = x + job.first * stride + job.head * sizes.head_dim;
  if constexpr (std::is_same_v<Number, Precise<Number>>) {
    return {first, stride, job.count, job.heads, sizes.head_dim};
  } else {
    auto* __restrict wide = scratch.room(scratch.tile, job.count * width);
    for (int64_t i = 0; i < job.count; ++i) {
      const Number* __restrict row = first + i * stride;
      for (int64_t k = 0; k < width; ++k) wide[i * width + k] = widen(row[k]);
    }
    return {wide, width, job.count, job.heads, sizes.head_dim};
  }
}

// Calls some(job) for what starts in rows [begin, end): each head of each sentence has a row a word, and one more.
// Which heads make a job follows from the sentence alone, so that no bit depends on how the rows are cut.
template <typename Number, typename Some>
LIGHTNING_SUITE_INLINE void each_job(const Sizes& sizes, const int64_t* offsets, int64_t begin, int64_t end,
                                     Some some) {
  const auto start = [&](int64_t sentence) { return sizes.heads * (offsets[sentence] + sentence); };
  int64_t sentence = 0, after = sizes.sentences;  // the last sentence that starts at or before begin, by halving
  while (after - sentence > 1) {
    const int64_t middle = sentence + (after - sentence) / 2;
    (start(middle) <= begin ? sentence : after) = middle;
  }
  for (; sentence < sizes.sentences && start(sentence) < end; ++sentence) {
    const int64_t count = offsets[sentence + 1] - offsets[sentence], rows = count + 1;
    const int64_t bytes = std::max<int64_t>(1, count * sizes.head_dim * sizeof(Precise<Number>));
    const int64_t together = std::max<int64_t>(1, kTileBytes / bytes);
    for (int64_t head = 0; head < sizes.heads; head += together) {
      const int64_t row = start(sentence) + head * rows;
      if (row < begin || row >= end) continue;
      some(Job{sentence, offsets[sentence], count, head, std::min(together, sizes.heads - head)});
    }
  }
}

template <typename Number>
LIGHTNING_SUITE_INLINE void forward_rows(const Forward<Number>& arrays, int64_t begin, int64_t end) {
  using T = Precise<Number>;
  const Sizes& sizes = arrays.sizes;
  const int64_t width = sizes.head_dim, steps = sizes.iterations - 1;
  const int64_t vectors = sizes.sentences * sizes.heads * width, weights = sizes.words * sizes.heads;
  Scratch<T> scratch;
  each_job<Number>(sizes, arrays.offsets, begin, end, [&](const Job& job) __attribute__((always_inline)) {
    const Tile<T> x = tile_of(arrays.x, sizes, job, scratch);
    const int64_t place = (job.sentence * sizes.heads + job.head) * width;
    T* __restrict s = scratch.room(scratch.numbers, job.count + (job.heads + 1) * width);  // head width
    T* __restrict total = s + job.heads * width;  // z^1 + ... + z^t of one head
    T* __restrict a = total + width;              // the weights of one head
    std::fill(a, a + job.count, T(1) / static_cast<T>(job.count));
    weighted_sums(x, a, s);
    for (int64_t head = 0; head < job.heads; ++head) {
      T* __restrict z = s + head * width;
      for (int64_t k = 0; k < width; ++k) z[k] = hyperbolic_tangent(z[k]);
      for (int64_t t = 0; t < steps; ++t) {
        T* __restrict kept = arrays.vectors + t * vectors + place + head * width;
        for (int64_t k = 0; k < width; ++k) {
          kept[k] = z[k];
          total[k] = t == 0 ? z[k] : total[k] + z[k];
        }
        if (job.count == 0) continue;
        dot_products(x.head(head), total, a);
        softmax(a, job.count);
        T* __restrict written = arrays.weights + t * weights + job.first * sizes.heads + job.head + head;
        for (int64_t i = 0; i < job.count; ++i) written[i * sizes.heads] = a[i];
        weighted_sums(x.head(head), a, z);
        for (int64_t k = 0; k < width; ++k) z[k] = hyperbolic_tangent(z[k]);
      }
      Number* __restrict written = arrays.z + place + head * width;
      for (int64_t k = 0; k < width; ++k) narrow(z[k], written[k]);
    }
  });
}

template <typename Number>
LIGHTNING_SUITE_INLINE void backward_rows(const Backward<Number>& arrays, int64_t begin, int64_t end) {
  using T = Precise<Number>;
  const Sizes& sizes = arrays.sizes;
  const int64_t width = sizes.head_dim, steps = sizes.iterations - 1, stride = sizes.heads * width;
  const int64_t vectors = sizes.sentences * stride, weights = sizes.words * sizes.heads;
  Scratch<T> scratch;
  each_job<Number>(sizes, arrays.offsets, begin, end, [&](const Job& job) __attribute__((always_inline)) {
    if (job.count == 0) return;
    const Tile<T> x = tile_of(arrays.x, sizes, job, scratch);
    const int64_t count = job.count, all = job.heads * width;
    const int64_t place = (job.sentence * sizes.heads + job.head) * width, word = job.first * sizes.heads + job.head;
    const int64_t numbers = (steps + 1) * job.heads * count + sizes.iterations * all + width;
    T* __restrict product = scratch.room(scratch.numbers, numbers);  // head, word: gradient of the weights
    T* e = product + job.heads * count;     // step, head, word: gradient of what this step's vector adds to the score
    T* ds = e + steps * job.heads * count;  // iteration, head width: gradient before tanh
    [[maybe_unused]] T* wide = ds + sizes.iterations * all;  // a row of grad_x before it is rounded to half precision
    for (int64_t head = 0; head < job.heads; ++head) {
      T* __restrict last = ds + steps * all + head * width;
      const Number* __restrict z = arrays.z + place + head * width;
      const Number* __restrict grad_z = arrays.grad_z ? arrays.grad_z + place + head * width : nullptr;
      for (int64_t k = 0; k < width; ++k) {
        const T zk = widen(z[k]);
        last[k] = grad_z ? widen(grad_z[k]) * (1 - zk * zk) : T(0);
      }
    }
    if (steps > 0) dot_products(x, ds + steps * all, product);
    // Step t, counted from 0, makes iteration t + 2 out of iteration t + 1. weights[t] and e[t] are of the later one,
    // vectors[t] of the earlier; ds[t] is of the earlier, ds[t + 1] of the later.
    for (int64_t head = 0; head < job.heads && steps > 0; ++head) {
      T* __restrict p = product + head * count;
      for (int64_t t = steps; t-- > 0;) {
        const T* __restrict a = arrays.weights + t * weights + word + head;
        const T* grad_a = arrays.grad_weights ? arrays.grad_weights + t * weights + word + head : nullptr;
        const T* __restrict z = arrays.vectors + t * vectors + place + head * width;
        const T* grad_z = arrays.grad_vectors ? arrays.grad_vectors + t * vectors + place + head * width : nullptr;
        if (t + 1 < steps) dot_products(x.head(head), ds + (t + 1) * all + head * width, p);
        T mean = 0;
        for (int64_t i = 0; i < count; ++i) {
          if (grad_a) p[i] += grad_a[i * sizes.heads];
          mean += a[i * sizes.heads] * p[i];
        }
        T* et = e + (t * job.heads + head) * count;
        const T* later = t + 1 < steps ? et + job.heads * count : nullptr;
        for (int64_t i = 0; i < count; ++i) et[i] = a[i * sizes.heads] * (p[i] - mean) + (later ? later[i] : T(0));
        T* __restrict dst = ds + t * all + head * width;
        weighted_sums(x.head(head), et, dst);  // gradient of z
        for (int64_t k = 0; k < width; ++k) dst[k] = (dst[k] + (grad_z ? grad_z[k] : T(0))) * (1 - z[k] * z[k]);
      }
    }
    // A word's gradient is its share of every ds and z. Its share of the first ds is the same for all words.
    const T equal = T(1) / static_cast<T>(count);
    for (int64_t k = 0; k < all; ++k) ds[k] *= equal;
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t head = 0; head < job.heads; ++head) {
        Number* __restrict written = arrays.grad_x + (job.first + i) * stride + (job.head + head) * width;
        T* __restrict row;
        if constexpr (std::is_same_v<Number, T>) {
          row = written;
        } else {
          row = wide;
        }
        const T* __restrict ds0 = ds + head * width;
        if (steps == 0) std::copy(ds0, ds0 + width, row);
        for (int64_t t = 0; t < steps; ++t) {
          const T at = arrays.weights[t * weights + word + i * sizes.heads + head];
          const T et = e[(t * job.heads + head) * count + i];
          const T* __restrict dst = ds0 + (t + 1) * all;
          const T* __restrict z = arrays.vectors + t * vectors + place + head * width;
          if (t == 0) {
            for (int64_t k = 0; k < width; ++k) row[k] = ds0[k] + (at * dst[k] + et * z[k]);
          } else {
            for (int64_t k = 0; k < width; ++k) row[k] += at * dst[k] + et * z[k];
          }
        }
        if constexpr (!std::is_same_v<Number, T>) {
          for (int64_t k = 0; k < width; ++k) narrow(row[k], written[k]);
        }
      }
    }
  });
}

}  // namespace

int64_t work(const Sizes& sizes) { return sizes.heads * (sizes.words + sizes.sentences); }

#define LIGHTNING_SUITE_INSTANTIATE(Number)                                                              \
  template <>                                                                                            \
  LIGHTNING_SUITE_CLONES void forward_cpu(const Forward<Number>& arrays, int64_t begin, int64_t end) {   \
    forward_rows(arrays, begin, end);                                                                    \
  }                                                                                                      \
  template <>                                                                                            \
  LIGHTNING_SUITE_CLONES void backward_cpu(const Backward<Number>& arrays, int64_t begin, int64_t end) { \
    backward_rows(arrays, begin, end);                                                                   \
  }
LIGHTNING_SUITE_INSTANTIATE(float)
LIGHTNING_SUITE_INSTANTIATE(double)
LIGHTNING_SUITE_INSTANTIATE(Half)
LIGHTNING_SUITE_INSTANTIATE(BFloat16)

}  // namespace lightning_suite::dsa_routing
