// gated_tree_embedding, CUDA. Two kernels climb the trees (forest_climb.cuh), a third one adds up the gradients of the
// weights. The weights do not fit in shared memory: they are read from device memory, through the caches.
//
// climbing: what is computed for the nodes of one depth goes in steps, between which the block waits. In a step a
// thread has one column of one or kRows nodes at a time, and adds up its sums alone: no bit depends on the trees around
// a node. A node may come twice to the same thread, so that a step reads all that it needs of its nodes before it
// writes.
//
// Upwards, in row i of `kept` ([r, g, z]; the logits lie where z will be):
//     r = sigmoid(W_r a + b_r);   g = relu(W_h (r * a) + b_h);   logits = W_z [g, a] + b_z;   z, h
//
// Downwards, in row i of `scratch` ([pre_z, pre_r, pre_h, grads], 4 + 3 + 1 + 4 hidden), with what has reached h_i in
// grad_u_i until that becomes what reaches u_i (the derivation is in docs/derivations/gated_tree_embedding.md):
//     pre_z and what h gives to [g, a] directly;   grads = that + pre_z W_z, pre_h;
//     pre_r, and grads += r * (pre_h W_h);         grads += pre_r W_r, which goes to the children and to u
//
// The third kernel: a block has one tile of one part's sum of pre' [inputs, 1], in the order of the nodes; the last
// column is the gradient of the bias. There are no atomics.
//
// Shared memory of a climbing block:           Levels
// Shared memory of a block of the third one:   Tiles, a batch of inner nodes, and their rows
#include "gated_tree_embedding.h"

#include <cuda_runtime.h>

#include "forest_climb.cuh"
#include "forest_sums.cuh"

namespace lightning_suite::gated_tree_embedding {
namespace {

constexpr int64_t kBlocks = 384;  // climbing at most: three on each multiprocessor of a large device
constexpr int kScratch = 12;      // blocks of `hidden` in a row of scratch

alignas(16) extern __shared__ unsigned char shared_memory[];

template <typename Number>
__device__ Number sigmoid(Number t) {
  const Number e = exp(t < 0 ? t : -t), s = 1 / (1 + e);
  return t < 0 ? e * s : s;
}

// Row `side` of a = [h_l, h_r, u].
template <typename Arrays>
__device__ auto* input_of(const Arrays& arrays, int64_t node, int side) {
  const int64_t row = side < 2 ? arrays.forest.children[2 * node + side] : node;
  return (side < 2 ? arrays.h : arrays.u) + row * arrays.forest.hidden;
}

template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) forward_kernel(Forward<Number> arrays, int64_t trees) {
  const Climb climb(arrays.forest, trees, *reinterpret_cast<Levels*>(shared_memory));
  const int hidden = climb.hidden;
  const Weights<Number>& weights = arrays.weights;
  climb.everywhere([&](int64_t node, int column) {
    const int64_t at = node * hidden + column;
    if (arrays.forest.children[2 * node] < 0) arrays.h[at] = arrays.u[at];
  });
  const auto kept = [&](int64_t node, int block) { return arrays.kept + (node * 8 + block) * hidden; };
  const auto reset = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = weights.b_r[column];
#pragma unroll 1
    for (int side = 0; side < 3; ++side) {
#pragma unroll
      for (int k = 0; k < kCount; ++k) rows[k] = input_of(arrays, nodes[k], side);
      multiply(weights.w_r + (static_cast<int64_t>(column) * 3 + side) * hidden, 1, rows, hidden, sums);
    }
#pragma unroll
    for (int k = 0; k < kCount; ++k) kept(nodes[k], 0)[column] = sigmoid(sums[k]);
  };
  const auto candidate = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
    const Number *rows[kCount], *resets[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = weights.b_h[column];
#pragma unroll 1
    for (int side = 0; side < 3; ++side) {
      const Number* weight = weights.w_h + (static_cast<int64_t>(column) * 3 + side) * hidden;
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        rows[k] = input_of(arrays, nodes[k], side);
        resets[k] = kept(nodes[k], side);
      }
#pragma unroll 1
      for (int j = 0; j < hidden; ++j) {
#pragma unroll
        for (int k = 0; k < kCount; ++k) sums[k] += weight[j] * (resets[k][j] * rows[k][j]);
      }
    }
#pragma unroll
    for (int k = 0; k < kCount; ++k) kept(nodes[k], 3)[column] = sums[k] < 0 ? Number(0) : sums[k];
  };
  const auto logit = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = weights.b_z[column];
#pragma unroll 1
    for (int block = 0; block < 4; ++block) {
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        rows[k] = block == 0 ? kept(nodes[k], 3) : input_of(arrays, nodes[k], block - 1);
      }
      multiply(weights.w_z + (static_cast<int64_t>(column) * 4 + block) * hidden, 1, rows, hidden, sums);
    }
#pragma unroll
    for (int k = 0; k < kCount; ++k) kept(nodes[k], 4)[column] = sums[k];
  };
  const auto mix = [&](int column, const int64_t(&nodes)[1]) {
    const int64_t node = nodes[0];
    Number z[4], most = kept(node, 4)[column], sum = 0, value = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      z[j] = kept(node, 4 + j)[column];
      most = most < z[j] ? z[j] : most;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      z[j] = exp(z[j] - most);
      sum += z[j];
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      kept(node, 4 + j)[column] = z[j] / sum;
      value += z[j] / sum * (j == 0 ? kept(node, 3) : input_of(arrays, node, j - 1))[column];
    }
    arrays.h[node * hidden + column] = value;
  };
  for (int64_t first = climb.begin; first < climb.end; first += kThreads) {
    const int depths = climb.sort(first);
    for (int level = 0; level < depths; ++level) {
      climb.at_depth(first, level, 3 * hidden, reset);
      climb.at_depth(first, level, hidden, candidate);
      climb.at_depth(first, level, 4 * hidden, logit);
      climb.one_by_one(first, level, hidden, mix);
    }
  }
}

template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) backward_kernel(Backward<Number> arrays, int64_t trees) {
  const Climb climb(arrays.forest, trees, *reinterpret_cast<Levels*>(shared_memory));
  const int hidden = climb.hidden;
  const Weights<Number>& weights = arrays.weights;
  const auto kept = [&](int64_t node, int block) { return arrays.kept + (node * 8 + block) * hidden; };
  const auto scratch = [&](int64_t node, int block) { return arrays.scratch + (node * kScratch + block) * hidden; };
  climb.everywhere([&](int64_t node, int column) {
    arrays.grad_u[node * hidden + column] = arrays.grad_h[node * hidden + column];
  });
  const auto unmix = [&](int column, const int64_t(&nodes)[1]) {
    const int64_t node = nodes[0], at = node * hidden + column;
    const Number grad = arrays.grad_u[at], mixed = arrays.h[at];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const Number value = (j == 0 ? kept(node, 3) : input_of(arrays, node, j - 1))[column];
      const Number direct = kept(node, 4 + j)[column] * grad;
      scratch(node, j)[column] = direct * (value - mixed);
      scratch(node, 8 + j)[column] = direct;
    }
  };
  // to_k += pre_k W, so many rows of pre and W.
  const auto descend = [&](int column, const auto& nodes, const Number* weight, int columns, int block, int rows,
                           auto& sums) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    const Number* pre[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) pre[k] = scratch(nodes[k], block);
    multiply(weight + column, columns, pre, rows, sums);
  };
  const auto through_z = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = scratch(nodes[k], 8)[column];
    descend(column, nodes, weights.w_z, 4 * hidden, 0, 4 * hidden, sums);
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      scratch(nodes[k], 8)[column] = sums[k];
      if (column < hidden) scratch(nodes[k], 7)[column] = kept(nodes[k], 3)[column] <= 0 ? Number(0) : sums[k];
    }
  };
  const auto through_h = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount] = {}, grads[kCount];
    descend(column, nodes, weights.w_h, 3 * hidden, 7, hidden, sums);
#pragma unroll
    for (int k = 0; k < kCount; ++k) grads[k] = scratch(nodes[k], 9)[column];
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      const Number r = kept(nodes[k], 0)[column];
      const Number value = input_of(arrays, nodes[k], column / hidden)[column % hidden];
      scratch(nodes[k], 4)[column] = sums[k] * value * r * (1 - r);
      scratch(nodes[k], 9)[column] = grads[k] + sums[k] * r;
    }
  };
  const auto through_r = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    const int side = column / hidden, at = column - side * hidden;
    Number sums[kCount], before[kCount];
    Number* to[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      sums[k] = scratch(nodes[k], 9)[column];
      to[k] = arrays.grad_u + (side < 2 ? arrays.forest.children[2 * nodes[k] + side] : nodes[k]) * hidden + at;
      before[k] = side < 2 ? *to[k] : Number(0);
    }
    descend(column, nodes, weights.w_r, 3 * hidden, 4, 3 * hidden, sums);
#pragma unroll
    for (int k = 0; k < kCount; ++k) *to[k] = before[k] + sums[k];
  };
  const int64_t windows = (climb.end - climb.begin + kThreads - 1) / kThreads;
  for (int64_t window = windows; window-- > 0;) {
    const int64_t first = climb.begin + window * kThreads;
    for (int level = climb.sort(first); level-- > 0;) {
      climb.one_by_one(first, level, hidden, unmix);
      climb.at_depth(first, level, 4 * hidden, through_z);
      climb.at_depth(first, level, 3 * hidden, through_h);
      climb.at_depth(first, level, 3 * hidden, through_r);
    }
  }
}

// The gradient of one weight and its bias: pre (rows) is at a block of scratch, the inputs have so many columns and, as
// one more, 1 for the bias.
struct Sum {
  int pre, rows, columns;
  int64_t begin;  // of the weight's gradient in grad_weights
  __host__ __device__ int row_tiles() const { return (rows + kTileRows - 1) / kTileRows; }
  __host__ __device__ int tiles() const { return row_tiles() * (columns / kTileColumns + 1); }
};

// Those of r, h and z.
struct Sums {
  Sum of[3];
  int64_t numbers;  // weight_numbers
};

template <typename Number>
__global__ void __launch_bounds__(kSumThreads) sum_kernel(Backward<Number> arrays, Sums sums_of) {
  auto& tiles = *reinterpret_cast<Tiles<Number>*>(shared_memory);
  const Forest& forest = arrays.forest;
  const int hidden = static_cast<int>(forest.hidden), own = static_cast<int>(threadIdx.x);
  const int of_part = sums_of.of[0].tiles() + sums_of.of[1].tiles() + sums_of.of[2].tiles();
  const int64_t part = blockIdx.x / of_part;
  int tile = static_cast<int>(blockIdx.x % of_part), which = 0;
  while (tile >= sums_of.of[which].tiles()) tile -= sums_of.of[which++].tiles();
  const Sum sum = sums_of.of[which];
  const int first_row = tile % sum.row_tiles() * kTileRows, first_column = tile / sum.row_tiles() * kTileColumns;

  const int column = first_column + own % kTileColumns, block = column / hidden, in_block = column % hidden;
  const int row = first_row + own % kTileRows;
  const int side = which == 2 ? block - 1 : block;  // of a; -1 is g
  TileSums<Number> sums;
  sums.template add_part<1>(
      tiles, forest, part, [&](int64_t node) { return forest.children[2 * node] >= 0; },
      [&](int64_t node) {
        const Number* const pre = arrays.scratch + (node * kScratch + sum.pre) * hidden;
        return row < sum.rows ? pre[row] : Number(0);
      },
      [&](int64_t node) {
        Number input = 1;
        if (column < sum.columns) {
          const Number* kept = arrays.kept + node * 8 * hidden;
          input = (side < 0 ? kept + 3 * hidden : input_of(arrays, node, side))[in_block];
          if (which == 1) input *= kept[column];  // r
        }
        return input;
      });
  Number* const weight = arrays.grad_weights + part * sums_of.numbers + sum.begin;
  Number* const bias = weight + static_cast<int64_t>(sum.rows) * sum.columns;
  sums.write([&](int row_of_tile, int column_of_tile, Number value) {
    const int to_row = first_row + row_of_tile, to_column = first_column + column_of_tile;
    if (to_row >= sum.rows) return;
    if (to_column < sum.columns) weight[static_cast<int64_t>(to_row) * sum.columns + to_column] = value;
    if (to_column == sum.columns) bias[to_row] = value;
  });
}

template <typename Arrays>
int climb(void (*kernel)(Arrays, int64_t), Arrays arrays, void* stream) {
  const int64_t all = arrays.forest.trees;
  int64_t trees = (all + kBlocks - 1) / kBlocks;  // of a block
  void* arguments[] = {&arrays, &trees};
  cudaLaunchKernel(kernel, dim3(static_cast<unsigned>((all + trees - 1) / trees)), dim3(kThreads), arguments,
                   sizeof(Levels), static_cast<cudaStream_t>(stream));
  return cudaGetLastError();
}

}  // namespace

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  if (arrays.forest.trees == 0) return 0;
  return climb(forward_kernel<Number>, arrays, stream);
}

int64_t backward_cuda_scratch(const Forest& forest) { return forest.nodes * kScratch * forest.hidden; }

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  if (arrays.forest.trees == 0) return 0;
  const int error = climb(backward_kernel<Number>, arrays, stream);
  if (error != cudaSuccess) return error;
  Backward<Number> copy = arrays;
  const int hidden = static_cast<int>(arrays.forest.hidden);
  const int64_t square = arrays.forest.hidden * hidden, after_r = 9 * square + 3 * hidden;
  Sums sums = {{{4, 3 * hidden, 3 * hidden, 0},
                {7, hidden, 3 * hidden, after_r},
                {0, 4 * hidden, 4 * hidden, after_r + 3 * square + hidden}},
               weight_numbers(hidden)};
  const int64_t of_part = sums.of[0].tiles() + sums.of[1].tiles() + sums.of[2].tiles();
  void* arguments[] = {&copy, &sums};
  cudaLaunchKernel(sum_kernel<Number>, dim3(static_cast<unsigned>(parts(arrays.forest) * of_part)), dim3(kSumThreads),
                   arguments, sizeof(Tiles<Number>), static_cast<cudaStream_t>(stream));
  return cudaGetLastError();
}

template int forward_cuda(const Forward<float>&, void*);
template int forward_cuda(const Forward<double>&, void*);
template int backward_cuda(const Backward<float>&, void*);
template int backward_cuda(const Backward<double>&, void*);

}  // namespace lightning_suite::gated_tree_embedding
