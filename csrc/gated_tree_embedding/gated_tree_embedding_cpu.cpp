// gated_tree_embedding on a CPU. The nodes of equal height of a part's trees do not depend on each other: some of them
// at a time are the rows of the matrix products, gathered side by side, and what lies between two products is done
// while their rows are in the cache.
//
// Rows have room for whole vectors, so that no loop over columns has a rest: what is computed beyond the last column is
// never used.

#include <algorithm>
#include <cstring>

#include "exponential.h"
#include "forest_parts.h"
#include "gated_tree_embedding.h"
#include "instruction_sets.h"
#include "tile_product.h"

namespace lightning_suite::gated_tree_embedding {
namespace {

constexpr int64_t kBatch = 120;  // nodes that are worked on together, at most

// How far apart the rows of one, three and four blocks of `hidden` are. A row of four can be read by whole vectors from
// the beginning of any block.
template <typename Set, typename T>
struct Widths {
  int64_t one, three, four;
  explicit Widths(int64_t hidden)
      : one(padded<Set, T>(hidden)),
        three(padded<Set, T>(3 * hidden)),
        four(padded<Set, T>(4 * hidden) + kLanes<Set, T>) {}
};

// A right factor (depth, columns), number(k, n): as many columns as a tile has at a time, one such panel after another.
template <typename Set, typename T, typename Numbers>
LIGHTNING_SUITE_INLINE void pack(int64_t depth, int64_t columns, Numbers number, T* to) {
  by_columns<Set, T>(padded<Set, T>(columns), [&](int64_t first, auto vectors) __attribute__((always_inline)) {
    constexpr int64_t kWidth = vectors * kLanes<Set, T>;
    const int64_t count = std::min<int64_t>(kWidth, columns - first);
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t n = 0; n < count; ++n) to[first * depth + k * kWidth + n] = number(k, first + n);
    }
  });
}

// The right factors: of the forward pass, where a product is with a weight's transpose, and of the backward pass.
template <typename Set, typename T>
struct Factors {
  Buffer<T> r, h, z, b_r, b_h, b_z;

  explicit Factors(int64_t hidden)
      : r(3 * hidden * padded<Set, T>(3 * hidden)),
        h(std::max(3 * hidden * padded<Set, T>(hidden), hidden * padded<Set, T>(3 * hidden))),
        z(4 * hidden * padded<Set, T>(4 * hidden)),
        b_r(padded<Set, T>(3 * hidden)),
        b_h(padded<Set, T>(hidden)),
        b_z(padded<Set, T>(4 * hidden)) {}
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Factors<Set, T> factors_of_forward(const Weights<T>& weights, int64_t hidden) {
  Factors<Set, T> factors(hidden);
  const auto transposed = [](const T* weight, int64_t depth) __attribute__((always_inline)) {
    return [=](int64_t k, int64_t n) __attribute__((always_inline)) { return weight[n * depth + k]; };
  };
  pack<Set>(3 * hidden, 3 * hidden, transposed(weights.w_r, 3 * hidden), factors.r.data());
  pack<Set>(3 * hidden, hidden, transposed(weights.w_h, 3 * hidden), factors.h.data());
  pack<Set>(4 * hidden, 4 * hidden, transposed(weights.w_z, 4 * hidden), factors.z.data());
  std::copy(weights.b_r, weights.b_r + 3 * hidden, factors.b_r.data());
  std::copy(weights.b_h, weights.b_h + hidden, factors.b_h.data());
  std::copy(weights.b_z, weights.b_z + 4 * hidden, factors.b_z.data());
  return factors;
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Factors<Set, T> factors_of_backward(const Weights<T>& weights, int64_t hidden) {
  Factors<Set, T> factors(hidden);
  const auto as_it_is = [](const T* weight, int64_t columns) __attribute__((always_inline)) {
    return [=](int64_t k, int64_t n) __attribute__((always_inline)) { return weight[k * columns + n]; };
  };
  pack<Set>(3 * hidden, 3 * hidden, as_it_is(weights.w_r, 3 * hidden), factors.r.data());
  pack<Set>(hidden, 3 * hidden, as_it_is(weights.w_h, 3 * hidden), factors.h.data());
  pack<Set>(4 * hidden, 4 * hidden, as_it_is(weights.w_z, 4 * hidden), factors.z.data());
  return factors;
}

template <typename T>
struct Rows {
  T* first;
  int64_t step;
  T* operator[](int64_t row) const { return first + row * step; }
};

// to_i = start_i + left_i right, for so many rows; right as `pack` leaves it.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void multiply_rows(int64_t rows, int64_t depth, Rows<T> left, const T* right, int64_t columns,
                                          Rows<T> start, Rows<T> to) {
  by_columns<Set, T>(padded<Set, T>(columns), [&](int64_t first, auto vectors) __attribute__((always_inline)) {
    const T* panel = right + first * depth;
    constexpr int64_t kWidth = vectors * kLanes<Set, T>;
    for (int64_t row = 0; row < rows; row += Set::rows) {
      const int64_t count = std::min<int64_t>(Set::rows, rows - row);
      const T* lefts[Set::rows];
      Tile<Set, T> tile;
      for (int r = 0; r < Set::rows; ++r) {
        const int64_t at = row + std::min<int64_t>(r, count - 1);
        lefts[r] = left[at];
        for (int v = 0; v < vectors; ++v) load<Set>(start[at] + first + v * kLanes<Set, T>, tile[r][v]);
      }
      multiply<Set, vectors, T>(depth, [&](int r, int64_t k) __attribute__((always_inline)) { return lefts[r][k]; },
                                [&](int64_t k) __attribute__((always_inline)) { return panel + k * kWidth; }, tile);
      for (int r = 0; r < count; ++r) std::memcpy(to[row + r] + first, tile[r], vectors * sizeof(Vector<Set, T>));
    }
  });
}

// sums (outputs, columns) += sum over rows i of left_i' right_i; the rows of sums have room for whole vectors.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void sum_products(int64_t rows, int64_t outputs, Rows<T> left, Rows<T> right, int64_t columns,
                                         Rows<T> sums) {
  by_columns<Set, T>(padded<Set, T>(columns), [&](int64_t first, auto vectors) __attribute__((always_inline)) {
    for (int64_t output = 0; output < outputs; output += Set::rows) {
      const int64_t count = std::min<int64_t>(Set::rows, outputs - output);
      const T* lefts[Set::rows];
      Tile<Set, T> tile;
      for (int r = 0; r < Set::rows; ++r) {
        const int64_t at = output + std::min<int64_t>(r, count - 1);
        lefts[r] = left.first + at;
        for (int v = 0; v < vectors; ++v) load<Set>(sums[at] + first + v * kLanes<Set, T>, tile[r][v]);
      }
      multiply<Set, vectors, T>(
          rows, [&](int r, int64_t i) __attribute__((always_inline)) { return lefts[r][i * left.step]; },
          [&](int64_t i) __attribute__((always_inline)) { return right[i] + first; }, tile);
      for (int r = 0; r < count; ++r) std::memcpy(sums[output + r] + first, tile[r], vectors * sizeof(Vector<Set, T>));
    }
  });
}

// One copy of each product, called wherever it is wanted: within every caller they would take minutes to compile.
template <typename Set, typename T>
void product(int64_t rows, int64_t depth, Rows<T> left, const T* right, int64_t columns, Rows<T> start, Rows<T> to) {
  with_instructions(Set(), [=](auto set) __attribute__((always_inline)) {
    multiply_rows<decltype(set)>(rows, depth, left, right, columns, start, to);
  });
}
template <typename Set, typename T>
void add_products(int64_t rows, int64_t outputs, Rows<T> left, Rows<T> right, int64_t columns, Rows<T> sums) {
  with_instructions(Set(), [=](auto set) __attribute__((always_inline)) {
    sum_products<decltype(set)>(rows, outputs, left, right, columns, sums);
  });
}

// So many numbers to another place, in vectors, of which the last may overlap the one before: rows are short, and
// memmove would take longer to see how long each is than to copy it.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void copy(const T* __restrict from, T* __restrict to, int64_t count) {
  constexpr int64_t kLength = kLanes<Set, T>;
  if (count < kLength) {
    for (int64_t k = 0; k < count; ++k) to[k] = from[k];
    return;
  }
  for (int64_t k = 0; k < count; k += kLength) {
    const int64_t at = std::min(k, count - kLength);
    Vector<Set, T> numbers;
    load<Set>(from + at, numbers);
    std::memcpy(to + at, &numbers, sizeof numbers);
  }
}

// [h_l, h_r, u] of a node.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void gather(const Part& part, int64_t node, const T* h, const T* u, int64_t hidden, T* to) {
  copy<Set>(h + part.child(node, 0) * hidden, to, hidden);
  copy<Set>(h + part.child(node, 1) * hidden, to + hidden, hidden);
  copy<Set>(u + node * hidden, to + 2 * hidden, hidden);
}

template <typename T>
LIGHTNING_SUITE_INLINE T sigmoid(T t) {
  const T e = exponential(t < 0 ? t : -t), s = 1 / (1 + e);
  return t < 0 ? e * s : s;
}

// logits become z, four blocks `one` apart, and to = sum_j z_j inputs_j.
template <typename T>
LIGHTNING_SUITE_INLINE void mix(const T* __restrict logits, const T* __restrict inputs, int64_t hidden, int64_t one,
                                T* __restrict z, T* __restrict to) {
  for (int64_t k = 0; k < one; ++k) {
    const T l0 = logits[k], l1 = logits[hidden + k], l2 = logits[2 * hidden + k], l3 = logits[3 * hidden + k];
    const T low = l0 < l1 ? l1 : l0, high = l2 < l3 ? l3 : l2, most = low < high ? high : low;
    const T e0 = exponential(l0 - most), e1 = exponential(l1 - most), e2 = exponential(l2 - most);
    const T e3 = exponential(l3 - most), scale = 1 / (e0 + e1 + e2 + e3);
    z[k] = e0 * scale;
    z[one + k] = e1 * scale;
    z[2 * one + k] = e2 * scale;
    z[3 * one + k] = e3 * scale;
    to[k] = z[k] * inputs[k] + z[one + k] * inputs[hidden + k] + z[2 * one + k] * inputs[2 * hidden + k] +
            z[3 * one + k] * inputs[3 * hidden + k];
  }
}

template <typename Set, typename T>
struct Ascent {
  const Widths<Set, T> widths;
  Buffer<T> inputs, sums, reset, z, mixed;  // inputs: [g, a]; reset: r * a

  explicit Ascent(int64_t hidden)
      : widths(hidden),
        inputs(kBatch * widths.four),
        sums(kBatch * widths.four),
        reset(kBatch * widths.three),
        z(4 * widths.one),
        mixed(widths.one) {}
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void forward_part(const Forward<T>& arrays, Factors<Set, T>& factors, Ascent<Set, T>& space,
                                         int64_t index) {
  const Part part(arrays.forest, index);
  const int64_t hidden = arrays.forest.hidden;
  const Widths<Set, T> widths = space.widths;
  const T* u = arrays.u + part.first * hidden;
  T* h = arrays.h + part.first * hidden;
  const bool keeps = arrays.kept != nullptr;
  T* kept = keeps ? arrays.kept + part.first * 8 * hidden : nullptr;
  const Rows<T> inputs = {space.inputs.data(), widths.four}, a = {inputs.first + hidden, widths.four};
  const Rows<T> sums = {space.sums.data(), widths.four}, reset = {space.reset.data(), widths.three};
  T *z = space.z.data(), *mixed = space.mixed.data();
  const Rows<T> b_r = {factors.b_r.data(), 0}, b_h = {factors.b_h.data(), 0}, b_z = {factors.b_z.data(), 0};
  for (int64_t i = 0; i < part.nodes; ++i) {
    if (part.is_leaf(i)) copy<Set>(u + i * hidden, h + i * hidden, hidden);
  }
  for (size_t height = 1; height + 1 < part.heights.size(); ++height) {
    for (int64_t first = part.heights[height]; first < part.heights[height + 1]; first += kBatch) {
      const int64_t rows = std::min(kBatch, part.heights[height + 1] - first);
      const int64_t* nodes = part.inner.data() + first;
      const auto keep = [=](int64_t i, int64_t block, const T* numbers, int64_t count) __attribute__((always_inline)) {
        if (keeps) copy<Set>(numbers, kept + ((first + i) * 8 + block) * hidden, count * hidden);
      };
      for (int64_t i = 0; i < rows; ++i) gather<Set>(part, nodes[i], h, u, hidden, a[i]);
      product<Set>(rows, 3 * hidden, a, factors.r.data(), 3 * hidden, b_r, sums);
      for (int64_t i = 0; i < rows; ++i) {
        T *__restrict r = sums[i], *__restrict q = reset[i];
        const T* __restrict input = a[i];
        for (int64_t k = 0; k < widths.three; ++k) {
          r[k] = sigmoid(r[k]);
          q[k] = r[k] * input[k];
        }
        keep(i, 0, r, 3);
      }
      product<Set>(rows, 3 * hidden, reset, factors.h.data(), hidden, b_h, sums);
      for (int64_t i = 0; i < rows; ++i) {
        T* g = sums[i];
        for (int64_t k = 0; k < widths.one; ++k) g[k] = g[k] < 0 ? T(0) : g[k];
        copy<Set>(g, inputs[i], hidden);
        keep(i, 3, g, 1);
      }
      product<Set>(rows, 4 * hidden, inputs, factors.z.data(), 4 * hidden, b_z, sums);
      for (int64_t i = 0; i < rows; ++i) {
        mix(sums[i], inputs[i], hidden, widths.one, z, mixed);
        for (int64_t j = 0; j < 4; ++j) keep(i, 4 + j, z + j * widths.one, 1);
        copy<Set>(mixed, h + nodes[i] * hidden, hidden);
      }
    }
  }
}

// What a batch of nodes leaves for the gradients of the weights: the two factors of each, and their sums so far.
template <typename Set, typename T>
struct Descent {
  const int64_t hidden;
  const Widths<Set, T> widths;
  Buffer<T> inputs, reset;                // the forward pass's: [g, a] and r * a
  Buffer<T> pre_z, pre_r, pre_h;          // gradients of what is within softmax, sigmoid and relu
  Buffer<T> grads, grads_of_reset;        // of inputs and reset
  Buffer<T> r, z, node_grad, node_h, row, zeros;
  Buffer<T> sums_z, sums_r, sums_h, sums_of_pre;
  int64_t filled = 0;

  explicit Descent(int64_t hidden)
      : hidden(hidden),
        widths(hidden),
        inputs(kBatch * widths.four),
        reset(kBatch * widths.three),
        pre_z(kBatch * widths.four),
        pre_r(kBatch * widths.three),
        pre_h(kBatch * widths.one),
        grads(kBatch * widths.four),
        grads_of_reset(kBatch * widths.three),
        r(widths.three),
        z(4 * widths.one),
        node_grad(widths.one),
        node_h(widths.one),
        row(4 * widths.one),
        zeros(widths.three),
        sums_z(4 * hidden * padded<Set, T>(4 * hidden)),
        sums_r(3 * hidden * widths.three),
        sums_h(hidden * widths.three),
        sums_of_pre(widths.three + widths.one + widths.four) {}
};

template <typename T>
LIGHTNING_SUITE_INLINE void add_rows(int64_t rows, int64_t columns, Rows<T> from, T* __restrict sums) {
  for (int64_t i = 0; i < rows; ++i) {
    const T* __restrict row = from[i];
    for (int64_t k = 0; k < columns; ++k) sums[k] += row[k];
  }
}

// Adds a batch to the sums, and empties it.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void add_batch(Descent<Set, T>& space) {
  const int64_t hidden = space.hidden, rows = space.filled;
  const Widths<Set, T> widths = space.widths;
  const Rows<T> inputs = {space.inputs.data(), widths.four}, a = {inputs.first + hidden, widths.four};
  const Rows<T> pre_z = {space.pre_z.data(), widths.four}, pre_r = {space.pre_r.data(), widths.three};
  const Rows<T> pre_h = {space.pre_h.data(), widths.one}, reset = {space.reset.data(), widths.three};
  const Rows<T> sums_z = {space.sums_z.data(), padded<Set, T>(4 * hidden)};
  add_products<Set>(rows, 4 * hidden, pre_z, inputs, 4 * hidden, sums_z);
  add_products<Set>(rows, 3 * hidden, pre_r, a, 3 * hidden, Rows<T>{space.sums_r.data(), widths.three});
  add_products<Set>(rows, hidden, pre_h, reset, 3 * hidden, Rows<T>{space.sums_h.data(), widths.three});
  add_rows(rows, widths.three, pre_r, space.sums_of_pre.data());
  add_rows(rows, widths.one, pre_h, space.sums_of_pre.data() + widths.three);
  add_rows(rows, 4 * hidden, pre_z, space.sums_of_pre.data() + widths.three + widths.one);
  space.filled = 0;
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void backward_part(const Backward<T>& arrays, Factors<Set, T>& factors, int64_t index) {
  const Part part(arrays.forest, index);
  const int64_t hidden = arrays.forest.hidden;
  Descent<Set, T> space(hidden);
  const Widths<Set, T> widths = space.widths;
  const int64_t one = widths.one;
  const T *u = arrays.u + part.first * hidden, *h = arrays.h + part.first * hidden;
  const T* kept = arrays.kept + part.first * 8 * hidden;
  T* g = arrays.grad_u + part.first * hidden;  // what reaches h, until it becomes what reaches u
  std::copy(arrays.grad_h + part.first * hidden, arrays.grad_h + (part.first + part.nodes) * hidden, g);

  for (size_t height = part.heights.size() - 1; height-- > 1;) {
    int64_t rows = 0;
    for (int64_t first = part.heights[height]; first < part.heights[height + 1]; first += rows) {
      rows = std::min(kBatch - space.filled, part.heights[height + 1] - first);
      const int64_t* nodes = part.inner.data() + first;
      const T* keep = kept + first * 8 * hidden;
      const auto from = [&](Buffer<T>& buffer, int64_t width) __attribute__((always_inline)) {
        return Rows<T>{buffer.data() + space.filled * width, width};
      };
      const Rows<T> inputs = from(space.inputs, widths.four), reset = from(space.reset, widths.three);
      const Rows<T> pre_z = from(space.pre_z, widths.four), pre_r = from(space.pre_r, widths.three);
      const Rows<T> pre_h = from(space.pre_h, widths.one);
      const Rows<T> grads = from(space.grads, widths.four), of_reset = from(space.grads_of_reset, widths.three);
      const Rows<T> grads_of_a = {grads.first + hidden, widths.four};

      for (int64_t i = 0; i < rows; ++i) {
        gather<Set>(part, nodes[i], h, u, hidden, inputs[i] + hidden);
        copy<Set>(keep + (i * 8 + 3) * hidden, inputs[i], hidden);
        for (int64_t j = 0; j < 4; ++j) {
          copy<Set>(keep + (i * 8 + 4 + j) * hidden, space.z.data() + j * one, hidden);
        }
        copy<Set>(g + nodes[i] * hidden, space.node_grad.data(), hidden);
        copy<Set>(h + nodes[i] * hidden, space.node_h.data(), hidden);
        const T *__restrict input = inputs[i], *__restrict z = space.z.data();
        const T *__restrict node_grad = space.node_grad.data(), *__restrict node_h = space.node_h.data();
        T *__restrict row = space.row.data(), *__restrict direct = grads[i];
        for (int64_t j = 0; j < 4; ++j) {
          for (int64_t k = 0; k < one; ++k) {
            const T grad = z[j * one + k] * node_grad[k];
            direct[j * hidden + k] = grad;
            row[j * one + k] = grad * (input[j * hidden + k] - node_h[k]);
          }
        }
        for (int64_t j = 0; j < 4; ++j) {
          copy<Set>(row + j * one, pre_z[i] + j * hidden, hidden);
        }
      }
      product<Set>(rows, 4 * hidden, pre_z, factors.z.data(), 4 * hidden, grads, grads);
      for (int64_t i = 0; i < rows; ++i) {
        T* __restrict pre = pre_h[i];
        const T *__restrict grad = grads[i], *__restrict value = inputs[i];
        for (int64_t k = 0; k < one; ++k) pre[k] = value[k] <= 0 ? T(0) : grad[k];
      }
      product<Set>(rows, hidden, pre_h, factors.h.data(), 3 * hidden, Rows<T>{space.zeros.data(), 0}, of_reset);
      for (int64_t i = 0; i < rows; ++i) {
        copy<Set>(keep + i * 8 * hidden, space.r.data(), 3 * hidden);
        const T *__restrict r = space.r.data(), *__restrict a = inputs[i] + hidden, *__restrict grad = of_reset[i];
        T *__restrict q = reset[i], *__restrict pre = pre_r[i], *__restrict grad_of_a = grads_of_a[i];
        for (int64_t k = 0; k < widths.three; ++k) {
          q[k] = r[k] * a[k];
          pre[k] = grad[k] * q[k] * (1 - r[k]);
          grad_of_a[k] += grad[k] * r[k];
        }
      }
      product<Set>(rows, 3 * hidden, pre_r, factors.r.data(), 3 * hidden, grads_of_a, grads_of_a);
      for (int64_t i = 0; i < rows; ++i) {
        const T* __restrict grad = grads_of_a[i];
        for (int side = 0; side < 2; ++side) {
          T* __restrict child = g + part.child(nodes[i], side) * hidden;
          for (int64_t k = 0; k < hidden; ++k) child[k] += grad[side * hidden + k];
        }
        copy<Set>(grad + 2 * hidden, g + nodes[i] * hidden, hidden);
      }
      space.filled += rows;
      if (space.filled == kBatch) add_batch<Set>(space);
    }
  }
  add_batch<Set>(space);

  T* to = arrays.grad_weights + index * weight_numbers(hidden);
  const auto copy_rows = [&](int64_t count, int64_t columns, const T* numbers, int64_t width) {
    for (int64_t i = 0; i < count; ++i) to = std::copy(numbers + i * width, numbers + i * width + columns, to);
  };
  const T* pre = space.sums_of_pre.data();
  copy_rows(3 * hidden, 3 * hidden, space.sums_r.data(), widths.three);
  copy_rows(1, 3 * hidden, pre, 0);
  copy_rows(hidden, 3 * hidden, space.sums_h.data(), widths.three);
  copy_rows(1, hidden, pre + widths.three, 0);
  copy_rows(4 * hidden, 4 * hidden, space.sums_z.data(), padded<Set, T>(4 * hidden));
  copy_rows(1, 4 * hidden, pre + widths.three + one, 0);
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void forward_parts(const Forward<T>& arrays, int64_t begin, int64_t end) {
  Factors<Set, T> factors = factors_of_forward<Set>(arrays.weights, arrays.forest.hidden);
  Ascent<Set, T> space(arrays.forest.hidden);
  for (int64_t index = begin; index < end; ++index) forward_part<Set>(arrays, factors, space, index);
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void backward_parts(const Backward<T>& arrays, int64_t begin, int64_t end) {
  Factors<Set, T> factors = factors_of_backward<Set>(arrays.weights, arrays.forest.hidden);
  for (int64_t index = begin; index < end; ++index) backward_part<Set>(arrays, factors, index);
}

}  // namespace

template <typename T>
void forward_cpu(const Forward<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    forward_parts<decltype(set)>(arrays, begin, end);
  });
}
template <typename T>
void backward_cpu(const Backward<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    backward_parts<decltype(set)>(arrays, begin, end);
  });
}
template void forward_cpu(const Forward<float>&, int64_t, int64_t);
template void forward_cpu(const Forward<double>&, int64_t, int64_t);
template void backward_cpu(const Backward<float>&, int64_t, int64_t);
template void backward_cpu(const Backward<double>&, int64_t, int64_t);

}  // namespace lightning_suite::gated_tree_embedding
