// What the bindings of ops over forests share: the checks of a forest, the choice of a kernel by dtype.
#pragma once

#include <cstdint>
#include <vector>

#include "binding.h"
#include "forest.h"

namespace lightning_suite {

// float32 and float64 alone.
template <typename Kernel>
void with_float(const char* op, ScalarType dtype, Kernel kernel) {
  if (dtype == ScalarType::Float) return kernel(float{});
  if (dtype == ScalarType::Double) return kernel(double{});
  check(false, op, ": expected float32 or float64, got ", torch::headeronly::toString(dtype));
}

// Every node of a tree is a leaf, or has two children that are earlier nodes of the same tree and of nobody else.
inline void check_children(const char* op, const Forest& forest) {
  std::vector<bool> taken(forest.nodes);
  for (int64_t tree = 0; tree < forest.trees; ++tree) {
    for (int64_t node = forest.offsets[tree]; node < forest.offsets[tree + 1]; ++node) {
      const int64_t left = forest.children[2 * node], right = forest.children[2 * node + 1];
      if (left == -1 && right == -1) continue;
      for (const int64_t child : {left, right}) {
        check(child >= forest.offsets[tree] && child < node, op, ": node ", node, ", whose tree begins at ",
              forest.offsets[tree], ", must have earlier nodes of its tree as children, or -1 and -1, got ", left,
              " and ", right);
        check(!taken[child], op, ": node ", child, " must be the child of one node, and is so of ", node, " again");
        taken[child] = true;
      }
    }
  }
}

// The forest of a batch whose first argument has a row for each node.
// first has a row for each node, and tells dtype and device.
inline Forest checked_forest(const char* op, const Tensor& first, int64_t hidden, const Tensor& children,
                             const Tensor& offsets) {
  check(offsets.dim() == 1 && offsets.size(0) > 0, op, ": offsets must be of shape (tree + 1,)");
  check_like(op, "children", children, {first.size(0), 2}, ScalarType::Long, first);
  check_like(op, "offsets", offsets, {offsets.size(0)}, ScalarType::Long, first);
  const Forest forest = {first.size(0), offsets.size(0) - 1, hidden, numbers_of<int64_t>(children),
                         numbers_of<int64_t>(offsets)};
  check(forest.trees > 0 || forest.nodes == 0, op, ": there are ", forest.nodes, " nodes, but offsets of no tree");
  if (first.is_cpu()) {
    check_offsets(op, forest.offsets, forest.trees, forest.nodes);
    check_children(op, forest);
  }
  return forest;
}

inline Forest checked_forest(const char* op, const Tensor& u, const Tensor& children, const Tensor& offsets) {
  check(u.dim() == 2 && u.size(1) > 0, op, ": u must be of shape (node, hidden) with at least one hidden");
  return checked_forest(op, u, u.size(1), children, offsets);
}

}  // namespace lightning_suite
