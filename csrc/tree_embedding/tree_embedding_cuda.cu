// tree_embedding, CUDA. Two kernels climb the trees, a third one adds up the gradients of the weights, and a fourth one
// has that of x, where it is asked for. Before each climb, one transposes the weights that it multiplies with.
//
// climbing (forest_climb.cuh, forest_products.cuh): upwards in forward, downwards in backward. Of each window u is
// computed first, again in backward: of leaves it is h, of inner nodes it is written to `scratch`. Then come the inner
// nodes, depth by depth.
//
// Backward, with g_i = grad_h_i + what the parent gives (the derivation is in docs/derivations/tree_embedding.md):
//     leaf:          q_i = g_i where h_i > 0, else 0
//     inner node:    p_i = g_i where h_i > 0, else 0,    [to g_l, to g_r, to u_i] = p_i W_h,
//                    q_i = what reaches u_i where u_i > 0, else 0
// p, q and u are kept in `scratch`, node hidden each, for the other kernels. A block of the third one has one tile of
// one part's sum of p_i' [h_l, h_r, u_i, 1] or of q_i' [x_i, 1], in the order of the nodes; the last column is the
// gradient of the bias. No atomic operation touches a sum.
//
// Shared memory of a climbing block: Climbing; of a block of the third kernel (forest_sums.cuh): Tiles
#include "tree_embedding.h"

#include <cuda_runtime.h>

#include "forest_products.cuh"
#include "forest_sums.cuh"

namespace lightning_suite::tree_embedding {
namespace {

// Of a thread's tile: with 4 a depth of a window fills a block; sums of float64 take twice the registers.
template <typename Number>
constexpr int kMostRows = sizeof(Number) == 8 ? 2 : 4;

alignas(16) extern __shared__ unsigned char shared_memory[];

// What backward writes to `scratch`; u and p of inner nodes alone.
template <typename Number>
struct Kept {
  Number *p, *q, *u;  // node hidden each
  Number* w_u;        // transposed

  __host__ __device__ explicit Kept(const Backward<Number>& arrays)
      : p(arrays.scratch),
        q(p + arrays.forest.nodes * arrays.forest.hidden),
        u(q + arrays.forest.nodes * arrays.forest.hidden),
        w_u(u + arrays.forest.nodes * arrays.forest.hidden) {}
};

// finish(node, column, number of u) for some nodes.
template <typename Number, typename Arrays, typename Node, typename Finish>
__device__ void embed_features(Climbing<Number>& shared, const Arrays& arrays, int count, Node node,
                               Finish finish) {
  const int features = static_cast<int>(arrays.features), hidden = static_cast<int>(arrays.forest.hidden);
  multiply<kMostRows<Number>>(
      shared, count, node, Weight<Number>{arrays.w_u, 1, features, hidden},
      [&](int64_t, int column) { return arrays.b_u[column]; },
      [&](int64_t node, int) { return Row<Number>{arrays.x + node * features}; },
      [&](int64_t node, int column, Number sum) { finish(node, column, sum < 0 ? Number(0) : sum); });
}

// With w_u and w_h transposed; `scratch` is u of the inner nodes.
template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) forward_kernel(Forward<Number> arrays) {
  auto& shared = *reinterpret_cast<Climbing<Number>*>(shared_memory);
  const Levels& levels = shared.levels;
  const Climb climb(arrays.forest, shared.levels);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  for (int64_t window = 0; window < climb.windows(); ++window) {
    climb.sort(window);
    embed_features(
        shared, arrays, levels.count, [&](int i) { return levels.first + i; },
        [&](int64_t node, int column, Number u) {
          (children[2 * node] < 0 ? arrays.h : arrays.scratch)[node * hidden + column] = u;
        });
    for (int depth = levels.depths; depth-- > 0;) {
      const InnerNodes nodes = {levels, depth};
      multiply<kMostRows<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{arrays.w_h, 3, hidden, hidden},
          [&](int64_t, int column) { return arrays.b_h[column]; },
          [&](int64_t node, int side) {
            const int64_t row = side < 2 ? children[2 * node + side] : node;
            return Row<Number>{(side < 2 ? arrays.h : arrays.scratch) + row * hidden};
          },
          [&](int64_t node, int column, Number sum) { arrays.h[node * hidden + column] = sum < 0 ? Number(0) : sum; });
    }
  }
}

// With w_u transposed.
template <typename Number>
__global__ void __launch_bounds__(kThreads, 2) backward_kernel(Backward<Number> arrays) {
  auto& shared = *reinterpret_cast<Climbing<Number>*>(shared_memory);
  const Levels& levels = shared.levels;
  const Climb climb(arrays.forest, shared.levels);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  const Kept<Number> kept(arrays);
  const auto put = [&](int64_t node, int column, Number from_parent) {
    const int64_t at = node * hidden + column;
    const Number g = arrays.grad_h[at] + from_parent;
    (children[2 * node] < 0 ? kept.q : kept.p)[at] = arrays.h[at] <= 0 ? Number(0) : g;
  };
  climb.everywhere([&](int64_t node, int column) { put(node, column, 0); });  // what has a parent is put again
  for (int64_t window = climb.windows(); window-- > 0;) {
    climb.sort(window);
    embed_features(
        shared, arrays, levels.starts[levels.depths], InnerNodes{levels, 0},
        [&](int64_t node, int column, Number u) { kept.u[node * hidden + column] = u; });
    for (int depth = 0; depth < levels.depths; ++depth) {
      const InnerNodes nodes = {levels, depth};
      multiply<kMostRows<Number>>(
          shared, nodes.count(), nodes, Weight<Number>{arrays.w_h, 1, hidden, 3 * hidden},
          [](int64_t, int) { return Number(0); },
          [&](int64_t node, int) { return Row<Number>{kept.p + node * hidden}; },
          [&](int64_t node, int column, Number sum) {
            const int side = column / hidden, at = column - side * hidden;
            if (side < 2) {
              put(children[2 * node + side], at, sum);
            } else {
              kept.q[node * hidden + at] = kept.u[node * hidden + at] <= 0 ? Number(0) : sum;
            }
          });
    }
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
  sums.add_part(
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

}  // namespace

int64_t forward_cuda_scratch(const Forest& forest, int64_t features) {
  return (forest.nodes + features + 3 * forest.hidden) * forest.hidden;
}

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  const int64_t hidden = arrays.forest.hidden;
  if (arrays.forest.trees == 0) return 0;
  Forward<Number> climbing = arrays;
  Number* const transposed = arrays.scratch + arrays.forest.nodes * hidden;
  climbing.w_u = transposed;
  climbing.w_h = transposed + arrays.features * hidden;
  const int error = transpose<Number>(
      {transposed, {{arrays.w_u, hidden, arrays.features}, {arrays.w_h, hidden, 3 * hidden}}}, stream);
  return error != cudaSuccess ? error : climb(forward_kernel<Number>, climbing, sizeof(Climbing<Number>), stream);
}

int64_t backward_cuda_scratch(const Forest& forest, int64_t features) {
  return (3 * forest.nodes + features) * forest.hidden;
}

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  const Forest& forest = arrays.forest;
  if (forest.trees == 0) return 0;
  Backward<Number> climbing = arrays;
  Number* const transposed = Kept<Number>(arrays).w_u;
  climbing.w_u = transposed;
  int error = transpose<Number>({transposed, {{arrays.w_u, forest.hidden, arrays.features}}}, stream);
  if (error == cudaSuccess) error = climb(backward_kernel<Number>, climbing, sizeof(Climbing<Number>), stream);
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
