// CUDA on a CPU: what the kernels of csrc/ use of CUDA, so that g++ compiles the same source and runs it, slowly.
//
// Each thread of a block is a fiber with a stack of its own; a fiber gives way where a thread waits, at __syncthreads
// and at shuffles. Blocks run one after another, the last first. What real hardware forgives is found here:
//     ThreadSanitizer takes each fiber for a thread, and only __syncthreads for an order between them: a missing one
//         is a data race, in shared memory as in global memory;
//     AddressSanitizer knows how much shared memory was asked for;
//     shared memory is NaN when a block begins, and an asynchronous copy arrives only when it is waited for;
//     a barrier that some threads of a block never reach is reported.
// Not modelled: weak memory order within a warp beyond that, occupancy, time, races between blocks.
#pragma once

#include <sanitizer/asan_interface.h>
#include <ucontext.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "half_precision.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#define __global__
#define __device__
#define __host__
#define __shared__
#define __launch_bounds__(...)

using cudaError_t = int;
using cudaStream_t = void*;
constexpr cudaError_t cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorLaunchFailure = 719;
enum cudaDeviceAttr {
  cudaDevAttrMaxSharedMemoryPerMultiprocessor,
  cudaDevAttrMaxSharedMemoryPerBlockOptin,
  cudaDevAttrReservedSharedMemoryPerBlock,
  cudaDevAttrMaxGridDimX,
  cudaDevAttrMultiProcessorCount,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

struct dim3 {
  unsigned x, y, z;
  explicit dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace cuda_on_cpu {

constexpr int kWarp = 32;
constexpr int kMostThreads = 1024;
constexpr size_t kStack = 256 << 10;
constexpr size_t kSharedMemory = 256 << 10;

// The device, for a test to choose.
inline int shared_memory_per_multiprocessor = 228 << 10;
inline int most_blocks = 0x7fffffff;  // along the first axis of a grid
inline int multiprocessors = 132, blocks_of_multiprocessor = 2;

// Threads that wait for one another. Plain counters: fibers give way nowhere else, so no two touch them at a time.
struct Barrier {
  int expected = 0, arrived = 0, generation = 0;
};

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStack]};
  const Barrier* waits_for = nullptr;
  int generation = 0;  // of the barrier, when it came
  bool finished = true;
  std::vector<std::tuple<void*, const void*, size_t>> copies;  // under way
#ifdef __SANITIZE_THREAD__
  void* thread = __tsan_create_fiber(0);
#endif
};

// What ThreadSanitizer must not take for the kernel's own memory is touched only by functions marked so.
#ifdef __SANITIZE_THREAD__
#define UNSEEN __attribute__((no_sanitize("thread"), noinline))
inline void* main_thread = __tsan_get_current_fiber();
inline void order_after(void* event) { __tsan_acquire(event); }
inline void order_before(void* event) { __tsan_release(event); }
#else
#define UNSEEN __attribute__((noinline))
inline void order_after(void*) {}
inline void order_before(void*) {}
#endif

inline Fiber* fibers[kMostThreads];
inline ucontext_t host;
inline Barrier block_barrier, warp_barriers[kMostThreads / kWarp];
inline std::atomic<uint64_t> exchanged[2][kMostThreads];  // by shuffles, every other time
inline std::atomic<unsigned> thread_index, block_index[2], block_size, grid_size[2];
inline int threads, finished, last_error;
inline bool trapped, stuck;
inline const std::function<void()>* kernel;
inline char launched, ended, paused;  // events: a block begins, it ends, a thread gives way
inline char passed_barrier[2];        // every other __syncthreads: a thread can be one ahead of another, not two
inline unsigned shuffles[kMostThreads];
inline std::vector<Fiber*>& abandoned = *new std::vector<Fiber*>;  // and never freed, which is no leak

UNSEEN inline void run(Fiber* next, ucontext_t* from) {
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(next ? next->thread : main_thread, __tsan_switch_to_fiber_no_sync);
#endif
  swapcontext(from, next ? &next->context : &host);
}

// Goes on with the next thread that can; with the host after a trap, or when no thread can.
UNSEEN inline void give_way() {
  order_before(&paused);
  const int own = static_cast<int>(thread_index.load(std::memory_order_relaxed));
  for (int i = 1; i <= threads && !trapped && finished < threads; ++i) {
    const int other = (own + i) % threads;
    Fiber* fiber = fibers[other];
    if (fiber->finished || (fiber->waits_for && fiber->waits_for->generation == fiber->generation)) continue;
    thread_index.store(static_cast<unsigned>(other), std::memory_order_relaxed);
    if (other != own) run(fiber, &fibers[own]->context);
    return;
  }
  stuck = finished < threads && !trapped;
  run(nullptr, &fibers[own]->context);
}

UNSEEN inline void wait_at(Barrier* barrier) {
  Fiber* own = fibers[thread_index.load(std::memory_order_relaxed)];
  if (++barrier->arrived == barrier->expected) {
    barrier->arrived = 0;
    ++barrier->generation;
    return;
  }
  own->generation = barrier->generation;
  own->waits_for = barrier;
  give_way();
  own->waits_for = nullptr;
}

UNSEEN inline void finish() {
  fibers[thread_index.load(std::memory_order_relaxed)]->finished = true;
  ++finished;
}

inline void live() {  // of a fiber: one block after another
  while (true) {
    order_after(&launched);
    (*kernel)();
    order_before(&ended);
    finish();
    give_way();
  }
}

inline Fiber* new_fiber() {
  auto* const fiber = new Fiber;
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack.get();
  fiber->context.uc_stack.ss_size = kStack;
  makecontext(&fiber->context, live, 0);
  return fiber;
}

UNSEEN inline void prepare(int count) {
  threads = count;
  finished = 0;
  trapped = stuck = false;
  block_barrier = {count, 0, 0};
  for (int i = 0; i < count; ++i) {
    if (i % kWarp == 0) warp_barriers[i / kWarp] = {count - i < kWarp ? count - i : kWarp, 0, 0};
    if (!fibers[i]) fibers[i] = new_fiber();
    fibers[i]->finished = false;
    fibers[i]->waits_for = nullptr;
    shuffles[i] = 0;
  }
}

// Fibers that a trap or a barrier has stopped in their middle are left as they are.
UNSEEN inline void abandon() {
  order_after(&paused);
  abandoned.insert(abandoned.end(), fibers, fibers + kMostThreads);
  for (int i = 0; i < kMostThreads; ++i) fibers[i] = nullptr;
}

// True if every thread came to its end.
UNSEEN inline bool run_block(int count) {
  prepare(count);
  thread_index = 0;
  order_before(&launched);
  run(fibers[0], &host);
  order_after(&ended);
  if (stuck) std::printf("cuda_on_cpu: some threads of a block never reach a barrier\n");
  if (trapped || stuck) abandon();
  return !trapped && !stuck;
}

UNSEEN inline void trap() {
  trapped = true;
  give_way();
}

UNSEEN inline char* next_barrier() { return &passed_barrier[block_barrier.generation % 2]; }
UNSEEN inline unsigned next_shuffle(unsigned thread) { return shuffles[thread]++ % 2; }

template <typename T>
T from_lane(T value, unsigned lane) {
  static_assert(sizeof(T) <= 8);
  const unsigned own = thread_index.load(std::memory_order_relaxed);
  const unsigned turn = next_shuffle(own);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  exchanged[turn][own].store(bits, std::memory_order_relaxed);
  wait_at(&warp_barriers[own / kWarp]);  // orders nothing but the exchange, as on hardware
  bits = exchanged[turn][own / kWarp * kWarp + lane].load(std::memory_order_relaxed);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Axis {
  const std::atomic<unsigned>* value;
  operator unsigned() const { return value->load(std::memory_order_relaxed); }
};
struct Place {
  Axis x, y;
};
inline std::atomic<unsigned> zero{0};

}  // namespace cuda_on_cpu

inline const cuda_on_cpu::Place threadIdx{{&cuda_on_cpu::thread_index}, {&cuda_on_cpu::zero}};
inline const cuda_on_cpu::Place blockDim{{&cuda_on_cpu::block_size}, {&cuda_on_cpu::zero}};
inline const cuda_on_cpu::Place blockIdx{{&cuda_on_cpu::block_index[0]}, {&cuda_on_cpu::block_index[1]}};
inline const cuda_on_cpu::Place gridDim{{&cuda_on_cpu::grid_size[0]}, {&cuda_on_cpu::grid_size[1]}};

// The one dynamic array in shared memory, which the kernels declare and the test defines.
namespace cuda_on_cpu {
inline unsigned char* shared_memory_begin;
}

inline void __syncthreads() {
  char* const event = cuda_on_cpu::next_barrier();
  cuda_on_cpu::order_before(event);
  cuda_on_cpu::wait_at(&cuda_on_cpu::block_barrier);
  cuda_on_cpu::order_after(event);
}

inline void __trap() { cuda_on_cpu::trap(); }

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int distance) {
  if (mask != ~0u) std::abort();  // all lanes of a warp, or it is not modelled
  const unsigned lane = threadIdx.x % cuda_on_cpu::kWarp;
  return cuda_on_cpu::from_lane(value, lane ^ static_cast<unsigned>(distance));
}

// Orders nothing else, as on hardware.
inline int atomicAdd(int* number, int more) { return __atomic_fetch_add(number, more, __ATOMIC_RELAXED); }

inline void __pipeline_memcpy_async(void* to, const void* from, size_t size) {
  const auto bits = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from);
  if ((size != 4 && size != 8 && size != 16) || bits % size != 0) std::abort();
  cuda_on_cpu::fibers[threadIdx.x]->copies.emplace_back(to, from, size);
}
inline void __pipeline_commit() {}
inline void __pipeline_wait_prior(size_t) {
  auto& copies = cuda_on_cpu::fibers[threadIdx.x]->copies;
  for (const auto& [to, from, size] : copies) std::memcpy(to, from, size);
  copies.clear();
}

// 16-bit numbers: torch's bits are CUDA's.
inline lightning_suite::Half __ushort_as_half(uint16_t bits) { return {bits}; }
inline uint16_t __half_as_ushort(lightning_suite::Half number) { return number.bits; }
inline float __half2float(lightning_suite::Half number) { return lightning_suite::widen(number); }
inline lightning_suite::Half __float2half_rn(float value) {
  lightning_suite::Half number;
  lightning_suite::narrow(value, number);
  return number;
}
inline lightning_suite::BFloat16 __ushort_as_bfloat16(uint16_t bits) { return {bits}; }
inline uint16_t __bfloat16_as_ushort(lightning_suite::BFloat16 number) { return number.bits; }
inline float __bfloat162float(lightning_suite::BFloat16 number) { return lightning_suite::widen(number); }
inline lightning_suite::BFloat16 __float2bfloat16_rn(float value) {
  lightning_suite::BFloat16 number;
  lightning_suite::narrow(value, number);
  return number;
}

inline cudaError_t cudaGetDevice(int* device) { return *device = 0; }
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const int all = cuda_on_cpu::shared_memory_per_multiprocessor, reserved = 1024;
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = all;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = all - reserved;
      break;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = reserved;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = cuda_on_cpu::most_blocks;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = cuda_on_cpu::multiprocessors;
      break;
  }
  return cudaSuccess;
}
template <typename Kernel>
cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute, int) {
  return cudaSuccess;
}
template <typename Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel*, int, size_t) {
  *blocks = cuda_on_cpu::blocks_of_multiprocessor;
  return cudaSuccess;
}
inline cudaError_t cudaGetLastError() { return std::exchange(cuda_on_cpu::last_error, cudaSuccess); }

template <typename... Arguments>
cudaError_t cudaLaunchKernel(void (*kernel)(Arguments...), dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t) {
  namespace device = cuda_on_cpu;
  if (block.x == 0 || block.x > device::kMostThreads || shared > device::kSharedMemory - 1024 || grid.y > 65535) {
    return device::last_error = cudaErrorInvalidValue;
  }
  const std::function<void()> call = [&] {
    [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
      kernel(*static_cast<Arguments*>(arguments[kIndex])...);
    }(std::index_sequence_for<Arguments...>{});
  };
  device::kernel = &call;
  device::block_size = block.x;
  device::grid_size[0] = grid.x;
  device::grid_size[1] = grid.y;
  unsigned char* const memory = device::shared_memory_begin;
  for (int64_t i = int64_t{grid.x} * grid.y; i-- > 0;) {
    device::block_index[0] = static_cast<unsigned>(i % grid.x);
    device::block_index[1] = static_cast<unsigned>(i / grid.x);
    std::memset(memory, 0xff, shared);
    ASAN_POISON_MEMORY_REGION(memory + shared, device::kSharedMemory - shared);
    const bool done = device::run_block(static_cast<int>(block.x));
    ASAN_UNPOISON_MEMORY_REGION(memory, device::kSharedMemory);
    if (!done) return device::last_error = cudaErrorLaunchFailure;
  }
  return cudaSuccess;
}
