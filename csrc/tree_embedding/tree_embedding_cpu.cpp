// tree_embedding on a CPU. The nodes of equal height of a part's trees do not depend on each other: they are the rows
// of one matrix product, whose left factor is gathered from the rows of their children and never written down.
//
// Right factors are kept with so many columns that vectors fit in (padded with zeros), so that no loop has a rest.

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "instruction_sets.h"
#include "tree_embedding.h"

namespace lightning_suite::tree_embedding {
namespace {

constexpr int kRows = 6;     // of a tile of the product, which lives in registers
constexpr int kVectors = 3;  // of its columns, at most

template <typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(64)));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

template <typename T>
constexpr int64_t kLanes = 64 / sizeof(T);

template <typename T>
constexpr int64_t padded(int64_t columns) {
  return (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

template <typename T>
LIGHTNING_SUITE_INLINE void load(const T* from, Vector<T>& vector) {
  std::memcpy(&vector, from, sizeof vector);
}

// tile += left (rows, depth) right (depth, vectors). left(row, k) is a number, right(k) where a row of vectors begins.
template <int vectors, typename T, typename Left, typename Right>
LIGHTNING_SUITE_INLINE void multiply(int64_t depth, Left left, Right right, Vector<T> (&tile)[kRows][kVectors]) {
  for (int64_t k = 0; k < depth; ++k) {
    const T* from = right(k);
    Vector<T> row[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) load(from + v * kLanes<T>, row[v]);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const T number = left(r, k);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) tile[r][v] += number * row[v];
    }
  }
}

// Calls some(first column, number of vectors as a constant) for all columns of a padded row.
template <typename T, typename Some>
LIGHTNING_SUITE_INLINE void by_columns(int64_t columns, Some some) {
  for (int64_t first = 0; first < columns; first += kVectors * kLanes<T>) {
    switch ((columns - first) / kLanes<T>) {
      case 1:
        some(first, std::integral_constant<int, 1>());
        break;
      case 2:
        some(first, std::integral_constant<int, 2>());
        break;
      default:
        some(first, std::integral_constant<int, kVectors>());
    }
  }
}

// The trees of one part: its nodes are counted from the part's first.
struct Part {
  int64_t first, nodes;
  const int64_t* children;       // node 2, of the whole forest
  std::vector<int64_t> inner;    // inner nodes by height
  std::vector<int64_t> heights;  // where each height begins in inner; the last is their number

  Part(const Forest& forest, int64_t index) {
    const int64_t after = std::min(forest.trees, (index + 1) * kTreesOfPart);
    first = forest.offsets[index * kTreesOfPart];
    nodes = forest.offsets[after] - first;
    children = forest.children + 2 * first;
    std::vector<int64_t> height(nodes);
    for (int64_t i = 0; i < nodes; ++i) {
      height[i] = is_leaf(i) ? 0 : 1 + std::max(height[child(i, 0)], height[child(i, 1)]);
      if (height[i] >= static_cast<int64_t>(heights.size())) heights.resize(height[i] + 1, 0);
      heights[height[i]] += height[i] > 0;
    }
    if (heights.empty()) heights.push_back(0);
    int64_t before = 0;  // counts become beginnings
    for (int64_t& each : heights) before += std::exchange(each, before);
    heights.push_back(before);
    inner.resize(before);
    std::vector<int64_t> next = heights;
    for (int64_t i = 0; i < nodes; ++i) {
      if (height[i] > 0) inner[next[height[i]]++] = i;
    }
  }

  bool is_leaf(int64_t node) const { return children[2 * node] < 0; }
  int64_t child(int64_t node, int side) const { return children[2 * node + side] - first; }

  // Calls some(nodes[kRows], count) for the nodes of a height; from count on the last node is repeated.
  template <typename Some>
  LIGHTNING_SUITE_INLINE void by_rows(size_t height, Some some) const {
    for (int64_t i = heights[height]; i < heights[height + 1]; i += kRows) {
      const int64_t count = std::min<int64_t>(kRows, heights[height + 1] - i);
      int64_t chosen[kRows];
      for (int r = 0; r < kRows; ++r) chosen[r] = inner[i + std::min<int64_t>(r, count - 1)];
      some(static_cast<const int64_t*>(chosen), count);
    }
  }
};

// A row of a tile goes to, or is added to, so many numbers at most: what is beyond them is padding.
template <int vectors, typename T>
LIGHTNING_SUITE_INLINE void store_some(const Vector<T> (&row)[kVectors], int64_t count, T* to) {
  T numbers[kVectors * kLanes<T>] = {};
  std::memcpy(numbers, row, vectors * sizeof(Vector<T>));
  std::memcpy(to, numbers, std::min<int64_t>(count, vectors * kLanes<T>) * sizeof(T));
}

template <int vectors, typename T>
LIGHTNING_SUITE_INLINE void add_some(const Vector<T> (&row)[kVectors], int64_t count, T* to) {
  T numbers[kVectors * kLanes<T>] = {};
  std::memcpy(numbers, row, vectors * sizeof(Vector<T>));
  count = std::min<int64_t>(count, vectors * kLanes<T>);
  for (int64_t k = 0; k < count; ++k) to[k] += numbers[k];
}

// weight (hidden, 3 hidden) as the right factor of the forward pass, (3 hidden, columns): transposed.
template <typename T>
std::vector<T> transposed(const T* weight, int64_t hidden) {
  const int64_t columns = padded<T>(hidden);
  std::vector<T> result(3 * hidden * columns);
  for (int64_t n = 0; n < hidden; ++n) {
    for (int64_t k = 0; k < 3 * hidden; ++k) result[k * columns + n] = weight[n * 3 * hidden + k];
  }
  return result;
}

// Rows (count, hidden), padded with zeros. weight (hidden, 3 hidden) so becomes the right factor of the backward pass.
template <typename T>
std::vector<T> widened(const T* rows, int64_t count, int64_t hidden) {
  const int64_t columns = padded<T>(hidden);
  std::vector<T> result(count * columns);
  for (int64_t i = 0; i < count; ++i) {
    std::copy(rows + i * hidden, rows + (i + 1) * hidden, result.data() + i * columns);
  }
  return result;
}

template <typename T>
LIGHTNING_SUITE_INLINE void forward_part(const Forward<T>& arrays, const T* weight, const T* bias, int64_t index) {
  const Part part(arrays.forest, index);
  const int64_t hidden = arrays.forest.hidden, columns = padded<T>(hidden);
  const T* u = arrays.u + part.first * hidden;
  T* h = arrays.h + part.first * hidden;
  for (int64_t i = 0; i < part.nodes; ++i) {
    if (part.is_leaf(i)) std::copy(u + i * hidden, u + (i + 1) * hidden, h + i * hidden);
  }
  for (size_t height = 1; height + 1 < part.heights.size(); ++height) {
    part.by_rows(height, [&](const int64_t* nodes, int64_t count) __attribute__((always_inline)) {
      const T *left[kRows], *right[kRows], *own[kRows];
      for (int r = 0; r < kRows; ++r) {
        left[r] = h + part.child(nodes[r], 0) * hidden;
        right[r] = h + part.child(nodes[r], 1) * hidden;
        own[r] = u + nodes[r] * hidden;
      }
      by_columns<T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Vector<T> tile[kRows][kVectors];
        for (int r = 0; r < kRows; ++r) {
          for (int v = 0; v < vectors; ++v) load(bias + first + v * kLanes<T>, tile[r][v]);
        }
        for (const auto& [rows, begin] : {std::pair{&left, weight}, std::pair{&right, weight + hidden * columns},
                                          std::pair{&own, weight + 2 * hidden * columns}}) {
          const auto& row = *rows;
          const T* from = begin + first;
          multiply<vectors, T>(hidden, [&](int r, int64_t k) __attribute__((always_inline)) { return row[r][k]; },
                            [&](int64_t k) __attribute__((always_inline)) { return from + k * columns; }, tile);
        }
        for (int r = 0; r < count; ++r) {
          for (int v = 0; v < vectors; ++v) tile[r][v] = tile[r][v] < 0 ? Vector<T>{} : tile[r][v];
          store_some<vectors, T>(tile[r], hidden - first, h + nodes[r] * hidden + first);
        }
      });
    });
  }
}

template <typename T>
LIGHTNING_SUITE_INLINE void backward_part(const Backward<T>& arrays, const T* weight, int64_t index) {
  const Part part(arrays.forest, index);
  const int64_t hidden = arrays.forest.hidden, columns = padded<T>(hidden);
  const T* h = arrays.h + part.first * hidden;
  T* g = arrays.grad_u + part.first * hidden;  // what reaches h, until it becomes what reaches u
  std::copy(arrays.grad_h + part.first * hidden, arrays.grad_h + (part.first + part.nodes) * hidden, g);

  const int64_t inner = part.heights.back();
  std::vector<T> pre(inner * hidden);  // what reaches the sum within relu, in the order of part.inner
  for (size_t height = part.heights.size() - 1; height-- > 1;) {
    T* row = pre.data() + part.heights[height] * hidden;
    part.by_rows(height, [&](const int64_t* nodes, int64_t count) __attribute__((always_inline)) {
      const T* rows[kRows];
      for (int r = 0; r < kRows; ++r) {
        rows[r] = row + std::min<int64_t>(r, count - 1) * hidden;
        if (r >= count) continue;
        const T *node_g = g + nodes[r] * hidden, *node_h = h + nodes[r] * hidden;
        for (int64_t k = 0; k < hidden; ++k) row[r * hidden + k] = node_h[k] <= 0 ? T(0) : node_g[k];
      }
      for (int side = 0; side < 3; ++side) {
        by_columns<T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
          Vector<T> tile[kRows][kVectors] = {};
          const T* from = weight + side * columns + first;
          multiply<vectors, T>(hidden, [&](int r, int64_t k) __attribute__((always_inline)) { return rows[r][k]; },
                            [&](int64_t k) __attribute__((always_inline)) { return from + k * 3 * columns; }, tile);
          for (int r = 0; r < count; ++r) {
            if (side < 2) {
              add_some<vectors, T>(tile[r], hidden - first, g + part.child(nodes[r], side) * hidden + first);
            } else {
              store_some<vectors, T>(tile[r], hidden - first, g + nodes[r] * hidden + first);
            }
          }
        });
      }
      row += count * hidden;
    });
  }

  const std::vector<T> all_h = widened(h, part.nodes, hidden);
  const std::vector<T> all_u = widened(arrays.u + part.first * hidden, part.nodes, hidden);
  T* grad_weight = arrays.grad_weight + index * hidden * 3 * hidden;
  T* grad_bias = arrays.grad_bias + index * hidden;
  std::fill(grad_bias, grad_bias + hidden, T(0));
  for (int64_t i = 0; i < inner; ++i) {
    for (int64_t n = 0; n < hidden; ++n) grad_bias[n] += pre[i * hidden + n];
  }
  for (int side = 0; side < 3; ++side) {
    std::vector<const T*> inputs(inner);
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t node = part.inner[i];
      inputs[i] = side < 2 ? all_h.data() + part.child(node, side) * columns : all_u.data() + node * columns;
    }
    for (int64_t n = 0; n < hidden; n += kRows) {
      const int64_t count = std::min<int64_t>(kRows, hidden - n);
      const T* outputs[kRows];
      for (int r = 0; r < kRows; ++r) outputs[r] = pre.data() + n + std::min<int64_t>(r, count - 1);
      by_columns<T>(columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Vector<T> tile[kRows][kVectors] = {};
        const auto left = [&](int r, int64_t i) __attribute__((always_inline)) { return outputs[r][i * hidden]; };
        const auto right = [&](int64_t i) __attribute__((always_inline)) { return inputs[i] + first; };
        multiply<vectors, T>(inner, left, right, tile);
        for (int r = 0; r < count; ++r) {
          store_some<vectors, T>(tile[r], hidden - first, grad_weight + (n + r) * 3 * hidden + side * hidden + first);
        }
      });
    }
  }
}

template <typename T>
LIGHTNING_SUITE_INLINE void forward_parts(const Forward<T>& arrays, int64_t begin, int64_t end) {
  const std::vector<T> weight = transposed(arrays.weight, arrays.forest.hidden);
  const std::vector<T> bias = widened(arrays.bias, 1, arrays.forest.hidden);
  for (int64_t index = begin; index < end; ++index) forward_part(arrays, weight.data(), bias.data(), index);
}

template <typename T>
LIGHTNING_SUITE_INLINE void backward_parts(const Backward<T>& arrays, int64_t begin, int64_t end) {
  const std::vector<T> weight = widened(arrays.weight, 3 * arrays.forest.hidden, arrays.forest.hidden);
  for (int64_t index = begin; index < end; ++index) backward_part(arrays, weight.data(), index);
}

}  // namespace

int64_t parts(const Forest& forest) { return (forest.trees + kTreesOfPart - 1) / kTreesOfPart; }

template <>
LIGHTNING_SUITE_CLONES void forward_cpu(const Forward<float>& arrays, int64_t begin, int64_t end) {
  forward_parts(arrays, begin, end);
}
template <>
LIGHTNING_SUITE_CLONES void forward_cpu(const Forward<double>& arrays, int64_t begin, int64_t end) {
  forward_parts(arrays, begin, end);
}
template <>
LIGHTNING_SUITE_CLONES void backward_cpu(const Backward<float>& arrays, int64_t begin, int64_t end) {
  backward_parts(arrays, begin, end);
}
template <>
LIGHTNING_SUITE_CLONES void backward_cpu(const Backward<double>& arrays, int64_t begin, int64_t end) {
  backward_parts(arrays, begin, end);
}

}  // namespace lightning_suite::tree_embedding
