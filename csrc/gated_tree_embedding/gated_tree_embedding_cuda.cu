// gated_tree_embedding, CUDA. Two kernels climb the trees (forest_climb.cuh, forest_products.cuh), a third one adds up
// the gradients of the weights. Before forward, one transposes the weights to `scratch`.
//
// climbing: what is computed for the nodes of one depth goes in steps, between which the block waits. A step reads what
// it needs of its nodes before it writes.
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
// column is the gradient of the bias. No atomic operation touches a sum.
//
// Shared memory of a climbing block: Climbing; of a block of the third one (forest_sums.cuh): Tiles
#include "gated_tree_embedding.h"

#include <cuda_runtime.h>

#include "forest_products.cuh"
#include "forest_sums.cuh"

namespace lightning_suite::gated_tree_embedding {
namespace {

constexpr int kScratch = 12;  // blocks of `hidden` in a row of backward's scratch
// Of a thread's tile, as many as leave no register to spill. The weights are read from the L2 cache once for the rows
// of a block's tiles: of float32 18 to 64.
template <typename Number>
constexpr int kMostRowsUp = sizeof(Number) == 8 ? 2 : 8;
template <typename Number>
constexpr int kMostRowsDown = sizeof(Number) == 8 ? 2 : 6;

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

// A row of r * a as an input.
template <typename Number>
struct Reset {
  const Number *r, *a;
  __device__ Number operator()(int k) const { return r[k] * a[k]; }
};

// body(node, column) for the nodes of a depth and `hidden` columns; waits.
template <typename Body>
__device__ void each_number(const InnerNodes& node, int hidden, Body body) {
#pragma unroll 1
  for (int row = static_cast<int>(threadIdx.x) / kWarp; row < node.count(); row += kThreads / kWarp) {
#pragma unroll 1
    for (int column = static_cast<int>(threadIdx.x) % kWarp; column < hidden; column += kWarp) body(node(row), column);
  }
  __syncthreads();
}

// With the weights transposed.
template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) forward_kernel(Forward<Number> arrays) {
  auto& shared = *reinterpret_cast<Climbing<Number>*>(shared_memory);
  const Climb climb(arrays.forest, shared.levels);
  const int hidden = climb.hidden;
  const Weights<Number>& weights = arrays.weights;
  climb.everywhere([&](int64_t node, int column) {
    const int64_t at = node * hidden + column;
    if (arrays.forest.children[2 * node] < 0) arrays.h[at] = arrays.u[at];
  });
  const auto kept = [&](int64_t node, int block) { return arrays.kept + (node * 8 + block) * hidden; };
  const auto row = [](const Number* numbers) { return Row<Number>{numbers}; };
  for (int64_t window = 0; window < climb.windows(); ++window) {
    climb.sort(window);
    for (int depth = shared.levels.depths; depth-- > 0;) {
      const InnerNodes nodes = {shared.levels, depth};
      multiply<kMostRowsUp<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_r, 3, hidden, 3 * hidden},
          [&](int64_t, int column) { return weights.b_r[column]; },
          [&](int64_t node, int side) { return row(input_of(arrays, node, side)); },
          [&](int64_t node, int column, Number sum) { kept(node, 0)[column] = sigmoid(sum); });
      multiply<kMostRowsUp<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_h, 3, hidden, hidden},
          [&](int64_t, int column) { return weights.b_h[column]; },
          [&](int64_t node, int side) { return Reset<Number>{kept(node, side), input_of(arrays, node, side)}; },
          [&](int64_t node, int column, Number sum) { kept(node, 3)[column] = sum < 0 ? Number(0) : sum; });
      multiply<kMostRowsUp<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_z, 4, hidden, 4 * hidden},
          [&](int64_t, int column) { return weights.b_z[column]; },
          [&](int64_t node, int block) { return row(block == 0 ? kept(node, 3) : input_of(arrays, node, block - 1)); },
          [&](int64_t node, int column, Number sum) { kept(node, 4)[column] = sum; });
      each_number(nodes, hidden, [&](int64_t node, int column) {
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
      });
    }
  }
}

template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) backward_kernel(Backward<Number> arrays) {
  auto& shared = *reinterpret_cast<Climbing<Number>*>(shared_memory);
  const Climb climb(arrays.forest, shared.levels);
  int hidden = climb.hidden;
  const Weights<Number>& weights = arrays.weights;
  const auto kept = [&](int64_t node, int block) { return arrays.kept + (node * 8 + block) * hidden; };
  const auto scratch = [&](int64_t node, int block) { return arrays.scratch + (node * kScratch + block) * hidden; };
  const auto rows_from = [&](int first) {
    return [&scratch, first](int64_t node, int block) { return Row<Number>{scratch(node, first + block)}; };
  };
  climb.everywhere([&](int64_t node, int column) {
    arrays.grad_u[node * hidden + column] = arrays.grad_h[node * hidden + column];
  });
  for (int64_t window = climb.windows(); window-- > 0;) {
    climb.sort(window);
    for (int depth = 0; depth < shared.levels.depths; ++depth) {
      const InnerNodes nodes = {shared.levels, depth};
      asm volatile("" : "+r"(hidden));  // what follows from it is computed here, and not kept in registers all along
      each_number(nodes, hidden, [&](int64_t node, int column) {
        const int64_t at = node * hidden + column;
        const Number grad = arrays.grad_u[at], mixed = arrays.h[at];
#pragma unroll 1
        for (int j = 0; j < 4; ++j) {
          const Number value = (j == 0 ? kept(node, 3) : input_of(arrays, node, j - 1))[column];
          const Number direct = kept(node, 4 + j)[column] * grad;
          scratch(node, j)[column] = direct * (value - mixed);
          scratch(node, 8 + j)[column] = direct;
        }
      });
      multiply<kMostRowsDown<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_z, 4, hidden, 4 * hidden},
          [&](int64_t node, int column) { return scratch(node, 8)[column]; }, rows_from(0),
          [&](int64_t node, int column, Number sum) {
            scratch(node, 8)[column] = sum;
            if (column < hidden) scratch(node, 7)[column] = kept(node, 3)[column] <= 0 ? Number(0) : sum;
          });
      multiply<kMostRowsDown<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_h, 1, hidden, 3 * hidden},
          [](int64_t, int) { return Number(0); }, rows_from(7),
          [&](int64_t node, int column, Number sum) {
            const Number r = kept(node, 0)[column];
            const Number value = input_of(arrays, node, column / hidden)[column % hidden];
            scratch(node, 4)[column] = sum * value * r * (1 - r);
            scratch(node, 9)[column] += sum * r;
          });
      multiply<kMostRowsDown<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{weights.w_r, 3, hidden, 3 * hidden},
          [&](int64_t node, int column) { return scratch(node, 9)[column]; }, rows_from(4),
          [&](int64_t node, int column, Number sum) {
            const int side = column / hidden, at = column - side * hidden;
            if (side < 2) {
              arrays.grad_u[arrays.forest.children[2 * node + side] * hidden + at] += sum;
            } else {
              arrays.grad_u[node * hidden + at] = sum;
            }
          });
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
  sums.add_part(
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

}  // namespace

int64_t forward_cuda_scratch(const Forest& forest) { return 28 * forest.hidden * forest.hidden; }

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  const int64_t hidden = arrays.forest.hidden;
  if (arrays.forest.trees == 0) return 0;
  const Weights<Number>& from = arrays.weights;
  const int error = transpose<Number>({arrays.scratch,
                                       {{from.w_r, 3 * hidden, 3 * hidden},
                                        {from.w_h, hidden, 3 * hidden},
                                        {from.w_z, 4 * hidden, 4 * hidden}}},
                                      stream);
  if (error != cudaSuccess) return error;
  Forward<Number> climbing = arrays;
  climbing.weights.w_r = arrays.scratch;
  climbing.weights.w_h = climbing.weights.w_r + 9 * hidden * hidden;
  climbing.weights.w_z = climbing.weights.w_h + 3 * hidden * hidden;
  return climb(forward_kernel<Number>, climbing, sizeof(Climbing<Number>), stream);
}

int64_t backward_cuda_scratch(const Forest& forest) { return forest.nodes * kScratch * forest.hidden; }

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  if (arrays.forest.trees == 0) return 0;
  const int error = climb(backward_kernel<Number>, arrays, sizeof(Climbing<Number>), stream);
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
