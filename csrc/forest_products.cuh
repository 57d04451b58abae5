// How a climbing block multiplies: some nodes' rows with one weight, which lies (term, column), so that neighbouring
// threads read neighbouring numbers. The rows are gathered into shared memory, whatever array they come from; the
// weight is read through the caches, once for all rows of a tile. A thread has a tile of sums in registers, of as many
// nodes and columns as the block's threads need to have all at once, up to 8 and 4: then five of seven instructions
// multiply. A sum begins with begin(node, column), and takes its terms in their order: no bit depends on the tile, nor
// on the nodes around one.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "forest_climb.cuh"

namespace lightning_suite {

constexpr int kTileNodes = 64, kTileTerms = 80;  // of the rows in shared memory
constexpr int kTilePad = 4;                      // nodes of neighbouring tiles begin in other banks

// The shared memory of a climbing block.
template <typename Number>
struct alignas(16) Climbing {
  Levels levels;
  Number rows[kTileNodes][kTileTerms + kTilePad];
};

template <typename Number>
struct Weight {
  const Number* numbers;        // (block length, column)
  int blocks, length, columns;  // the terms come in blocks, which may lie in different arrays
};

template <typename Number, int kNumbers>
struct alignas(kNumbers * sizeof(Number)) Vector {
  Number numbers[kNumbers];
};

// The next terms of a thread's sums: as many at a time as a vector has, then the rest.
template <int kRows, int kColumns, typename Number>
__device__ void add_terms(const Number (*rows)[kTileTerms + kTilePad], int terms, int columns,
                          const Number* (&weights)[kColumns], Number (&sums)[kRows][kColumns]) {
  constexpr int kBytes = kRows > 4 ? 8 : 16;  // of a vector, for which there must be registers
  constexpr int kVector = kBytes / static_cast<int>(sizeof(Number)), kUnrolled = kRows * kColumns > 4 ? 1 : 4;
  const auto add = [&](const Number (&inputs)[kRows]) {
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const Number weight = *weights[c];
#pragma unroll
      for (int r = 0; r < kRows; ++r) sums[r][c] += weight * inputs[r];
      weights[c] += columns;
    }
  };
  int term = 0;
#pragma unroll kUnrolled
  for (; term + kVector <= terms; term += kVector) {
    Vector<Number, kVector> inputs[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) inputs[r] = *reinterpret_cast<const Vector<Number, kVector>*>(rows[r] + term);
#pragma unroll
    for (int t = 0; t < kVector; ++t) {
      Number at_t[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) at_t[r] = inputs[r].numbers[t];
      add(at_t);
    }
  }
#pragma unroll 1
  for (; term < terms; ++term) {
    Number at_t[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) at_t[r] = rows[r][term];
    add(at_t);
  }
}

// The products with tiles of one size.
template <int kRows, int kColumns, typename Number, typename Node, typename Begin, typename Input, typename Finish>
__device__ void multiply_tiles(Climbing<Number>& shared, int count, Node node, const Weight<Number>& weight,
                               Begin begin, Input input, Finish finish) {
  int columns = weight.columns, length = weight.length;
  // Else what follows from them would be computed once, before all loops, for tiles of each size: more than registers
  // hold.
  asm volatile("" : "+r"(columns), "+r"(length));
  const int groups = (columns + kColumns - 1) / kColumns;  // a thread's columns are that far apart
  const int across = groups < kThreads ? groups : kThreads;
  const int most = kTileNodes / kRows, down = kThreads / across < most ? kThreads / across : most;
  const int own = static_cast<int>(threadIdx.x), lane = own % kWarp, warp = own / kWarp;
  const int own_row = own / across * kRows, own_group = own % across;
  const int pieces = (length + kTileTerms - 1) / kTileTerms;  // of a block
  for (int from = 0; from < count; from += down * kRows) {
    const int rows = count - from < down * kRows ? count - from : down * kRows;
    for (int left = 0; left < groups; left += across) {
      const bool active = own_row < rows && own_row < down * kRows && left + own_group < groups;
      const auto column = [&](int c) { return left + own_group + c * groups; };
      const Number* weights[kColumns];
      Number sums[kRows][kColumns] = {};
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
        weights[c] = weight.numbers + (column(c) < columns ? column(c) : 0);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          if (active && own_row + r < rows && column(c) < columns) {
            sums[r][c] = begin(node(from + own_row + r), column(c));
          }
        }
      }
#pragma unroll 1
      for (int piece = 0; piece < weight.blocks * pieces; ++piece) {
        const int first = piece % pieces * length / pieces;
        const int terms = (piece % pieces + 1) * length / pieces - first;
        __syncthreads();  // the rows before have been read
#pragma unroll 2
        for (int row = warp; row < rows; row += kThreads / kWarp) {
          const auto numbers = input(node(from + row), piece / pieces);
          for (int term = lane; term < terms; term += kWarp) shared.rows[row][term] = numbers(first + term);
        }
        __syncthreads();
        if (active) add_terms(shared.rows + own_row, terms, columns, weights, sums);
      }
      if (!active) continue;
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          if (own_row + r < rows && column(c) < columns) {
            finish(node(from + own_row + r), column(c), sums[r][c]);
          }
        }
      }
    }
  }
}

// finish(node, column, begin(node, column) + sum over the blocks b and their terms k of input(node, b)(k) weight) for
// node(0) .. node(count - 1) and every column, and waits. finish must leave alone what input reads of these nodes. A
// tile has kMostRows at most: 2, which has 2 columns too, or from 4 to 8.
template <int kMostRows, typename Number, typename Node, typename Begin, typename Input, typename Finish>
__device__ void multiply(Climbing<Number>& shared, int count, Node node, const Weight<Number>& weight, Begin begin,
                         Input input, Finish finish) {
  int columns = weight.columns;
  asm volatile("" : "+r"(columns));  // as above
  const auto fits = [&](int side) {  // all tiles at once
    return (count + side - 1) / side * ((columns + side - 1) / side) <= kThreads;
  };
  if (fits(1)) {
    multiply_tiles<1, 1>(shared, count, node, weight, begin, input, finish);
  } else if (kMostRows == 2 || fits(2)) {
    multiply_tiles<2, 2>(shared, count, node, weight, begin, input, finish);
  } else if constexpr (kMostRows > 2) {
    if (kMostRows == 4 || fits(4)) {
      multiply_tiles<4, 4>(shared, count, node, weight, begin, input, finish);
    } else {
      multiply_tiles<kMostRows, 4>(shared, count, node, weight, begin, input, finish);
    }
  }
  __syncthreads();
}

// The inner nodes of a depth of the window, or from a depth on.
struct InnerNodes {
  const Levels& levels;
  int depth;
  __device__ int64_t operator()(int i) const { return levels.first + levels.nodes[levels.starts[depth] + i]; }
  __device__ int count() const { return levels.starts[depth + 1] - levels.starts[depth]; }
};

// A row of an array as an input.
template <typename Number>
struct Row {
  const Number* numbers;
  __device__ Number operator()(int k) const { return numbers[k]; }
};

// Weights to be transposed, one after the other: from (row, column) to (column, row), end to end.
template <typename Number>
struct Transposition {
  static constexpr int kMost = 3;
  Number* to;
  struct {
    const Number* numbers;
    int64_t rows, columns;
  } from[kMost];
};

template <typename Number>
__global__ void __launch_bounds__(kWarps * kWarp) transpose_kernel(Transposition<Number> arrays) {
  const auto& from = arrays.from;
  const int64_t sizes[] = {from[0].rows * from[0].columns, from[1].rows * from[1].columns,
                           from[2].rows * from[2].columns};
  each_of_thread(sizes[0] + sizes[1] + sizes[2], [&](int64_t job) {
    int64_t at = job;
    bool done = false;
#pragma unroll
    for (int i = 0; i < Transposition<Number>::kMost; ++i) {
      if (!done && at < sizes[i]) {
        arrays.to[job] = from[i].numbers[at % from[i].rows * from[i].columns + at / from[i].rows];
        done = true;
      }
      at -= sizes[i];
    }
  });
}

template <typename Number>
int transpose(const Transposition<Number>& arrays, void* stream) {
  int64_t numbers = 0;
  for (const auto& each : arrays.from) numbers += each.rows * each.columns;
  return launch(transpose_kernel<Number>, arrays, numbers, kWarps * kWarp, stream);
}

}  // namespace lightning_suite
