// tree_embedding, CUDA. Two kernels climb the trees, a third one adds up the gradients of the weights, and a fourth one
// has that of x, where it is asked for.
//
// climbing (forest_climb.cuh): upwards in forward, downwards in backward. A thread has one column of one or kRows nodes
// at a time, and adds up its sums alone: no bit depends on the trees around a node. u is computed before, again in
// backward: of leaves it is h, of inner nodes it is written to `scratch`.
//
// Shared memory of a climbing block (W_h if there is room; else it is read from device memory):
//     Levels
//     weight         hidden, stride                    stride is odd: neighbouring rows begin in other banks
//
// Backward, with g_i = grad_h_i + what the parent gives (the derivation is in docs/derivations/tree_embedding.md):
//     leaf:          q_i = g_i where h_i > 0, else 0
//     inner node:    p_i = g_i where h_i > 0, else 0,    [to g_l, to g_r, to u_i] = p_i W_h,
//                    q_i = what reaches u_i where u_i > 0, else 0
// p, q and u are kept in `scratch`, node hidden each, for the other kernels. A block of the third one has one tile of
// one part's sum of p_i' [h_l, h_r, u_i, 1] or of q_i' [x_i, 1], in the order of the nodes; the last column is the
// gradient of the bias. There are no atomics.
//
// Shared memory of a block of the third kernel (forest_sums.cuh): Tiles, a batch of nodes, and their rows
#include "tree_embedding.h"

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include "forest_climb.cuh"
#include "forest_sums.cuh"

namespace lightning_suite::tree_embedding {
namespace {

constexpr int64_t kBlocks = 384;  // climbing at most: three on each multiprocessor of a large device

// Loops marked `unroll 1` have few rounds: unrolled, they cost registers that then spill.

alignas(16) extern __shared__ unsigned char shared_memory[];

struct Plan {
  int64_t trees;  // of a block
  int stride;     // from one row of the weight to the next
};

// Climbing, with the weight where it is read.
template <typename Number, bool kResident>
struct Weighted : Climb {
  const int stride;
  const Number* const weight;

  __device__ Weighted(const Forest& forest, const Plan& plan, const Number* all)
      : Climb(forest, plan.trees, *reinterpret_cast<Levels*>(shared_memory)),
        stride(plan.stride),
        weight(kResident ? reinterpret_cast<const Number*>(shared_memory + sizeof(Levels)) : all) {
    if constexpr (kResident) {
      Number* const copy = reinterpret_cast<Number*>(shared_memory + sizeof(Levels));
      for (int i = threadIdx.x; i < hidden * 3 * hidden; i += kThreads) {
        const int row = i / (3 * hidden);
        __pipeline_memcpy_async(copy + row * stride + i - row * 3 * hidden, all + i, sizeof(Number));
      }
      __pipeline_commit();
      __pipeline_wait_prior(0);
      __syncthreads();
    }
  }
};

// One number of u.
template <typename Number, template <typename> typename Arrays>
__device__ Number own_embedding(const Arrays<Number>& arrays, int64_t node, int column) {
  const int features = static_cast<int>(arrays.features);
  const Number *x = arrays.x + node * features, *weight = arrays.w_u + static_cast<int64_t>(column) * features;
  Number sum = arrays.b_u[column];
#pragma unroll 1
  for (int k = 0; k < features; ++k) sum += weight[k] * x[k];
  return sum < 0 ? Number(0) : sum;
}

template <typename Number, bool kResident>
__global__ void __launch_bounds__(kThreads, 3) forward_kernel(Forward<Number> arrays, Plan plan) {
  const Weighted<Number, kResident> climb(arrays.forest, plan, arrays.w_h);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  climb.everywhere([&](int64_t node, int column) {
    Number* const to = children[2 * node] < 0 ? arrays.h : arrays.scratch;
    to[node * hidden + column] = own_embedding(arrays, node, column);
  });
  const auto embed = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = arrays.b_h[column];
#pragma unroll 1
    for (int side = 0; side < 3; ++side) {
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        rows[k] = side < 2 ? arrays.h + children[2 * nodes[k] + side] * hidden : arrays.scratch + nodes[k] * hidden;
      }
      multiply(climb.weight + static_cast<int64_t>(column) * climb.stride + side * hidden, 1, rows, hidden, sums);
    }
#pragma unroll
    for (int k = 0; k < kCount; ++k) arrays.h[nodes[k] * hidden + column] = sums[k] < 0 ? Number(0) : sums[k];
  };
  for (int64_t first = climb.begin; first < climb.end; first += kThreads) {
    const int depths = climb.sort(first);
    for (int level = 0; level < depths; ++level) climb.at_depth(first, level, hidden, embed);
  }
}

// What backward writes to `scratch`; u and p of inner nodes alone.
template <typename Number>
struct Kept {
  Number *p, *q, *u;  // node hidden each

  __device__ explicit Kept(const Backward<Number>& arrays)
      : p(arrays.scratch),
        q(p + arrays.forest.nodes * arrays.forest.hidden),
        u(q + arrays.forest.nodes * arrays.forest.hidden) {}
};

template <typename Number, bool kResident>
__global__ void __launch_bounds__(kThreads, 3) backward_kernel(Backward<Number> arrays, Plan plan) {
  const Weighted<Number, kResident> climb(arrays.forest, plan, arrays.w_h);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  const Kept<Number> kept(arrays);
  const auto put = [&](int64_t node, int column, Number from_parent) {
    const int64_t at = node * hidden + column;
    const Number g = arrays.grad_h[at] + from_parent;
    (children[2 * node] < 0 ? kept.q : kept.p)[at] = arrays.h[at] <= 0 ? Number(0) : g;
  };
  climb.everywhere([&](int64_t node, int column) {
    put(node, column, 0);  // what has a parent is put again
    if (children[2 * node] >= 0) kept.u[node * hidden + column] = own_embedding(arrays, node, column);
  });
  const auto descend = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount] = {};
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) rows[k] = kept.p + nodes[k] * hidden;
    multiply(climb.weight + column, climb.stride, rows, hidden, sums);
    const int side = column / hidden, at = column - side * hidden;
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      if (side < 2) {
        put(children[2 * nodes[k] + side], at, sums[k]);
      } else {
        kept.q[nodes[k] * hidden + at] = kept.u[nodes[k] * hidden + at] <= 0 ? Number(0) : sums[k];
      }
    }
  };
  const int64_t windows = (climb.end - climb.begin + kThreads - 1) / kThreads;
  for (int64_t window = windows; window-- > 0;) {
    const int64_t first = climb.begin + window * kThreads;
    for (int level = climb.sort(first); level-- > 0;) climb.at_depth(first, level, 3 * hidden, descend);
  }
}

struct Sums {  // tiles of a part: so many rows of so many of p, then of so many of q
  int row_tiles, column_tiles, column_tiles_of_q;
};

template <typename Number>
__global__ void __launch_bounds__(kSumThreads) sum_kernel(Backward<Number> arrays, Sums sums_of) {
  auto& tiles = *reinterpret_cast<Tiles<Number>*>(shared_memory);
  const Forest& forest = arrays.forest;
  const int hidden = static_cast<int>(forest.hidden), own = static_cast<int>(threadIdx.x);
  const int all_columns = sums_of.column_tiles + sums_of.column_tiles_of_q, all_tiles = sums_of.row_tiles * all_columns;
  const int64_t part = blockIdx.x / all_tiles;
  const int tile = static_cast<int>(blockIdx.x % all_tiles), column_tile = tile % all_columns;
  const bool of_q = column_tile >= sums_of.column_tiles;
  const int first_row = tile / all_columns * kTileRows;
  const int first_column = (column_tile - (of_q ? sums_of.column_tiles : 0)) * kTileColumns;
  const int length = of_q ? static_cast<int>(arrays.features) : 3 * hidden;
  const Kept<Number> kept(arrays);
  const Number* const all_rows = of_q ? kept.q : kept.p;

  const int column = first_column + own % kTileColumns, side = column / hidden, row = first_row + own % kTileRows;
  TileSums<Number> sums;
  sums.template add_part<4>(
      tiles, forest, part, [&](int64_t node) { return of_q || forest.children[2 * node] >= 0; },
      [&](int64_t node) { return row < hidden ? all_rows[node * hidden + row] : Number(0); },
      [&](int64_t node) {
        if (of_q) return column < length ? arrays.x[node * length + column] : Number(1);
        if (side < 2) return arrays.h[forest.children[2 * node + side] * hidden + column - side * hidden];
        return side == 2 ? kept.u[node * hidden + column - 2 * hidden] : Number(1);
      });
  sums.write([&](int row_of_tile, int column_of_tile, Number sum) {
    const int to_row = first_row + row_of_tile, to_column = first_column + column_of_tile;
    if (to_row >= hidden) return;
    const int64_t at = part * hidden + to_row;
    if (to_column < length) (of_q ? arrays.grad_w_u : arrays.grad_w_h)[at * length + to_column] = sum;
    if (to_column == length) (of_q ? arrays.grad_b_u : arrays.grad_b_h)[at] = sum;
  });
}

// grad_x = q W_u: a thread has one number.
template <typename Number>
__global__ void __launch_bounds__(kThreads) features_kernel(Backward<Number> arrays) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= arrays.forest.nodes * arrays.features) return;
  const int64_t node = at / arrays.features, feature = at % arrays.features;
  const Number* const q = Kept<Number>(arrays).q + node * arrays.forest.hidden;
  Number sum = 0;
#pragma unroll 4
  for (int64_t k = 0; k < arrays.forest.hidden; ++k) sum += q[k] * arrays.w_u[k * arrays.features + feature];
  arrays.grad_x[at] = sum;
}

// Starts the kernel that has the weight in shared memory if there is room for it, else the other one.
template <typename Number, typename Arrays>
int climb(void (*const (&kernels)[2])(Arrays, Plan), Arrays arrays, void* stream) {
  const Forest& forest = arrays.forest;
  int device = 0, most_of_block = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&most_of_block, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  const int64_t row = 3 * forest.hidden, levels = sizeof(Levels);
  const int64_t all = levels + forest.hidden * (row | 1) * static_cast<int64_t>(sizeof(Number));
  const bool fits = all <= most_of_block;
  const auto kernel = kernels[fits ? 0 : 1];
  const int64_t shared = fits ? all : levels;
  Plan plan = {(forest.trees + kBlocks - 1) / kBlocks, static_cast<int>(fits ? row | 1 : row)};
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  void* arguments[] = {&arrays, &plan};
  cudaLaunchKernel(kernel, dim3(static_cast<unsigned>((forest.trees + plan.trees - 1) / plan.trees)), dim3(kThreads),
                   arguments, static_cast<size_t>(shared), static_cast<cudaStream_t>(stream));
  return cudaGetLastError();  // of any call above
}

}  // namespace

int64_t forward_cuda_scratch(const Forest& forest) { return forest.nodes * forest.hidden; }

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  if (arrays.forest.trees == 0) return 0;
  return climb<Number>({forward_kernel<Number, true>, forward_kernel<Number, false>}, arrays, stream);
}

int64_t backward_cuda_scratch(const Forest& forest) { return 3 * forest.nodes * forest.hidden; }

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  const Forest& forest = arrays.forest;
  if (forest.trees == 0) return 0;
  const int error = climb<Number>({backward_kernel<Number, true>, backward_kernel<Number, false>}, arrays, stream);
  if (error != cudaSuccess) return error;
  Backward<Number> copy = arrays;
  Sums sums = {static_cast<int>((forest.hidden + kTileRows - 1) / kTileRows),
               static_cast<int>(3 * forest.hidden / kTileColumns + 1),  // of 3 hidden + 1 columns
               static_cast<int>(arrays.features / kTileColumns + 1)};
  const int64_t tiles = sums.row_tiles * (sums.column_tiles + sums.column_tiles_of_q);
  void* arguments[] = {&copy, &sums};
  cudaLaunchKernel(sum_kernel<Number>, dim3(static_cast<unsigned>(parts(forest) * tiles)), dim3(kSumThreads), arguments,
                   sizeof(Tiles<Number>), static_cast<cudaStream_t>(stream));
  const int64_t numbers = arrays.grad_x == nullptr ? 0 : forest.nodes * arrays.features;
  if (numbers > 0) {
    void* same[] = {&copy};
    cudaLaunchKernel(features_kernel<Number>, dim3(static_cast<unsigned>((numbers + kThreads - 1) / kThreads)),
                     dim3(kThreads), same, 0, static_cast<cudaStream_t>(stream));
  }
  return cudaGetLastError();
}

template int forward_cuda(const Forward<float>&, void*);
template int forward_cuda(const Forward<double>&, void*);
template int backward_cuda(const Backward<float>&, void*);
template int backward_cuda(const Backward<double>&, void*);

}  // namespace lightning_suite::tree_embedding
