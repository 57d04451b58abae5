// Kernels whose jobs are the work of one warp each, or of one thread, with any number of jobs.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace lightning_suite {

constexpr int kWarp = 32, kWarps = 4;  // warps of a block

// The same sum, or the greatest number, in all lanes.
template <typename T>
__device__ T sum_of_warp(T value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(~0u, value, distance);
  return value;
}
template <typename T>
__device__ T greatest_of_warp(T value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(~0u, value, distance);
    value = other > value ? other : value;
  }
  return value;
}

template <typename T>
__device__ T least_of_warp(T value) {
  return -greatest_of_warp(-value);
}

// The sum of the lanes before this one, and of all.
struct SumsBefore {
  int before, all;
};
inline __device__ SumsBefore sums_before(int value) {
  SumsBefore sums = {0, value};  // of these 1, 2, 4 .. 32 lanes
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const int other = __shfl_xor_sync(~0u, sums.all, distance);
    if (threadIdx.x & distance) sums.before += other;
    sums.all += other;
  }
  return sums;
}

// Calls some(job) for the jobs of this warp, or of this thread.
template <typename Some>
__device__ void each_of_warp(int64_t jobs, Some some) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  for (int64_t job = first; job < jobs; job += static_cast<int64_t>(gridDim.x) * kWarps) some(job);
}
template <typename Some>
__device__ void each_of_thread(int64_t jobs, Some some) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kWarps * kWarp + threadIdx.x;
  for (int64_t job = first; job < jobs; job += static_cast<int64_t>(gridDim.x) * kWarps * kWarp) some(job);
}

// Starts as many blocks as have each a job for all of its warps or threads, or as there may be.
template <typename Arrays>
int launch(void (*kernel)(Arrays), Arrays arrays, int64_t jobs, int64_t jobs_of_block, void* stream) {
  if (jobs == 0) return cudaSuccess;
  int device = 0, most_blocks = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&most_blocks, cudaDevAttrMaxGridDimX, device);
  const int64_t wanted = (jobs + jobs_of_block - 1) / jobs_of_block;
  const unsigned blocks = static_cast<unsigned>(wanted < most_blocks ? wanted : most_blocks);
  void* arguments[] = {&arrays};
  return cudaLaunchKernel(kernel, dim3(blocks), dim3(kWarps * kWarp), arguments, 0, static_cast<cudaStream_t>(stream));
}

}  // namespace lightning_suite
