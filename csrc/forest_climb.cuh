// How a block of a kernel climbs trees. It has some consecutive trees, and goes through their nodes in windows,
// whatever trees they belong to: upwards for what comes from the children, downwards for what comes from the parent.
// Within a window the inner nodes are sorted by how many nodes of the window are above them; those of one depth are
// done together (forest_products.cuh), and the block waits between depths. A child below the window is ready (upwards),
// or has its turn in a later window (downwards): nothing bounds the nodes of a tree.
//
// There are as many blocks as the device runs at a time, so that none begins when the others end; where there are no
// more trees than that, a block has one of them, else as many as have its share of the nodes.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>

#include "forest.h"
#include "warps.cuh"

namespace lightning_suite {

constexpr int kThreads = 256;  // of a climbing block
constexpr int kWindow = 2048;  // nodes at most: of jets, 16 trees and 40 inner nodes of a depth

// Nodes are counted from the beginning of the window.
struct alignas(16) Levels {
  int64_t first_tree, last_tree, begin, end;  // the block's trees and nodes: here, since registers are few
  int64_t first;                              // node of the window
  int count;                                  // of its nodes
  int starts[1 + kWindow + kWarp];  // of each depth in `nodes`, the roots' first, and of one depth more
  int depths;                       // how many there are
  int16_t parents[kWindow];         // -1 where there is none in the window
  int16_t depth_of[kWindow];        // -1 of what is no inner node
  int16_t nodes[kWindow];           // the inner ones by depth; within one in any order, since none needs another one
};

struct Climb {
  const Forest& forest;
  const int hidden;
  Levels& levels;

  // Checks the offsets of the block's trees.
  __device__ Climb(const Forest& forest, Levels& levels)
      : forest(forest), hidden(static_cast<int>(forest.hidden)), levels(levels) {
    const int64_t first_tree = first_tree_of(blockIdx.x), last_tree = first_tree_of(int64_t{blockIdx.x} + 1);
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
    if (threadIdx.x == 0) {
      levels.first_tree = first_tree;
      levels.last_tree = last_tree;
      levels.begin = forest.offsets[first_tree];
      levels.end = forest.offsets[last_tree];
    }
    __syncthreads();
  }

  // Of offsets that do not rise, too, every tree gets one block: what is found rises with what is looked for.
  __device__ int64_t first_tree_of(int64_t block) const {
    const int64_t blocks = gridDim.x, wanted = forest.nodes * block / blocks;
    if (block == 0 || block == blocks) return block == 0 ? 0 : forest.trees;
    if (forest.trees <= blocks) return block;
    int64_t tree = 0, after = forest.trees;
    while (tree < after) {
      const int64_t middle = (tree + after) / 2;
      if (forest.offsets[middle] < wanted) {
        tree = middle + 1;
      } else {
        after = middle;
      }
    }
    return tree;
  }

  __device__ int64_t windows() const { return (levels.end - levels.begin + kWindow - 1) / kWindow; }

  // The children of a node of this block, checked.
  __device__ void children_of(int64_t node, int64_t (&children)[2]) const {
    children[0] = forest.children[2 * node];
    children[1] = forest.children[2 * node + 1];
    if (children[0] == -1 && children[1] == -1) return;
    int64_t tree = levels.first_tree, after = levels.last_tree;
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

  // Fills `levels` for a window; windows have as many nodes each, to one.
  __device__ void sort(int64_t index) const {
    const int own = static_cast<int>(threadIdx.x);
    const int64_t nodes = levels.end - levels.begin, from = nodes * index / windows();
    const int64_t first = levels.begin + from;
    const int count = static_cast<int>(nodes * (index + 1) / windows() - from);
    if (own == 0) {
      levels.first = first;
      levels.count = count;
    }
    for (int i = own; i < 1 + kWindow + kWarp; i += kThreads) levels.starts[i] = 0;
    for (int i = own; i < count; i += kThreads) levels.parents[i] = -1;
    __syncthreads();
#pragma unroll 1
    for (int i = own; i < count; i += kThreads) {
      int64_t children[2];
      children_of(first + i, children);
      for (int64_t child : children) {
        if (child >= first) levels.parents[child - first] = static_cast<int16_t>(i);
      }
    }
    __syncthreads();
    int* const counts = levels.starts + 1;  // of each depth; then where it begins; then where it ends
#pragma unroll 1
    for (int i = own; i < count; i += kThreads) {
      const int64_t* const at = forest.children + 2 * (first + i);
      const int64_t children[2] = {at[0], at[1]};
      levels.depth_of[i] = -1;
      if (children[0] < 0) continue;
      for (int64_t child : children) {
        if (child >= first && levels.parents[child - first] != i) refuse(first + i, children);
      }
      int depth = 0;
      for (int above = levels.parents[i]; above >= 0; above = levels.parents[above]) ++depth;
      levels.depth_of[i] = static_cast<int16_t>(depth);
      atomicAdd(&counts[depth], 1);
    }
    __syncthreads();
    if (own < kWarp) {  // 32 depths at a time: none but those below the last one have no nodes
      int before = 0, first = 0, here;
      do {
        here = counts[first + own];
        const SumsBefore sums = sums_before(here);
        counts[first + own] = before + sums.before;
        before += sums.all;
        first += kWarp;
      } while (least_of_warp(here) > 0);
      const int last = greatest_of_warp(here > 0 ? own + 1 : 0);
      if (own == 0) levels.depths = first - kWarp + last;
    }
    __syncthreads();
#pragma unroll 1
    for (int i = own; i < count; i += kThreads) {
      const int depth = levels.depth_of[i];
      if (depth >= 0) levels.nodes[atomicAdd(&counts[depth], 1)] = static_cast<int16_t>(i);
    }
    __syncthreads();
  }

  // body(node, column) for all of the block's, by warps.
  template <typename Body>
  __device__ void everywhere(Body body) const {
    for (int64_t node = levels.begin + threadIdx.x / kWarp; node < levels.end; node += kThreads / kWarp) {
#pragma unroll 1
      for (int column = threadIdx.x % kWarp; column < hidden; column += kWarp) body(node, column);
    }
  }
};

// Starts a climbing kernel with as many blocks as run at a time.
template <typename Arrays>
int climb(void (*kernel)(Arrays), Arrays arrays, size_t shared, void* stream) {
  int device = 0, multiprocessors = 1, blocks = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kThreads, shared);
  const int64_t at_a_time = static_cast<int64_t>(multiprocessors) * (blocks > 0 ? blocks : 1);
  const int64_t wanted = arrays.forest.trees < at_a_time ? arrays.forest.trees : at_a_time;
  void* arguments[] = {&arrays};
  cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(wanted)), dim3(kThreads), arguments, shared,
                   static_cast<cudaStream_t>(stream));
  return cudaGetLastError();  // of any call above
}

}  // namespace lightning_suite
