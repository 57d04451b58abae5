// How a block of a kernel climbs trees. It has some consecutive trees, and goes through their nodes in windows of
// kThreads, whatever trees they belong to: upwards for what comes from the children, downwards for what comes from the
// parent. Within a window the inner nodes are sorted by how many nodes of the window are above them; those of one depth
// are done together, and the block waits between depths. A child below the window is ready (upwards), or has its turn
// in a later window (downwards): nothing bounds the nodes of a tree.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>

#include "forest.h"

namespace lightning_suite {

constexpr int kThreads = 256;  // of a climbing block, and nodes of a window
constexpr int kRows = 4;       // nodes that a thread multiplies with a weight at a time

// Nodes are counted from the beginning of the window.
struct alignas(16) Levels {
  int parents[kThreads];     // -1 where there is none in the window
  int keys[kThreads];        // depth * kThreads + node; -1 for what is no inner node
  int nodes[kThreads];       // the inner ones, the deepest first
  int starts[kThreads + 1];  // of each depth in `nodes`, the deepest first
};

// sums_k += sum_j weight_j row_kj
template <typename Number, int kCount>
__device__ void multiply(const Number* weight, int step, const Number* const (&rows)[kCount], int length,
                         Number (&sums)[kCount]) {
#pragma unroll 4
  for (int j = 0; j < length; ++j) {
    const Number w = weight[static_cast<int64_t>(j) * step];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] += w * rows[k][j];
  }
}

struct Climb {
  const Forest& forest;
  const int hidden;
  Levels& levels;
  int64_t first_tree, last_tree, begin, end;  // the block's trees and nodes

  // Of so many trees for each block. Checks the block's offsets.
  __device__ Climb(const Forest& forest, int64_t trees, Levels& levels)
      : forest(forest),
        hidden(static_cast<int>(forest.hidden)),
        levels(levels),
        first_tree(blockIdx.x * trees),
        last_tree(first_tree + trees < forest.trees ? first_tree + trees : forest.trees) {
#pragma unroll 1
    for (int64_t tree = first_tree + threadIdx.x; tree < last_tree; tree += kThreads) {
      const int64_t here = forest.offsets[tree], next = forest.offsets[tree + 1];
      const bool starts = tree > 0 || here == 0, ends = tree + 1 < forest.trees || next == forest.nodes;
      if (here >= 0 && here <= next && next <= forest.nodes && starts && ends) continue;
      printf("forest: offsets must rise from 0 to the number of nodes, %lld, got %lld and %lld around tree %lld of "
             "%lld\n", static_cast<long long>(forest.nodes), static_cast<long long>(here),
             static_cast<long long>(next), static_cast<long long>(tree), static_cast<long long>(forest.trees));
      __trap();
    }
    __syncthreads();
    begin = forest.offsets[first_tree];
    end = forest.offsets[last_tree];
  }

  // The children of a node of this block, checked.
  __device__ void children_of(int64_t node, int64_t (&children)[2]) const {
    children[0] = forest.children[2 * node];
    children[1] = forest.children[2 * node + 1];
    if (children[0] == -1 && children[1] == -1) return;
    int64_t tree = first_tree, after = last_tree;
    while (after - tree > 1) {
      const int64_t middle = (tree + after) / 2;
      (forest.offsets[middle] <= node ? tree : after) = middle;
    }
    const int64_t start = forest.offsets[tree], left = children[0], right = children[1];
    if (left < start || left >= node || right < start || right >= node || left == right) refuse(node, children);
  }

  __device__ void refuse(int64_t node, const int64_t (&children)[2]) const {
    printf("forest: children must be -1 and -1, or two earlier nodes of the same tree that have no other "
           "parent, got %lld and %lld for node %lld\n", static_cast<long long>(children[0]),
           static_cast<long long>(children[1]), static_cast<long long>(node));
    __trap();
  }

  // Fills `levels` for the window that begins with node `first`; how many depths it has.
  __device__ int sort(int64_t first) const {
    const int own = static_cast<int>(threadIdx.x);
    const int64_t node = first + own;
    int64_t children[2] = {-1, -1};
    if (node < end) children_of(node, children);
    levels.parents[own] = -1;
    __syncthreads();
    for (int64_t child : children) {
      if (child >= first) levels.parents[child - first] = own;
    }
    __syncthreads();
    for (int64_t child : children) {
      if (child >= first && levels.parents[child - first] != own) refuse(node, children);
    }
    int depth = 0;
    for (int above = levels.parents[own]; above >= 0; above = levels.parents[above]) ++depth;
    levels.keys[own] = children[0] < 0 ? -1 : depth * kThreads + own;
    __syncthreads();
    const int key = levels.keys[own];
    int most = -1, inner = 0, before = 0, deeper = 0;
#pragma unroll 8
    for (int i = 0; i < kThreads; ++i) {
      const int other = levels.keys[i];
      most = other > most ? other : most;
      inner += other >= 0;
      before += other > key;
      deeper += other >= (depth + 1) * kThreads;
    }
    const int depths = most < 0 ? 0 : most / kThreads + 1;
    if (key >= 0) levels.nodes[before] = own;
    if (key >= 0 && before == deeper) levels.starts[depths - 1 - depth] = deeper;
    if (own == 0) levels.starts[depths] = inner;
    __syncthreads();
    return depths;
  }

  // body(column, nodes) for this thread's share of one depth's inner nodes; a node may come twice to the same thread.
  template <int kCount, typename Body>
  __device__ void share(int64_t first, int level, int columns, Body body) const {
    const int start = levels.starts[level], count = levels.starts[level + 1] - start;
    const int items = (count + kCount - 1) / kCount * columns;
    for (int item = threadIdx.x; item < items; item += kThreads) {
      int64_t nodes[kCount];
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        const int i = item / columns * kCount + k;
        nodes[k] = first + levels.nodes[start + (i < count ? i : count - 1)];
      }
      body(item % columns, nodes);
    }
  }

  template <typename Body>
  __device__ void at_depth(int64_t first, int level, int columns, Body body) const {
    const int count = levels.starts[level + 1] - levels.starts[level];
    if (count * columns <= kThreads) {
      share<1>(first, level, columns, body);
    } else {
      share<kRows>(first, level, columns, body);
    }
    __syncthreads();
  }

  // The same, with one node at a time and each node once.
  template <typename Body>
  __device__ void one_by_one(int64_t first, int level, int columns, Body body) const {
    share<1>(first, level, columns, body);
    __syncthreads();
  }

  // body(node, column) for all of the block's, by warps.
  template <typename Body>
  __device__ void everywhere(Body body) const {
    for (int64_t node = begin + threadIdx.x / 32; node < end; node += kThreads / 32) {
#pragma unroll 1
      for (int column = threadIdx.x % 32; column < hidden; column += 32) body(node, column);
    }
  }
};

}  // namespace lightning_suite
