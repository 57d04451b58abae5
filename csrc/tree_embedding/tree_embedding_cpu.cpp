// tree_embedding on a CPU. A few trees are worked on at a time, so that what is read again and again stays in a core's
// own cache. Their inner nodes are the rows of matrix products, a tile at a time, whose left factors are gathered from
// the rows of the children and never written down; u is computed where it is needed, and never leaves the cache.

#include <algorithm>
#include <utility>
#include <vector>

#include "forest_parts.h"
#include "instruction_sets.h"
#include "tile_product.h"
#include "tree_embedding.h"

namespace lightning_suite::tree_embedding {
namespace {

constexpr int64_t kTreesAtOnce = 4;  // of about a hundred nodes: with 100 hidden, half a megabyte
static_assert(kTreesOfPart % kTreesAtOnce == 0);

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void apply_relu(Vector<Set, T>& vector) {
  vector = vector < 0 ? Vector<Set, T>{} : vector;  // NaN stays NaN
}

// What reaches a sum within relu: of what reaches the result, nothing where relu gave 0.
template <typename T>
LIGHTNING_SUITE_INLINE void hold_back(const T* __restrict result, int64_t count, T* __restrict gradient) {
  for (int64_t k = 0; k < count; ++k) gradient[k] = result[k] <= 0 ? T(0) : gradient[k];
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void copy_rows(const T* from, int64_t count, int64_t columns, T* to) {
  const int64_t width = padded<Set, T>(columns);
  for (int64_t i = 0; i < count; ++i) std::copy(from + i * columns, from + (i + 1) * columns, to + i * width);
}

// Rows (count, columns), each padded with zeros to whole vectors.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Buffer<T> rows_of(const T* from, int64_t count, int64_t columns) {
  Buffer<T> result(count * padded<Set, T>(columns));
  copy_rows<Set>(from, count, columns, result.data());
  return result;
}

// Their transpose: (columns, count), padded.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Buffer<T> columns_of(const T* from, int64_t count, int64_t columns) {
  Buffer<T> result(columns * padded<Set, T>(count));
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < columns; ++k) result.data()[k * padded<Set, T>(count) + i] = from[i * columns + k];
  }
  return result;
}

// Calls some(nodes[Set::rows], count, place of the first) for `all` in their order; from count on the last is repeated.
template <typename Set, typename Some>
LIGHTNING_SUITE_INLINE void by_rows(const std::vector<int64_t>& all, int64_t begin, int64_t end, Some some) {
  for (int64_t i = begin; i < end; i += Set::rows) {
    int64_t nodes[Set::rows];
    for (int r = 0; r < Set::rows; ++r) nodes[r] = all[std::min(i + r, end - 1)];
    some(static_cast<const int64_t(&)[Set::rows]>(nodes), std::min<int64_t>(Set::rows, end - i), i);
  }
}

// tile_r += rows[nodes_r] right, right's rows `step` apart.
template <typename Set, int vectors, typename T>
LIGHTNING_SUITE_INLINE void add_product(const T* const (&rows)[Set::rows], int64_t depth, const T* right, int64_t step,
                                        Tile<Set, T>& tile) {
  multiply<Set, vectors, T>(depth, [&](int r, int64_t k) __attribute__((always_inline)) { return rows[r][k]; },
                            [&](int64_t k) __attribute__((always_inline)) { return right + k * step; }, tile);
}

// u = relu(W_u x + b_u).
template <typename Set, typename T>
struct Own {
  int64_t features, columns;
  Buffer<T> weight, bias;

  Own(const T* w_u, const T* b_u, int64_t hidden, int64_t features)
      : features(features),
        columns(padded<Set, T>(hidden)),
        weight(columns_of<Set>(w_u, hidden, features)),
        bias(rows_of<Set>(b_u, 1, hidden)) {}

  // Calls some(row, column, vector) for u of the first count of Set::rows nodes.
  template <typename Some>
  LIGHTNING_SUITE_INLINE void embed(const T* x, const int64_t (&nodes)[Set::rows], int64_t count, Some some) const {
    const T* rows[Set::rows];
    for (int r = 0; r < Set::rows; ++r) rows[r] = x + nodes[r] * features;
    by_columns<Set, T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
      Tile<Set, T> tile;
      for (int r = 0; r < Set::rows; ++r) {
        for (int v = 0; v < vectors; ++v) load<Set>(bias.data() + first + v * kLanes<Set, T>, tile[r][v]);
      }
      add_product<Set, vectors>(rows, features, weight.data() + first, columns, tile);
      for (int r = 0; r < count; ++r) {
        for (int v = 0; v < vectors; ++v) {
          apply_relu<Set, T>(tile[r][v]);
          some(r, first + v * kLanes<Set, T>, tile[r][v]);
        }
      }
    });
  }
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void forward_parts(const Forward<T>& arrays, int64_t begin, int64_t end) {
  const Forest& forest = arrays.forest;
  const int64_t hidden = forest.hidden, columns = padded<Set, T>(hidden);
  const Own<Set, T> own(arrays.w_u, arrays.b_u, hidden, arrays.features);
  const Buffer<T> weight = columns_of<Set>(arrays.w_h, hidden, 3 * hidden), bias = rows_of<Set>(arrays.b_h, 1, hidden);
  Buffer<T> u_of_step(Set::rows * columns);
  T* u = u_of_step.data();
  Steps steps(Set::rows);
  const int64_t last_tree = std::min(end * kTreesOfPart, forest.trees);
  for (int64_t tree = begin * kTreesOfPart; tree < last_tree; tree += kTreesAtOnce) {
    steps.take(forest, tree, std::min(tree + kTreesAtOnce, last_tree));
    const T* x = arrays.x + steps.first * arrays.features;
    T* h = arrays.h + steps.first * hidden;
    by_rows<Set>(steps.leaves, 0, static_cast<int64_t>(steps.leaves.size()),
                 [&](const int64_t(&nodes)[Set::rows], int64_t count, int64_t) __attribute__((always_inline)) {
      own.embed(x, nodes, count, [&](int r, int64_t at, const Vector<Set, T>& value) __attribute__((always_inline)) {
        store_first<Set, T>(value, hidden - at, h + nodes[r] * hidden + at);
      });
    });
    for (size_t step = 0; step + 1 < steps.begins.size(); ++step) {
      by_rows<Set>(steps.inner, steps.begins[step], steps.begins[step + 1],
                   [&](const int64_t(&nodes)[Set::rows], int64_t count, int64_t) __attribute__((always_inline)) {
        own.embed(x, nodes, Set::rows,
                  [&](int r, int64_t at, const Vector<Set, T>& value) __attribute__((always_inline)) {
          store<Set>(value, u + r * columns + at);
        });
        const T* inputs[3][Set::rows];
        for (int r = 0; r < Set::rows; ++r) {
          inputs[0][r] = h + steps.child(nodes[r], 0) * hidden;
          inputs[1][r] = h + steps.child(nodes[r], 1) * hidden;
          inputs[2][r] = u + r * columns;
        }
        by_columns<Set, T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
          Tile<Set, T> tile;
          for (int r = 0; r < Set::rows; ++r) {
            for (int v = 0; v < vectors; ++v) load<Set>(bias.data() + first + v * kLanes<Set, T>, tile[r][v]);
          }
#pragma GCC unroll 1
          for (int side = 0; side < 3; ++side) {
            const T* rows[Set::rows];
            for (int r = 0; r < Set::rows; ++r) rows[r] = inputs[side][r];
            add_product<Set, vectors>(rows, hidden, weight.data() + side * hidden * columns + first, columns, tile);
          }
          for (int r = 0; r < count; ++r) {
            for (int v = 0; v < vectors; ++v) {
              const int64_t at = first + v * kLanes<Set, T>;
              apply_relu<Set, T>(tile[r][v]);
              store_first<Set, T>(tile[r][v], hidden - at, h + nodes[r] * hidden + at);
            }
          }
        });
      });
    }
  }
}

// sums (rows, columns) += sum over i of left_i' right_i, of left_i the first so many numbers.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void add_outer_products(const std::vector<const T*>& left, const std::vector<const T*>& right,
                                               int64_t rows, int64_t columns, T* sums) {
  by_columns<Set, T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
    for (int64_t n = 0; n < rows; n += Set::rows) {
      const int64_t count = std::min<int64_t>(Set::rows, rows - n);
      const T *const *lefts = left.data(), *const *rights = right.data();
      int64_t at[Set::rows];
      for (int r = 0; r < Set::rows; ++r) at[r] = n + std::min<int64_t>(r, count - 1);
      Tile<Set, T> tile = {};
      multiply<Set, vectors, T>(static_cast<int64_t>(left.size()),
                                [&](int r, int64_t i) __attribute__((always_inline)) { return lefts[i][at[r]]; },
                                [&](int64_t i) __attribute__((always_inline)) { return rights[i] + first; }, tile);
      for (int r = 0; r < count; ++r) {
        for (int v = 0; v < vectors; ++v) {
          T* to = sums + (n + r) * columns + first + v * kLanes<Set, T>;
          Vector<Set, T> sum;
          load<Set>(to, sum);
          sum += tile[r][v];
          store<Set>(sum, to);
        }
      }
    }
  });
}

// sum += each row.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void add_rows(const std::vector<const T*>& rows, int64_t columns, T* sum) {
  for (int64_t at = 0; at < columns; at += kLanes<Set, T>) {
    Vector<Set, T> total, one;
    load<Set>(sum + at, total);
    for (const T* row : rows) {
      load<Set>(row + at, one);
      total += one;
    }
    store<Set>(total, sum + at);
  }
}

// The backward pass of one part after another, on one thread.
template <typename Set, typename T>
struct Descent {
  const Backward<T>& arrays;
  const int64_t hidden, columns, features;
  const Own<Set, T> own;
  const Buffer<T> w_h, w_u;                      // hidden 3 columns; hidden, features padded
  Buffer<T> sum_w_h, sum_b_h, sum_w_u, sum_b_u;  // transposed: (left, right, u) hidden columns; features columns
  Buffer<T> within_h, u, within_u;               // of the nodes, and of the inner ones in the order of the steps
  std::vector<const T*> inputs, of_h, of_u;
  Steps steps{Set::rows};

  LIGHTNING_SUITE_INLINE explicit Descent(const Backward<T>& arrays)
      : arrays(arrays),
        hidden(arrays.forest.hidden),
        columns(padded<Set, T>(hidden)),
        features(arrays.features),
        own(arrays.w_u, arrays.b_u, hidden, features),
        w_h(rows_of<Set>(arrays.w_h, 3 * hidden, hidden)),
        w_u(rows_of<Set>(arrays.w_u, hidden, features)),
        sum_w_h(3 * hidden * columns),
        sum_b_h(columns),
        sum_w_u(features * columns),
        sum_b_u(columns) {}

  LIGHTNING_SUITE_INLINE void part(int64_t index) {
    for (auto [sums, rows] : {std::pair{&sum_w_h, 3 * hidden}, std::pair{&sum_b_h, int64_t{1}},
                              std::pair{&sum_w_u, features}, std::pair{&sum_b_u, int64_t{1}}}) {
      std::fill(sums->data(), sums->data() + rows * columns, T(0));
    }
    const int64_t last_tree = std::min((index + 1) * kTreesOfPart, arrays.forest.trees);
    for (int64_t tree = index * kTreesOfPart; tree < last_tree; tree += kTreesAtOnce) {
      steps.take(arrays.forest, tree, std::min(tree + kTreesAtOnce, last_tree));
      descend();
      add_up();
      if (arrays.grad_x != nullptr) reach_x();
    }
    for (int64_t n = 0; n < hidden; ++n) {
      const int64_t row = index * hidden + n;
      for (int64_t k = 0; k < 3 * hidden; ++k) arrays.grad_w_h[row * 3 * hidden + k] = sum_w_h.data()[k * columns + n];
      for (int64_t k = 0; k < features; ++k) arrays.grad_w_u[row * features + k] = sum_w_u.data()[k * columns + n];
      arrays.grad_b_h[row] = sum_b_h.data()[n];
      arrays.grad_b_u[row] = sum_b_u.data()[n];
    }
  }

  // From the roots to the leaves. `within_h` of a node is what reaches h, then what reaches the sum within its relu.
  LIGHTNING_SUITE_INLINE void descend() {
    const T* x = arrays.x + steps.first * features;
    const T* h = arrays.h + steps.first * hidden;
    const int64_t inner = static_cast<int64_t>(steps.inner.size());
    within_h.make_room(steps.nodes * columns);
    within_u.make_room(inner * columns);
    u.make_room(inner * columns);
    copy_rows<Set>(arrays.grad_h + steps.first * hidden, steps.nodes, hidden, within_h.data());
    for (size_t step = steps.begins.size() - 1; step-- > 0;) {
      by_rows<Set>(steps.inner, steps.begins[step], steps.begins[step + 1],
                   [&](const int64_t(&nodes)[Set::rows], int64_t count, int64_t place) __attribute__((always_inline)) {
        const T* rows[Set::rows];
        for (int r = 0; r < Set::rows; ++r) {
          T* row = within_h.data() + nodes[r] * columns;
          if (r < count) hold_back(h + nodes[r] * hidden, hidden, row);
          rows[r] = row;
        }
        own.embed(x, nodes, count, [&](int r, int64_t at, const Vector<Set, T>& value) __attribute__((always_inline)) {
          store<Set>(value, u.data() + (place + r) * columns + at);
        });
        for (int side = 0; side < 3; ++side) {
          by_columns<Set, T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
            Tile<Set, T> tile = {};
            add_product<Set, vectors>(rows, hidden, w_h.data() + side * columns + first, 3 * columns, tile);
            for (int r = 0; r < count; ++r) {
              for (int v = 0; v < vectors; ++v) {
                const int64_t at = first + v * kLanes<Set, T>;
                Vector<Set, T> other;
                if (side < 2) {
                  T* to = within_h.data() + steps.child(nodes[r], side) * columns + at;
                  load<Set>(to, other);
                  other += tile[r][v];
                  store<Set>(other, to);
                } else {
                  load<Set>(u.data() + (place + r) * columns + at, other);
                  other = other <= 0 ? Vector<Set, T>{} : tile[r][v];
                  store<Set>(other, within_u.data() + (place + r) * columns + at);
                }
              }
            }
          });
        }
      });
    }
    for (int64_t leaf : steps.leaves) hold_back(h + leaf * hidden, hidden, within_h.data() + leaf * columns);
  }

  // The gradients of weights and biases, of these trees.
  LIGHTNING_SUITE_INLINE void add_up() {
    const T* x = arrays.x + steps.first * features;
    const T* h = arrays.h + steps.first * hidden;
    const size_t inner = steps.inner.size();
    of_h.resize(inner);
    of_u.resize(steps.nodes);
    inputs.resize(steps.nodes);
    for (int64_t leaf : steps.leaves) of_u[leaf] = within_h.data() + leaf * columns;
    for (size_t i = 0; i < inner; ++i) {
      of_h[i] = within_h.data() + steps.inner[i] * columns;
      of_u[steps.inner[i]] = within_u.data() + i * columns;
    }
    add_rows<Set>(of_h, columns, sum_b_h.data());
    add_rows<Set>(of_u, columns, sum_b_u.data());
    for (int64_t node = 0; node < steps.nodes; ++node) inputs[node] = x + node * features;
    add_outer_products<Set>(inputs, of_u, features, columns, sum_w_u.data());
    inputs.resize(inner);
    for (int side = 0; side < 3; ++side) {
      for (size_t i = 0; i < inner; ++i) {
        inputs[i] = side < 2 ? h + steps.child(steps.inner[i], side) * hidden : u.data() + i * columns;
      }
      add_outer_products<Set>(inputs, of_h, hidden, columns, sum_w_h.data() + side * hidden * columns);
    }
  }

  // The gradient of x, of these trees, from what add_up has found to reach the sums within u.
  LIGHTNING_SUITE_INLINE void reach_x() {
    const int64_t width = padded<Set, T>(features);
    T* grad_x = arrays.grad_x + steps.first * features;
    for (int64_t node = 0; node < steps.nodes; node += Set::rows) {
      const int64_t count = std::min<int64_t>(Set::rows, steps.nodes - node);
      const T* rows[Set::rows];
      for (int r = 0; r < Set::rows; ++r) rows[r] = of_u[node + std::min<int64_t>(r, count - 1)];
      by_columns<Set, T>(width, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Tile<Set, T> tile = {};
        add_product<Set, vectors>(rows, hidden, w_u.data() + first, width, tile);
        for (int r = 0; r < count; ++r) {
          for (int v = 0; v < vectors; ++v) {
            const int64_t at = first + v * kLanes<Set, T>;
            store_first<Set, T>(tile[r][v], features - at, grad_x + (node + r) * features + at);
          }
        }
      });
    }
  }
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void backward_parts(const Backward<T>& arrays, int64_t begin, int64_t end) {
  Descent<Set, T> descent(arrays);
  for (int64_t index = begin; index < end; ++index) descent.part(index);
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

}  // namespace lightning_suite::tree_embedding
