// dsa_routing, CUDA. A block of threads does one job at a time: one sentence as one head sees it.
//
// A job reads x from device memory once: the first rows of the sentence, as many as there is room for, are copied to a
// tile in shared memory, and every pass over the words then takes them from there; further rows are read again, by
// then from the L2 cache. How large the tile is changes no bit of a result: every sum has an order that depends on
// head_dim, dtype and alignment alone, not on the batch around a sentence. There are no atomics.
//
// A row of x is cut into groups, one pack of neighbouring columns each: 16 bytes where head_dim and the pointers are
// multiples of that, else 8, else one number. The block passes over the words in two ways:
//     by column    each thread keeps one group of columns and takes every slices-th word: sum_i w_i x_i, grad_x
//     by word      a team of 1 to 32 lanes multiplies whole rows with a vector: x_i . v
//
// Shared memory, in this order, each part a multiple of 16 bytes (Precise<Number>, the tile Number):
//     partial        slice, column                     sums by slice, where there is more than one
//     coefficients   kCoefficients                     per word: scores, then weights; backward: e, iteration word
//     slopes         iteration head_dim                backward: ds of every iteration
//     tile           word head_dim
// A sentence with more words than there are coefficients has them in `weights`, and backward in `scratch`; slopes of
// more than kSlopes numbers are there as well. So nothing bounds words, head_dim or iterations; but a sentence is the
// work of one block however long it is.
//
// Backward, with ds^t = dz^t (1 - z^t z^t), the gradient of what tanh is taken of, and e^(r+1) = 0 (the derivation is
// in docs/derivations/dsa_routing.md):
//     for t = r .. 2:    da_i = x_i . ds^t + grad_weights_i,    e^t_i = e^(t+1)_i + a^t_i (da_i - sum_k a^t_k da_k),
//                        dz^(t-1) = sum_i e^t_i x_i + grad_vectors
//     grad_x_i = sum_t a^t_i ds^t + sum_(t<r) e^(t+1)_i z^t
#include "dsa_routing.h"

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "half_precision.cuh"

namespace lightning_suite::dsa_routing {
namespace {

constexpr int kThreads = 128;  // of a block where that is enough for its groups: short blocks overlap best
constexpr int kMostThreads = 256;
constexpr int kMostSlices = 16;  // their sums are added one after another
constexpr int kRows = 4;         // words that a team multiplies at a time, reading the vector once for all
constexpr int64_t kCoefficients = 512;
constexpr int64_t kSlopes = 4096;
constexpr int64_t kLeastTile = 8 << 10;  // bytes; with less, no more blocks would run at a time

// Loops marked `unroll 1` have few rounds: unrolled, they cost the registers of another block.

alignas(16) extern __shared__ unsigned char shared_memory[];

// How the host lays out a block; the last three are offsets into shared memory, in bytes.
struct Plan {
  int64_t groups;
  int slices, team;   // team: lanes to a word
  int64_t tile_rows;  // for which the tile has room
  int64_t coefficients, slopes, tile;
};

template <typename T, int kCount>
struct alignas(sizeof(T) * kCount < 16 ? sizeof(T) * kCount : 16) Pack {
  T values[kCount];
};

template <int kPack, typename T>
__device__ Pack<T, kPack> load(const T* first) {
  return *reinterpret_cast<const Pack<T, kPack>*>(first);
}

template <typename T, int kPack>
__device__ void store(T* first, const Pack<T, kPack>& pack) {
  *reinterpret_cast<Pack<T, kPack>*>(first) = pack;
}

// One number for each word of a sentence, in shared memory or, one head among others, in an array (word, head).
template <typename P>
struct Column {
  P* first;
  int64_t step;
  __device__ P& operator[](int64_t i) const { return first[i * step]; }
};

// The same sum in all lanes of a team: the order of the additions is the same for each of them.
template <typename P>
__device__ P sum_of_team(P value, int team) {
  for (int distance = team / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(~0u, value, distance);
  return value;
}

template <typename P>
__device__ P most_of_warp(P value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const P other = __shfl_xor_sync(~0u, value, distance);
    value = other > value ? other : value;
  }
  return value;
}

template <typename Number, int kPack>
struct Job {
  using P = Precise<Number>;

  const Sizes& sizes;
  const Plan& plan;
  const int64_t row_step;  // from a word's row to that of the next word
  const int slice;         // this thread's, by column
  const int64_t group;
  P* const partial;
  Number* const tile;
  int64_t index, words, first;  // sentence * heads + head; words of the sentence; word * heads + head of the first
  int64_t resident;             // words in the tile
  const Number* x;              // row of the first word

  __device__ Job(const Sizes& sizes, const Plan& plan)
      : sizes(sizes),
        plan(plan),
        row_step(sizes.heads * sizes.head_dim),
        slice(static_cast<int>(threadIdx.x / plan.groups)),
        group(threadIdx.x % plan.groups),
        partial(reinterpret_cast<P*>(shared_memory)),
        tile(reinterpret_cast<Number*>(shared_memory + plan.tile)) {}

  // False where there is no job for this block, or where the offsets are wrong: nothing has been read but them.
  __device__ bool open(const Number* all, const int64_t* offsets) {
    index = static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x;
    if (index >= sizes.sentences * sizes.heads) return false;
    const int64_t sentence = index / sizes.heads;
    const int64_t begin = offsets[sentence], end = offsets[sentence + 1];
    const bool starts = sentence > 0 || begin == 0, ends = sentence + 1 < sizes.sentences || end == sizes.words;
    if (begin < 0 || begin > end || end > sizes.words || !starts || !ends) {
      if (threadIdx.x == 0) {
        printf("dsa_routing: offsets must rise from 0 to the number of words, %lld, got %lld and %lld around sentence "
               "%lld of %lld\n", static_cast<long long>(sizes.words), static_cast<long long>(begin),
               static_cast<long long>(end), static_cast<long long>(sentence), static_cast<long long>(sizes.sentences));
        __trap();
      }
      return false;
    }
    words = end - begin;
    first = begin * sizes.heads + index % sizes.heads;
    x = all + first * sizes.head_dim;
    resident = words < plan.tile_rows ? words : plan.tile_rows;
    return true;
  }

  // Calls body(first column, first word) for this thread's share of the columns; its words are slices apart.
  template <typename Body>
  __device__ void by_column(Body body) const {
    if (slice >= plan.slices) return;  // more threads than slices * groups
    for (int64_t i = group; i < plan.groups; i += blockDim.x) body(i * kPack, slice);
  }

  // Starts to copy rows to the tile: all are under way at once. A thread copies what it will read by column.
  __device__ void fetch() const {
    by_column([&](int64_t column, int64_t word) {
      for (int64_t i = word; i < resident; i += plan.slices) {
        Number* to = tile + i * sizes.head_dim + column;
        const Number* from = x + i * row_step + column;
        if constexpr (sizeof(Number) * kPack >= 4) {
          __pipeline_memcpy_async(to, from, sizeof(Number) * kPack);
        } else {
          *to = *from;
        }
      }
    });
    __pipeline_commit();
  }

  // finish(first column, pack of sum_i weight(i) x_i), once for each group of columns.
  template <typename Weight, typename Finish>
  __device__ void weighted_sum(Weight weight, Finish finish) const {
    by_column([&](int64_t column, int64_t word) {
      Pack<P, kPack> sum = {};
      const auto add = [&](const Number* row, int64_t i) {
        const auto numbers = load<kPack>(row + column);
        const P w = weight(i);
#pragma unroll
        for (int k = 0; k < kPack; ++k) sum.values[k] += w * widened(numbers.values[k]);
      };
      int64_t i = word;
#pragma unroll 4
      for (; i < resident; i += plan.slices) add(tile + i * sizes.head_dim, i);
#pragma unroll 4
      for (; i < words; i += plan.slices) add(x + i * row_step, i);
      if (plan.slices == 1) return finish(column, sum);
      store(partial + word * sizes.head_dim + column, sum);
    });
    if (plan.slices == 1) return;
    __syncthreads();
    for (int64_t column = threadIdx.x * kPack; column < sizes.head_dim; column += blockDim.x * kPack) {
      Pack<P, kPack> sum = {};
      for (int64_t i = 0; i < plan.slices && i < words; ++i) {
        const auto part = load<kPack>(partial + i * sizes.head_dim + column);
#pragma unroll
        for (int k = 0; k < kPack; ++k) sum.values[k] += part.values[k];
      }
      finish(column, sum);
    }
  }

  // finish(i, x_i . (v_0 + ... + v_(count-1))), once for each word; the vectors are a step apart.
  template <typename Finish>
  __device__ void products(const P* vectors, int64_t count, int64_t step, Finish finish) const {
    const int teams = static_cast<int>(blockDim.x) / plan.team, lane = static_cast<int>(threadIdx.x) % plan.team;
    for (int64_t begin = 0; begin < words; begin += kRows * teams) {  // as often for every lane: they exchange sums
      const int64_t word = begin + threadIdx.x / plan.team;
      const Number* rows[kRows];
      P sums[kRows] = {};
#pragma unroll
      for (int k = 0; k < kRows; ++k) {
        const int64_t i = word + k * teams;
        rows[k] = i < resident ? tile + i * sizes.head_dim : x + i * row_step;
      }
      for (int64_t column = lane * kPack; column < sizes.head_dim; column += plan.team * kPack) {
        auto vector = load<kPack>(vectors + column);
#pragma unroll 1
        for (int64_t u = 1; u < count; ++u) {
          const auto other = load<kPack>(vectors + u * step + column);
#pragma unroll
          for (int k = 0; k < kPack; ++k) vector.values[k] += other.values[k];
        }
#pragma unroll
        for (int k = 0; k < kRows; ++k) {
          if (word + k * teams >= words) continue;
          const auto numbers = load<kPack>(rows[k] + column);
#pragma unroll
          for (int j = 0; j < kPack; ++j) sums[k] += vector.values[j] * widened(numbers.values[j]);
        }
      }
#pragma unroll
      for (int k = 0; k < kRows; ++k) {
        if (begin + k * teams >= words) continue;  // for the whole block
        const P sum = sum_of_team(sums[k], plan.team);
        if (lane == 0 && word + k * teams < words) finish(word + k * teams, sum);
      }
    }
  }
};

template <typename Number, int kPack>
__global__ void __launch_bounds__(kMostThreads, 2) forward_kernel(Forward<Number> arrays, Plan plan) {
  using P = Precise<Number>;
  const Sizes& sizes = arrays.sizes;
  Job<Number, kPack> job(sizes, plan);
  if (!job.open(arrays.x, arrays.offsets)) return;
  job.fetch();
  __pipeline_wait_prior(0);

  const P share = P(1) / static_cast<P>(job.words);  // of no words: never used
  P* const vectors = arrays.vectors + job.index * sizes.head_dim;
  const int64_t vector_step = sizes.sentences * sizes.heads * sizes.head_dim;
  for (int64_t t = 1; t <= sizes.iterations; ++t) {
    Column<P> weights = {reinterpret_cast<P*>(shared_memory + plan.coefficients), 1};
    if (t > 1) {
      const Column<P> kept = {arrays.weights + (t - 2) * sizes.words * sizes.heads + job.first, sizes.heads};
      if (job.words > kCoefficients) weights = kept;
      job.products(vectors, t - 1, vector_step, [&](int64_t i, P score) { weights[i] = score; });
      __syncthreads();
      if (threadIdx.x < 32) {  // softmax: a warp is enough, and waits for no other
        P most = -INFINITY, total = 0;
#pragma unroll 1
        for (int64_t i = threadIdx.x; i < job.words; i += 32) most = weights[i] > most ? weights[i] : most;
        most = most_of_warp(most);
#pragma unroll 1
        for (int64_t i = threadIdx.x; i < job.words; i += 32) total += std::exp(weights[i] - most);
        total = sum_of_team(total, 32);
#pragma unroll 1
        for (int64_t i = threadIdx.x; i < job.words; i += 32) {
          kept[i] = weights[i] = std::exp(weights[i] - most) / total;
        }
      }
      __syncthreads();
    }
    job.weighted_sum([&](int64_t i) { return t > 1 ? weights[i] : share; },
                     [&](int64_t column, Pack<P, kPack> z) {
                       Pack<Number, kPack> rounded;
#pragma unroll
                       for (int k = 0; k < kPack; ++k) {
                         z.values[k] = std::tanh(z.values[k]);
                         round_to(rounded.values[k], z.values[k]);
                       }
                       if (t < sizes.iterations) {
                         store(vectors + (t - 1) * vector_step + column, z);
                       } else {
                         store(arrays.z + job.index * sizes.head_dim + column, rounded);
                       }
                     });
    __syncthreads();
  }
}

template <typename Number, int kPack>
__global__ void __launch_bounds__(kMostThreads, 2) backward_kernel(Backward<Number> arrays, Plan plan) {
  using P = Precise<Number>;
  constexpr int kHeld = 2;  // words whose gradients a thread holds at a time
  const Sizes& sizes = arrays.sizes;
  Job<Number, kPack> job(sizes, plan);
  if (!job.open(arrays.x, arrays.offsets) || job.words == 0) return;
  const int64_t last = sizes.iterations, dim = sizes.head_dim;
  if (last > 1) job.fetch();  // the gradient of a mean needs no words

  // From one iteration to the next: in arrays like vectors, and like weights.
  const int64_t vector_step = sizes.sentences * sizes.heads * dim, row_step = sizes.words * sizes.heads;
  const P* const vectors = arrays.vectors + job.index * dim;
  const bool fit = last * dim <= kSlopes;
  P* const slopes = fit ? reinterpret_cast<P*>(shared_memory + plan.slopes) : arrays.scratch + job.index * dim;
  const int64_t slope_step = fit ? dim : vector_step;
  const int64_t room = last > 1 ? kCoefficients / (last - 1) : 0;
  const Column<P> all_e =
      job.words <= room ? Column<P>{reinterpret_cast<P*>(shared_memory + plan.coefficients), 1}
                        : Column<P>{arrays.scratch + (fit ? 0 : last * vector_step) + job.first, sizes.heads};
  const int64_t e_step = job.words <= room ? room : row_step;
  const auto e = [&](int64_t t) { return Column<P>{all_e.first + (t - 2) * e_step, all_e.step}; };
  const auto a = [&](int64_t t) {
    return Column<const P>{arrays.weights + (t - 2) * row_step + job.first, sizes.heads};
  };

  for (int64_t column = threadIdx.x; column < dim; column += blockDim.x) {
    const int64_t at = job.index * dim + column;
    const P z = widened(arrays.z[at]);
    slopes[(last - 1) * slope_step + column] = arrays.grad_z ? widened(arrays.grad_z[at]) * (1 - z * z) : P(0);
  }
  __pipeline_wait_prior(0);
  __syncthreads();
  for (int64_t t = last; t > 1; --t) {
    const Column<P> now = e(t), later = e(t < last ? t + 1 : t);
    const Column<const P> weights = a(t);
    const P* const given = arrays.grad_weights ? arrays.grad_weights + (t - 2) * row_step + job.first : nullptr;
    job.products(slopes + (t - 1) * slope_step, 1, 0, [&](int64_t i, P product) {
      now[i] = product + (given ? given[i * sizes.heads] : P(0));
    });
    __syncthreads();
    if (threadIdx.x < 32) {  // the gradient of softmax: a warp is enough here too
      P mean = 0;
#pragma unroll 1
      for (int64_t i = threadIdx.x; i < job.words; i += 32) mean += weights[i] * now[i];
      mean = sum_of_team(mean, 32);
#pragma unroll 1
      for (int64_t i = threadIdx.x; i < job.words; i += 32) {
        now[i] = weights[i] * (now[i] - mean) + (t < last ? later[i] : P(0));
      }
    }
    __syncthreads();
    job.weighted_sum([&](int64_t i) { return now[i]; },
                     [&](int64_t column, Pack<P, kPack> sum) {
                       const int64_t at = (t - 2) * vector_step + column;
                       const auto z = load<kPack>(vectors + at);
                       Pack<P, kPack> given = {};
                       if (arrays.grad_vectors) given = load<kPack>(arrays.grad_vectors + job.index * dim + at);
#pragma unroll
                       for (int k = 0; k < kPack; ++k) {
                         sum.values[k] = (sum.values[k] + given.values[k]) * (1 - z.values[k] * z.values[k]);
                       }
                       store(slopes + (t - 2) * slope_step + column, sum);
                     });
    __syncthreads();
  }

  const P share = P(1) / static_cast<P>(job.words);
  job.by_column([&](int64_t column, int64_t word) {
    for (; word < job.words; word += kHeld * plan.slices) {
      P sums[kHeld][kPack] = {};
      for (int64_t t = 1; t <= last; ++t) {
        const auto slope = load<kPack>(slopes + (t - 1) * slope_step + column);
        const auto z = t < last ? load<kPack>(vectors + (t - 1) * vector_step + column) : Pack<P, kPack>{};
#pragma unroll
        for (int k = 0; k < kHeld; ++k) {
          const int64_t i = word + k * plan.slices;
          if (i >= job.words) continue;
          const P weight = t > 1 ? a(t)[i] : share, score = t < last ? e(t + 1)[i] : P(0);
#pragma unroll
          for (int j = 0; j < kPack; ++j) sums[k][j] += weight * slope.values[j] + score * z.values[j];
        }
      }
#pragma unroll
      for (int k = 0; k < kHeld; ++k) {
        const int64_t i = word + k * plan.slices;
        if (i >= job.words) continue;
        Pack<Number, kPack> numbers;
#pragma unroll
        for (int j = 0; j < kPack; ++j) round_to(numbers.values[j], sums[k][j]);
        store(arrays.grad_x + (job.first + i * sizes.heads) * dim + column, numbers);
      }
    }
  });
}

// The pointers' bits, to see at once whether all are multiples of a power of two.
template <typename... Pointers>
uintptr_t together(Pointers... pointers) {
  return (reinterpret_cast<uintptr_t>(pointers) | ...);
}

// Lays out and starts the kernel for packs of 16 bytes, of 8, or of one number: the first that may begin where the rows
// of all arrays begin, those of Number and those of Precise<Number>. The tile has room for one and a half sentences of
// mean length, but leaves room for a second block.
template <typename Number, typename Arrays>
int launch(void (*const (&kernels)[3])(Arrays, Plan), Arrays arrays, uintptr_t narrow_rows, uintptr_t wide_rows,
           int64_t slopes, void* stream) {
  using P = Precise<Number>;
  const Sizes& sizes = arrays.sizes;
  const int64_t row_bytes = sizes.head_dim * static_cast<int64_t>(sizeof(Number));
  const uintptr_t bits = narrow_rows | static_cast<uintptr_t>(row_bytes);
  const int width = wide_rows % 16 != 0 || bits % 8 != 0 ? 2 : bits % 16 != 0 ? 1 : 0;
  const int64_t pack_bytes = width == 0 ? 16 : width == 1 ? 8 : static_cast<int64_t>(sizeof(Number));

  Plan plan;
  plan.groups = row_bytes / pack_bytes;
  plan.slices = static_cast<int>(std::clamp<int64_t>(kThreads / plan.groups, 1, kMostSlices));
  const int64_t threads = std::min<int64_t>((plan.groups * plan.slices + 31) / 32 * 32, kMostThreads);
  plan.team = 1;
  while (plan.team < 32 && plan.team < plan.groups) plan.team *= 2;

  const auto bytes = [](int64_t count) { return (count * static_cast<int64_t>(sizeof(P)) + 15) / 16 * 16; };
  plan.coefficients = bytes(plan.slices > 1 ? plan.slices * sizes.head_dim : 0);
  plan.slopes = plan.coefficients + bytes(kCoefficients);
  plan.tile = plan.slopes + bytes(slopes);

  int device = 0, most_of_block = 0, all = 0, reserved = 0, most_blocks = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&most_of_block, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  cudaDeviceGetAttribute(&all, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device);
  cudaDeviceGetAttribute(&reserved, cudaDevAttrReservedSharedMemoryPerBlock, device);
  cudaDeviceGetAttribute(&most_blocks, cudaDevAttrMaxGridDimX, device);
  const int64_t wished = std::max(kLeastTile, (sizes.words / sizes.sentences + 1) * 3 / 2 * row_bytes);
  const int64_t room = std::max<int64_t>(0, std::min(most_of_block, all / 2 - reserved) - plan.tile);
  plan.tile_rows = sizes.iterations > 1 ? std::min(wished, room) / row_bytes : 0;

  const int64_t shared = plan.tile + plan.tile_rows * row_bytes;
  cudaFuncSetAttribute(kernels[width], cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  const int64_t jobs = sizes.sentences * sizes.heads, columns = std::min<int64_t>(jobs, most_blocks);
  const dim3 grid(static_cast<unsigned>(columns), static_cast<unsigned>((jobs + columns - 1) / columns));
  void* arguments[] = {&arrays, &plan};
  cudaLaunchKernel(kernels[width], grid, dim3(static_cast<unsigned>(threads)), arguments,
                   static_cast<size_t>(shared), static_cast<cudaStream_t>(stream));
  return cudaGetLastError();  // of any call above
}

// Numbers in a pack of that many bytes.
template <typename Number, size_t kBytes>
constexpr int kPackOf = static_cast<int>(kBytes / sizeof(Number));

}  // namespace

template <typename Number>
int forward_cuda(const Forward<Number>& arrays, void* stream) {
  const Sizes& sizes = arrays.sizes;
  if (sizes.sentences == 0 || sizes.heads == 0) return 0;
  return launch<Number>({forward_kernel<Number, kPackOf<Number, 16>>, forward_kernel<Number, kPackOf<Number, 8>>,
                         forward_kernel<Number, 1>},
                        arrays, together(arrays.x, arrays.z), together(arrays.vectors), 0, stream);
}

int64_t backward_cuda_scratch(const Sizes& sizes) {
  const int64_t slopes = sizes.iterations * sizes.head_dim;
  return (slopes <= kSlopes ? 0 : slopes * sizes.sentences * sizes.heads) +
         (sizes.iterations - 1) * sizes.words * sizes.heads;
}

template <typename Number>
int backward_cuda(const Backward<Number>& arrays, void* stream) {
  const Sizes& sizes = arrays.sizes;
  if (sizes.heads == 0 || sizes.words == 0) return 0;
  const int64_t slopes = sizes.iterations * sizes.head_dim;
  return launch<Number>({backward_kernel<Number, kPackOf<Number, 16>>, backward_kernel<Number, kPackOf<Number, 8>>,
                         backward_kernel<Number, 1>},
                        arrays, together(arrays.x, arrays.grad_x),
                        together(arrays.vectors, arrays.grad_vectors, arrays.scratch), slopes <= kSlopes ? slopes : 0,
                        stream);
}

template int forward_cuda(const Forward<float>&, void*);
template int forward_cuda(const Forward<double>&, void*);
template int forward_cuda(const Forward<Half>&, void*);
template int forward_cuda(const Forward<BFloat16>&, void*);
template int backward_cuda(const Backward<float>&, void*);
template int backward_cuda(const Backward<double>&, void*);
template int backward_cuda(const Backward<Half>&, void*);
template int backward_cuda(const Backward<BFloat16>&, void*);

}  // namespace lightning_suite::dsa_routing
