// ragged_attention on a CPU: one head of one sequence after another. Its keys and values are copied once to rows of
// whole vectors; then a few queries at a time are the rows of three matrix products, which tile_product.h multiplies.

#include <algorithm>
#include <cmath>
#include <limits>

#include "exponential.h"
#include "instruction_sets.h"
#include "ragged_attention.h"
#include "tile_product.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // how vectors are passed: what takes them is always inlined

namespace lightning_suite::ragged_attention {
namespace {

constexpr int64_t kQueries = 48;  // whose weights backward keeps at a time

// Some rows of a matrix that has others between them: row i begins at first + i * stride.
template <typename T>
struct Rows {
  T* first;
  int64_t stride, count, columns;

  T* row(int64_t i) const { return first + i * stride; }
};

// One head of one sequence; of gradients the rows of the same places.
template <typename T>
struct Job {
  const Sizes& sizes;
  int64_t head, first_query, queries, first_value, values;

  Job(const Inputs<T>& in, int64_t index)
      : sizes(in.sizes),
        head(index % sizes.heads),
        first_query(in.query_offsets[index / sizes.heads]),
        queries(in.query_offsets[index / sizes.heads + 1] - first_query),
        first_value(in.offsets[index / sizes.heads]),
        values(in.offsets[index / sizes.heads + 1] - first_value) {}

  // How many keys query i sees.
  int64_t seen(int64_t i) const {
    return sizes.causal ? std::clamp<int64_t>(i + 1 + values - queries, 0, values) : values;
  }
  template <typename Number>
  Rows<Number> of_queries(Number* array, int64_t columns) const {
    return {array + (first_query * sizes.heads + head) * columns, sizes.heads * columns, queries, columns};
  }
  template <typename Number>
  Rows<Number> of_values(Number* array, int64_t columns) const {
    return {array + (first_value * sizes.heads + head) * columns, sizes.heads * columns, values, columns};
  }
};

// Rows of whole vectors, padded with zeros.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void copy_rows(const Rows<const T>& from, int64_t first, int64_t count, Buffer<T>& to) {
  const int64_t width = padded<Set, T>(from.columns);
  to.make_room(count * width);
  for (int64_t i = 0; i < count; ++i) {
    const T* row = from.row(first + i);
    T* copy = to.data() + i * width;
    std::copy(row, row + from.columns, copy);
    std::fill(copy + from.columns, copy + width, T(0));
  }
}

// Their transpose, padded too: a vector of rows at a time, which lie far apart, and would not all stay in the cache.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void copy_columns(const Rows<const T>& from, Buffer<T>& to) {
  constexpr int64_t lanes = kLanes<Set, T>;
  const int64_t width = padded<Set, T>(from.count);
  to.make_room(from.columns * width);
  for (int64_t first = 0; first < from.count; first += lanes) {
    const int64_t count = std::min(lanes, from.count - first);
    for (int64_t k = 0; k < from.columns; ++k) {
      T* __restrict copy = to.data() + k * width + first;
      const T* __restrict column = from.row(first) + k;
      if (count == lanes) {
        for (int64_t i = 0; i < lanes; ++i) copy[i] = column[i * from.stride];
      } else {
        for (int64_t i = 0; i < lanes; ++i) copy[i] = i < count ? column[i * from.stride] : T(0);
      }
    }
  }
}

// use(row, column, vector) for the vectors of left right, left (Set::rows, depth) by its numbers, right (depth, width).
template <typename Set, typename T, typename Left, typename Use>
LIGHTNING_SUITE_INLINE void product(int64_t depth, Left left, const T* right, int64_t width, Use use) {
  by_columns<Set, T>(width, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
    Tile<Set, T> tile;
    clear<Set, vectors, T>(tile);
    multiply<Set, vectors, T>(
        depth, left, [&](int64_t k) __attribute__((always_inline)) { return right + k * width + first; }, tile);
    each_vector<Set, vectors>([&](int r, int v) __attribute__((always_inline)) {
      use(r, first + v * kLanes<Set, T>, tile[r][v]);
    });
  });
}

// rows (Set::rows, width) of scratch = what rows first, first + 1, .. (the last one repeated) times right gives.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void multiply_rows(const Rows<const T>& left, int64_t first, const T* right, int64_t width,
                                          T* rows) {
  const T* lefts[Set::rows];
  for (int r = 0; r < Set::rows; ++r) lefts[r] = left.row(std::min(first + r, left.count - 1));
  product<Set>(
      left.columns, [&](int r, int64_t k) __attribute__((always_inline)) { return lefts[r][k]; }, right, width,
      [&](int r, int64_t column, const Vector<Set, T>& vector) __attribute__((always_inline)) {
        store<Set>(vector, rows + r * width + column);
      });
}

// The first rows of left (rows `step` apart) times right, to rows of any width.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void multiply_out(const T* left, int64_t step, int64_t depth, const T* right,
                                         const Rows<T>& to, int64_t first) {
  const int64_t count = std::min<int64_t>(Set::rows, to.count - first);
  product<Set>(
      depth, [&](int r, int64_t k) __attribute__((always_inline)) { return left[r * step + k]; }, right,
      padded<Set, T>(to.columns), [&](int r, int64_t column, const Vector<Set, T>& vector)
                                      __attribute__((always_inline)) {
        if (r < count) store_first<Set, T>(vector, to.columns - column, to.row(first + r) + column);
      });
}

// sums (count, width) += left' right: left (depth, count) with rows `step` apart, right (depth, width).
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void add_transposed(const T* left, int64_t step, int64_t depth, int64_t count, const T* right,
                                           int64_t width, T* sums) {
  for (int64_t first = 0; first < count; first += Set::rows) {
    product<Set>(
        depth,
        [&](int r, int64_t k) __attribute__((always_inline)) { return left[k * step + std::min(first + r, count - 1)]; },
        right, width, [&](int r, int64_t column, Vector<Set, T> vector) __attribute__((always_inline)) {
          if (first + r >= count) return;
          T* to = sums + (first + r) * width + column;
          Vector<Set, T> before;
          load<Set>(static_cast<const T*>(to), before);
          vector += before;
          store<Set>(vector, to);
        });
  }
}

// exp(scale * score - norm) of those that are seen, 0 of the others; from there to `width` too.
template <typename T>
LIGHTNING_SUITE_INLINE void weigh(T* __restrict scores, int64_t seen, int64_t width, T scale, T norm) {
  for (int64_t i = 0; i < width; ++i) scores[i] = exponential(scale * scores[i] - norm);
  for (int64_t i = seen; i < width; ++i) scores[i] = 0;
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void forward_jobs(const Forward<T>& arrays, int64_t begin, int64_t end) {
  const Inputs<T>& in = arrays.in;
  const Sizes& sizes = in.sizes;
  const T scale = static_cast<T>(sizes.scale);
  Buffer<T> keys, values, scores;
  for (int64_t index = begin; index < end; ++index) {
    const Job<T> job(in, index);
    const int64_t width = padded<Set, T>(job.values);
    if (job.queries == 0) continue;
    copy_columns<Set>(job.of_values(in.key, sizes.dim), keys);
    copy_rows<Set>(job.of_values(in.value, sizes.value_dim), 0, job.values, values);
    scores.make_room(Set::rows * std::max(width, kLanes<Set, T>));
    const Rows<const T> queries = job.of_queries(in.query, sizes.dim);
    const Rows<T> out = job.of_queries(arrays.out, sizes.value_dim);
    const Rows<T> norms = job.of_queries(arrays.norms, 1);
    for (int64_t first = 0; first < job.queries; first += Set::rows) {
      multiply_rows<Set>(queries, first, static_cast<const T*>(keys.data()), width, scores.data());
      const int64_t last = std::min<int64_t>(first + Set::rows, job.queries) - 1;
      for (int64_t i = first; i <= last; ++i) {
        T* __restrict row = scores.data() + (i - first) * width;
        const int64_t seen = job.seen(i);
        for (int64_t k = 0; k < width; ++k) row[k] *= scale;
        T top = std::numeric_limits<T>::lowest(), total = 0;
        for (int64_t k = 0; k < seen; ++k) top = row[k] > top ? row[k] : top;
        weigh(row, seen, width, T(1), top);
        for (int64_t k = 0; k < width; ++k) total += row[k];
        const T share = seen > 0 ? 1 / total : T(0);
        for (int64_t k = 0; k < width; ++k) row[k] *= share;
        *norms.row(i) = seen > 0 ? top + std::log(total) : -std::numeric_limits<T>::infinity();
      }
      multiply_out<Set>(static_cast<const T*>(scores.data()), width, job.seen(last),
                        static_cast<const T*>(values.data()), out, first);
    }
  }
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void backward_jobs(const Backward<T>& arrays, int64_t begin, int64_t end) {
  const Inputs<T>& in = arrays.in;
  const Sizes& sizes = in.sizes;
  const T scale = static_cast<T>(sizes.scale);
  const int64_t dim = sizes.dim, value_dim = sizes.value_dim;
  const int64_t key_width = padded<Set, T>(dim), value_width = padded<Set, T>(value_dim);
  Buffer<T> keys, keys_across, values_across, grad_keys, grad_values, some_queries, some_grads, weights, slopes;
  for (int64_t index = begin; index < end; ++index) {
    const Job<T> job(in, index);
    const int64_t width = padded<Set, T>(job.values);
    const Rows<const T> key = job.of_values(in.key, dim), value = job.of_values(in.value, value_dim);
    const Rows<const T> query = job.of_queries(in.query, dim), out = job.of_queries(arrays.out, value_dim);
    const Rows<const T> grad_out = job.of_queries(arrays.grad_out, value_dim), norms = job.of_queries(arrays.norms, 1);
    const Rows<T> grad_query = job.of_queries(arrays.grad_query, dim);
    copy_rows<Set>(key, 0, job.values, keys);
    copy_columns<Set>(key, keys_across);
    copy_columns<Set>(value, values_across);
    grad_keys.make_room(job.values * key_width);
    grad_values.make_room(job.values * value_width);
    std::fill(grad_keys.data(), grad_keys.data() + job.values * key_width, T(0));
    std::fill(grad_values.data(), grad_values.data() + job.values * value_width, T(0));
    weights.make_room((kQueries + Set::rows) * width);
    slopes.make_room((kQueries + Set::rows) * width);
    for (int64_t block = 0; block < job.queries; block += kQueries) {
      const int64_t count = std::min(kQueries, job.queries - block);
      for (int64_t first = block; first < block + count; first += Set::rows) {
        T* p = weights.data() + (first - block) * width;
        T* dp = slopes.data() + (first - block) * width;
        multiply_rows<Set>(query, first, static_cast<const T*>(keys_across.data()), width, p);
        multiply_rows<Set>(grad_out, first, static_cast<const T*>(values_across.data()), width, dp);
        for (int64_t i = first; i < std::min<int64_t>(first + Set::rows, block + count); ++i) {
          T* __restrict row = p + (i - first) * width;
          T* __restrict slope = dp + (i - first) * width;
          const T* __restrict o = out.row(i);
          const T* __restrict g = grad_out.row(i);
          T mean = 0;
          for (int64_t k = 0; k < value_dim; ++k) mean += o[k] * g[k];
          weigh(row, job.seen(i), width, scale, *norms.row(i));
          for (int64_t k = 0; k < width; ++k) slope[k] = row[k] * (slope[k] - mean) * scale;
        }
        multiply_out<Set>(static_cast<const T*>(dp), width, job.values, static_cast<const T*>(keys.data()), grad_query,
                          first);
      }
      copy_rows<Set>(query, block, count, some_queries);
      copy_rows<Set>(grad_out, block, count, some_grads);
      add_transposed<Set, T>(slopes.data(), width, count, job.values, some_queries.data(), key_width, grad_keys.data());
      add_transposed<Set, T>(weights.data(), width, count, job.values, some_grads.data(), value_width,
                             grad_values.data());
    }
    const Rows<T> grad_key = job.of_values(arrays.grad_key, dim);
    const Rows<T> grad_value = job.of_values(arrays.grad_value, value_dim);
    for (int64_t i = 0; i < job.values; ++i) {
      std::copy_n(grad_keys.data() + i * key_width, dim, grad_key.row(i));
      std::copy_n(grad_values.data() + i * value_width, value_dim, grad_value.row(i));
    }
  }
}

}  // namespace

template <typename T>
void forward_cpu(const Forward<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    forward_jobs<decltype(set)>(arrays, begin, end);
  });
}
template <typename T>
void backward_cpu(const Backward<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    backward_jobs<decltype(set)>(arrays, begin, end);
  });
}
template void forward_cpu(const Forward<float>&, int64_t, int64_t);
template void forward_cpu(const Forward<double>&, int64_t, int64_t);
template void backward_cpu(const Backward<float>&, int64_t, int64_t);
template void backward_cpu(const Backward<double>&, int64_t, int64_t);

}  // namespace lightning_suite::ragged_attention
