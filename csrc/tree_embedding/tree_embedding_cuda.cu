// tree_embedding, CUDA. Two kernels climb the trees, a third one adds up the gradients of the weights.
//
// climbing: a block has some consecutive trees, and goes through their nodes in windows of kThreads, whatever trees
// they belong to: upwards in forward, downwards in backward. Within a window the inner nodes are sorted by how many
// nodes of the window are above them; those of one depth are done together, and the block waits between depths. A child
// below the window is ready (forward), or has its turn in a later window (backward): nothing bounds the nodes of a
// tree. A thread has one column of one or kRows nodes at a time, and adds up its sums alone: no bit depends on the
// trees around a node.
//
// Shared memory of a climbing block (the weight if there is room; else it is read from device memory):
//     Levels
//     weight         hidden, stride                    stride is odd: neighbouring rows begin in other banks
//
// Backward, with g_i = grad_h_i + what the parent gives (the derivation is in docs/derivations/tree_embedding.md):
//     leaf:          grad_u_i = g_i
//     inner node:    pre_i = g_i where h_i > 0, else 0,    [to g_l, to g_r, grad_u_i] = pre_i W
// and pre is kept in `scratch` for the third kernel, of which a block has one tile of one part's sum of
// pre_i' [h_l, h_r, u_i, 1], in the order of the nodes; the last column is the gradient of the bias. There are no
// atomics.
//
// Shared memory of a block of the third kernel:
//     Tiles                                            a batch of inner nodes, and their rows
#include "tree_embedding.h"

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include <cstdio>

namespace lightning_suite::tree_embedding {
namespace {

constexpr int kThreads = 256;     // of a climbing block, and nodes of a window
constexpr int kRows = 4;          // nodes that a thread multiplies with a weight at a time
constexpr int64_t kBlocks = 384;  // climbing at most: three on each multiprocessor of a large device

constexpr int kSumThreads = 128;  // of a block of the third kernel, and nodes that it looks at together
constexpr int kSide = 4;          // a thread has kSide * kSide sums of the tile
constexpr int kTileRows = 32, kTileColumns = 64;
constexpr int kBatch = 32;        // nodes whose rows are in shared memory at a time
static_assert(kTileRows * kTileColumns == kSumThreads * kSide * kSide);

// Loops marked `unroll 1` have few rounds: unrolled, they cost registers that then spill.

alignas(16) extern __shared__ unsigned char shared_memory[];

struct Plan {
  int64_t trees;  // of a block
  int stride;     // from one row of the weight to the next
};

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

template <typename Number, bool kResident>
struct Climb {
  const Forest& forest;
  const int hidden, stride;
  Levels& levels;
  const Number* const weight;
  int64_t first_tree, last_tree, begin, end;  // the block's trees and nodes

  // Checks the block's offsets, and starts to copy the weight.
  __device__ Climb(const Forest& forest, const Plan& plan, const Number* all)
      : forest(forest),
        hidden(static_cast<int>(forest.hidden)),
        stride(plan.stride),
        levels(*reinterpret_cast<Levels*>(shared_memory)),
        weight(kResident ? reinterpret_cast<const Number*>(shared_memory + sizeof(Levels)) : all),
        first_tree(blockIdx.x * plan.trees),
        last_tree(first_tree + plan.trees < forest.trees ? first_tree + plan.trees : forest.trees) {
#pragma unroll 1
    for (int64_t tree = first_tree + threadIdx.x; tree < last_tree; tree += kThreads) {
      const int64_t here = forest.offsets[tree], next = forest.offsets[tree + 1];
      const bool starts = tree > 0 || here == 0, ends = tree + 1 < forest.trees || next == forest.nodes;
      if (here >= 0 && here <= next && next <= forest.nodes && starts && ends) continue;
      printf("tree_embedding: offsets must rise from 0 to the number of nodes, %lld, got %lld and %lld around tree "
             "%lld of %lld\n", static_cast<long long>(forest.nodes), static_cast<long long>(here),
             static_cast<long long>(next), static_cast<long long>(tree), static_cast<long long>(forest.trees));
      __trap();
    }
    if constexpr (kResident) {
      Number* const copy = reinterpret_cast<Number*>(shared_memory + sizeof(Levels));
      for (int i = threadIdx.x; i < hidden * 3 * hidden; i += kThreads) {
        const int row = i / (3 * hidden);
        __pipeline_memcpy_async(copy + row * stride + i - row * 3 * hidden, all + i, sizeof(Number));
      }
      __pipeline_commit();
      __pipeline_wait_prior(0);
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
    printf("tree_embedding: children must be -1 and -1, or two earlier nodes of the same tree that have no other "
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

  // body(node, column) for all of the block's, by warps.
  template <typename Body>
  __device__ void everywhere(Body body) const {
    for (int64_t node = begin + threadIdx.x / 32; node < end; node += kThreads / 32) {
#pragma unroll 1
      for (int column = threadIdx.x % 32; column < hidden; column += 32) body(node, column);
    }
  }
};

template <typename Number, bool kResident>
__global__ void __launch_bounds__(kThreads, 3) forward_kernel(Forward<Number> arrays, Plan plan) {
  const Climb<Number, kResident> climb(arrays.forest, plan, arrays.weight);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  climb.everywhere([&](int64_t node, int column) {
    if (children[2 * node] < 0) arrays.h[node * hidden + column] = arrays.u[node * hidden + column];
  });
  const auto embed = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount];
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) sums[k] = arrays.bias[column];
#pragma unroll 1
    for (int side = 0; side < 3; ++side) {
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        rows[k] = side < 2 ? arrays.h + children[2 * nodes[k] + side] * hidden : arrays.u + nodes[k] * hidden;
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

template <typename Number, bool kResident>
__global__ void __launch_bounds__(kThreads, 3) backward_kernel(Backward<Number> arrays, Plan plan) {
  const Climb<Number, kResident> climb(arrays.forest, plan, arrays.weight);
  const int hidden = climb.hidden;
  const int64_t* const children = arrays.forest.children;
  const auto put = [&](int64_t node, int column, Number from_parent) {
    const int64_t at = node * hidden + column;
    const Number g = arrays.grad_h[at] + from_parent;
    if (children[2 * node] < 0) {
      arrays.grad_u[at] = g;
    } else {
      arrays.scratch[at] = arrays.h[at] <= 0 ? Number(0) : g;
    }
  };
  climb.everywhere([&](int64_t node, int column) { put(node, column, 0); });  // what has a parent is put again
  const auto descend = [&](int column, const auto& nodes) {
    constexpr int kCount = sizeof(nodes) / sizeof(nodes[0]);
    Number sums[kCount] = {};
    const Number* rows[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) rows[k] = arrays.scratch + nodes[k] * hidden;
    multiply(climb.weight + column, climb.stride, rows, hidden, sums);
    const int side = column / hidden, at = column - side * hidden;
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      if (side < 2) {
        put(children[2 * nodes[k] + side], at, sums[k]);
      } else {
        arrays.grad_u[nodes[k] * hidden + at] = sums[k];
      }
    }
  };
  const int64_t windows = (climb.end - climb.begin + kThreads - 1) / kThreads;
  for (int64_t window = windows; window-- > 0;) {
    const int64_t first = climb.begin + window * kThreads;
    for (int level = climb.sort(first); level-- > 0;) climb.at_depth(first, level, 3 * hidden, descend);
  }
}

template <typename Number>
struct alignas(16) Tiles {
  Number pre[kBatch][kTileRows], inputs[kBatch][kTileColumns];
  int64_t nodes[kSumThreads];  // the inner ones of so many
  int counts[kSumThreads / 32];
};

template <typename Number>
__global__ void __launch_bounds__(kSumThreads) sum_kernel(Backward<Number> arrays, int row_tiles, int column_tiles) {
  auto& tiles = *reinterpret_cast<Tiles<Number>*>(shared_memory);
  const Forest& forest = arrays.forest;
  const int hidden = static_cast<int>(forest.hidden), own = static_cast<int>(threadIdx.x);
  const int64_t part = blockIdx.x / (row_tiles * column_tiles), first_tree = part * kTreesOfPart;
  const int tile = static_cast<int>(blockIdx.x % (row_tiles * column_tiles));
  const int first_row = tile / column_tiles * kTileRows, first_column = tile % column_tiles * kTileColumns;
  const int64_t last_tree = first_tree + kTreesOfPart < forest.trees ? first_tree + kTreesOfPart : forest.trees;
  const int64_t end = forest.offsets[last_tree];

  // The column of the inputs, and the row, that this thread copies; those that it adds up.
  const int column = first_column + own % kTileColumns, side = column / hidden, row = first_row + own % kTileRows;
  const int sums_row = own / (kTileColumns / kSide) * kSide, sums_column = own % (kTileColumns / kSide) * kSide;
  Number sums[kSide][kSide] = {};
  for (int64_t first = forest.offsets[first_tree]; first < end; first += kSumThreads) {
    const int64_t node = first + own;
    const int inner = node < end && forest.children[2 * node] >= 0;
    int before = 0, count = inner;  // inner nodes in the lanes before this one, and in these 1, 2, 4 .. 32 lanes
    for (int distance = 1; distance < 32; distance *= 2) {
      const int other = __shfl_xor_sync(~0u, count, distance);
      if (own & distance) before += other;
      count += other;
    }
    if (own % 32 == 0) tiles.counts[own / 32] = count;
    __syncthreads();
    count = 0;
    for (int warp = 0; warp < kSumThreads / 32; ++warp) {
      if (warp < own / 32) before += tiles.counts[warp];
      count += tiles.counts[warp];
    }
    if (inner) tiles.nodes[before] = node;
    __syncthreads();
    for (int start = 0; start < count; start += kBatch) {
      const int batch = count - start < kBatch ? count - start : kBatch;
#pragma unroll 4
      for (int i = own / kTileRows; i < batch; i += kSumThreads / kTileRows) {
        const int64_t from = tiles.nodes[start + i];
        tiles.pre[i][own % kTileRows] = row < hidden ? arrays.scratch[from * hidden + row] : Number(0);
      }
#pragma unroll 4
      for (int i = own / kTileColumns; i < batch; i += kSumThreads / kTileColumns) {
        const int64_t from = tiles.nodes[start + i];
        Number input = 1;
        if (side < 2) input = arrays.h[forest.children[2 * from + side] * hidden + column - side * hidden];
        if (side == 2) input = arrays.u[from * hidden + column - 2 * hidden];
        tiles.inputs[i][own % kTileColumns] = input;
      }
      __syncthreads();
#pragma unroll 4
      for (int i = 0; i < batch; ++i) {
#pragma unroll
        for (int r = 0; r < kSide; ++r) {
#pragma unroll
          for (int c = 0; c < kSide; ++c) {
            sums[r][c] += tiles.pre[i][sums_row + r] * tiles.inputs[i][sums_column + c];
          }
        }
      }
      __syncthreads();
    }
  }
#pragma unroll
  for (int r = 0; r < kSide; ++r) {
#pragma unroll
    for (int c = 0; c < kSide; ++c) {
      const int at = first_column + sums_column + c;
      if (first_row + sums_row + r >= hidden) continue;
      const int64_t sums_at = part * hidden + first_row + sums_row + r;
      if (at < 3 * hidden) arrays.grad_weight[sums_at * 3 * hidden + at] = sums[r][c];
      if (at == 3 * hidden) arrays.grad_bias[sums_at] = sums[r][c];
    }
  }
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

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  if (arrays.forest.trees == 0) return 0;
  return climb<Number>({forward_kernel<Number, true>, forward_kernel<Number, false>}, arrays, stream);
}

int64_t backward_cuda_scratch(const Forest& forest) { return forest.nodes * forest.hidden; }

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  const Forest& forest = arrays.forest;
  if (forest.trees == 0) return 0;
  const int error = climb<Number>({backward_kernel<Number, true>, backward_kernel<Number, false>}, arrays, stream);
  if (error != cudaSuccess) return error;
  Backward<Number> copy = arrays;
  const int64_t parts = (forest.trees + kTreesOfPart - 1) / kTreesOfPart;
  int row_tiles = static_cast<int>((forest.hidden + kTileRows - 1) / kTileRows);
  int column_tiles = static_cast<int>(3 * forest.hidden / kTileColumns + 1);  // of 3 hidden + 1 columns
  void* arguments[] = {&copy, &row_tiles, &column_tiles};
  cudaLaunchKernel(sum_kernel<Number>, dim3(static_cast<unsigned>(parts * row_tiles * column_tiles)),
                   dim3(kSumThreads), arguments, sizeof(Tiles<Number>), static_cast<cudaStream_t>(stream));
  return cudaGetLastError();
}

template int forward_cuda(const Forward<float>&, void*);
template int forward_cuda(const Forward<double>&, void*);
template int backward_cuda(const Backward<float>&, void*);
template int backward_cuda(const Backward<double>&, void*);

}  // namespace lightning_suite::tree_embedding
