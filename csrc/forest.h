// A batch of binary trees as kernels see it. A tree's nodes lie together, its children before their parents; a node is
// the child of one other at most.
#pragma once

#include <cstdint>

namespace lightning_suite {

struct Forest {
  int64_t nodes, trees, hidden;  // hidden, the numbers of a node's embedding, at least 1
  const int64_t* children;       // node 2: left and right, rows of the whole batch; -1 and -1 for a leaf
  const int64_t* offsets;        // tree + 1
};

constexpr int64_t kTreesOfPart = 32;

// A forest is worked on in parts of so many trees, whatever the number of threads: the same sums in the same order.
inline int64_t parts(const Forest& forest) { return (forest.trees + kTreesOfPart - 1) / kTreesOfPart; }

}  // namespace lightning_suite
