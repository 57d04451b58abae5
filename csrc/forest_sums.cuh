// How a block of a kernel adds up the gradient of a weight: one tile of sum_i rows_i' inputs_i over the nodes i of a
// part of a forest, in the order of the nodes. There are no atomics.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "forest.h"
#include "warps.cuh"

namespace lightning_suite {

constexpr int kSumThreads = 128;  // of a block, and nodes that it looks at together
constexpr int kSide = 4;          // a thread has kSide * kSide sums of the tile
constexpr int kTileRows = 32, kTileColumns = 64;
constexpr int kBatch = 32;        // nodes whose rows are in shared memory at a time
static_assert(kTileRows * kTileColumns == kSumThreads * kSide * kSide);

// In shared memory.
template <typename Number>
struct alignas(16) Tiles {
  Number rows[kBatch][kTileRows], inputs[kBatch][kTileColumns];
  int64_t nodes[kSumThreads];  // those of the nodes looked at together that are added up
  int counts[kSumThreads / kWarp];
};

template <typename Number>
struct TileSums {
  Number sums[kSide][kSide] = {};  // of this thread

  static __device__ int first_row() { return static_cast<int>(threadIdx.x) / (kTileColumns / kSide) * kSide; }
  static __device__ int first_column() { return static_cast<int>(threadIdx.x) % (kTileColumns / kSide) * kSide; }

  // Adds the products of the nodes of a part for which is_taken(node) holds. row(node) and input(node) are the numbers
  // that this thread copies: row threadIdx.x % kTileRows of the tile and its column threadIdx.x % kTileColumns.
  template <typename IsTaken, typename Row, typename Input>
  __device__ void add_part(Tiles<Number>& tiles, const Forest& forest, int64_t part, IsTaken is_taken, Row row,
                           Input input) {
    const int own = static_cast<int>(threadIdx.x);
    const int64_t first_tree = part * kTreesOfPart;
    const int64_t last_tree = first_tree + kTreesOfPart < forest.trees ? first_tree + kTreesOfPart : forest.trees;
    const int64_t end = forest.offsets[last_tree];
    for (int64_t first = forest.offsets[first_tree]; first < end; first += kSumThreads) {
      const int64_t node = first + own;
      const int taken = node < end && is_taken(node);
      auto [before, count] = sums_before(taken);
      if (own % kWarp == 0) tiles.counts[own / kWarp] = count;
      __syncthreads();
      count = 0;
      for (int warp = 0; warp < kSumThreads / kWarp; ++warp) {
        if (warp < own / kWarp) before += tiles.counts[warp];
        count += tiles.counts[warp];
      }
      if (taken) tiles.nodes[before] = node;
      __syncthreads();
      for (int start = 0; start < count; start += kBatch) {
        const int batch = count - start < kBatch ? count - start : kBatch;
#pragma unroll 4
        for (int i = own / kTileRows; i < batch; i += kSumThreads / kTileRows) {
          tiles.rows[i][own % kTileRows] = row(tiles.nodes[start + i]);
        }
#pragma unroll 2  // with 4, tree_embedding's kernel spills on sm_80
        for (int i = own / kTileColumns; i < batch; i += kSumThreads / kTileColumns) {
          tiles.inputs[i][own % kTileColumns] = input(tiles.nodes[start + i]);
        }
        __syncthreads();
#pragma unroll 4
        for (int i = 0; i < batch; ++i) {
#pragma unroll
          for (int r = 0; r < kSide; ++r) {
#pragma unroll
            for (int c = 0; c < kSide; ++c) {
              sums[r][c] += tiles.rows[i][first_row() + r] * tiles.inputs[i][first_column() + c];
            }
          }
        }
        __syncthreads();
      }
    }
  }

  // Calls body(row, column, sum) for the sums of this thread, counted from the beginning of the tile.
  template <typename Body>
  __device__ void write(Body body) const {
#pragma unroll
    for (int r = 0; r < kSide; ++r) {
#pragma unroll
      for (int c = 0; c < kSide; ++c) body(first_row() + r, first_column() + c, sums[r][c]);
    }
  }
};

}  // namespace lightning_suite
