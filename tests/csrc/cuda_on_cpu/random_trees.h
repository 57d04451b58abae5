// Forests for the kernels of ops over trees.
#pragma once

#include <algorithm>
#include <tuple>
#include <utility>

#include "checks.h"
#include "forest.h"

namespace lightning_suite {

using Tree = std::vector<std::pair<int64_t, int64_t>>;  // the children of each node, counted from the tree's first

// Leaves, and nodes that each take two of those without a parent: the latest and the next leaf for a chain.
inline Tree tree_of(int64_t leaves, bool chain) {
  Tree tree;
  std::vector<int64_t> free;
  for (int64_t leaf = 0; leaf < leaves; ++leaf) {
    free.push_back(static_cast<int64_t>(tree.size()));
    tree.emplace_back(-1, -1);
    while (free.size() > 1 && (chain || leaf + 1 == leaves || random_bits() % 3 == 0)) {
      if (!chain) std::swap(free[random_bits() % free.size()], free.back());
      const int64_t left = free.back();
      free.pop_back();
      if (!chain) std::swap(free[random_bits() % free.size()], free.back());
      const int64_t right = free.back();
      free.back() = static_cast<int64_t>(tree.size());
      tree.emplace_back(left, right);
    }
  }
  return tree;
}

// No nodes, one leaf, two leaves, a chain of depth 30, and random ones, over and over.
inline std::vector<Tree> trees_of(int64_t count, int64_t most_leaves) {
  std::vector<Tree> trees;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t kind = (i + count) % 8, random = 1 + static_cast<int64_t>(random_bits() % most_leaves);
    trees.push_back(tree_of(kind < 3 ? kind : kind == 3 ? std::min<int64_t>(most_leaves, 31) : random, kind == 3));
  }
  return trees;
}

// Trees end to end, as an op has them.
struct PackedTrees {
  int64_t nodes = 0, trees, hidden;
  std::vector<int64_t> children, offsets = {0};

  PackedTrees(const std::vector<Tree>& all, int64_t hidden) : trees(static_cast<int64_t>(all.size())), hidden(hidden) {
    for (const Tree& tree : all) {
      for (const auto& [left, right] : tree) {
        children.insert(children.end(), {left < 0 ? -1 : nodes + left, right < 0 ? -1 : nodes + right});
      }
      nodes += static_cast<int64_t>(tree.size());
      offsets.push_back(nodes);
    }
  }

  Forest forest() const { return {nodes, trees, hidden, children.data(), offsets.data()}; }
};

// The batch with other offsets, and with other children of its node 5, one after the other.
template <typename Batch>
std::vector<Batch> with_offsets(const Batch& batch, const std::vector<std::vector<int64_t>>& all) {
  std::vector<Batch> batches(all.size(), batch);
  for (size_t i = 0; i < all.size(); ++i) batches[i].offsets = all[i];
  return batches;
}
template <typename Batch>
std::vector<Batch> with_children_of_node_5(const Batch& batch, const Tree& all) {
  std::vector<Batch> batches(all.size(), batch);
  for (size_t i = 0; i < all.size(); ++i) std::tie(batches[i].children[10], batches[i].children[11]) = all[i];
  return batches;
}

}  // namespace lightning_suite
