// A part of a forest as kernels on a CPU go through it: its inner nodes by height, or in
// steps that fill a tile of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "forest.h"

namespace lightning_suite {

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
};

// Some trees in steps, each of so many inner nodes as a tile has rows, their children in earlier steps. A step takes,
// of the nodes whose children are done, those farthest from their roots: no order has fewer steps (Hu, 1961), and a few
// trees, whose rows stay in the cache, fill the tiles. Nodes are counted from the first of these trees.
class Steps {
 public:
  int64_t first = 0, nodes = 0;
  std::vector<int64_t> leaves;  // in the order of the nodes
  std::vector<int64_t> inner;   // in the order of the steps
  std::vector<int64_t> begins;  // where each step begins in inner; the last is their number

  explicit Steps(int rows) : rows_(rows) {}

  void take(const Forest& forest, int64_t begin_tree, int64_t end_tree) {
    first = forest.offsets[begin_tree];
    nodes = forest.offsets[end_tree] - first;
    children_ = forest.children + 2 * first;
    leaves.clear();
    inner.clear();
    begins.assign(1, 0);
    parents_.assign(nodes, -1);
    depths_.assign(nodes, 0);
    waiting_.assign(nodes, 0);
    next_.resize(nodes);
    ready_.assign(1, -1);
    for (int64_t node = nodes; node-- > 0;) {
      if (is_leaf(node)) continue;
      for (int side = 0; side < 2; ++side) {
        const int64_t below = child(node, side);
        parents_[below] = node;
        depths_[below] = depths_[node] + 1;
        waiting_[node] += !is_leaf(below);
      }
      if (depths_[node] >= static_cast<int64_t>(ready_.size())) ready_.resize(depths_[node] + 1, -1);
      if (waiting_[node] == 0) push(node);
    }
    for (int64_t node = 0; node < nodes; ++node) {
      if (is_leaf(node)) leaves.push_back(node);
    }
    const size_t count = static_cast<size_t>(nodes) - leaves.size();
    for (int64_t deepest = static_cast<int64_t>(ready_.size()) - 1; inner.size() < count;) {
      const size_t begin = inner.size();
      while (deepest > 0 && ready_[deepest] < 0) --deepest;  // what becomes ready is never deeper
      for (int64_t depth = deepest; depth >= 0 && inner.size() < begin + rows_;) {
        if (ready_[depth] < 0) {
          --depth;
        } else {
          inner.push_back(ready_[depth]);
          ready_[depth] = next_[ready_[depth]];
        }
      }
      for (size_t i = begin; i < inner.size(); ++i) {
        const int64_t parent = parents_[inner[i]];
        if (parent >= 0 && --waiting_[parent] == 0) push(parent);
      }
      begins.push_back(static_cast<int64_t>(inner.size()));
    }
  }

  bool is_leaf(int64_t node) const { return children_[2 * node] < 0; }
  int64_t child(int64_t node, int side) const { return children_[2 * node + side] - first; }

 private:
  const size_t rows_;
  const int64_t* children_ = nullptr;
  std::vector<int64_t> parents_, depths_, waiting_;  // of a node: children that are not done
  std::vector<int64_t> ready_, next_;                // by depth, the first of a list

  void push(int64_t node) {
    next_[node] = ready_[depths_[node]];
    ready_[depths_[node]] = node;
  }
};

}  // namespace lightning_suite
