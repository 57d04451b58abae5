// Conversion of 16-bit floating-point numbers, whose bits half_precision.h holds, on a GPU; the others stay what they are.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "half_precision.h"

namespace lightning_suite {

inline __device__ float widened(Half number) { return __half2float(__ushort_as_half(number.bits)); }
inline __device__ float widened(BFloat16 number) { return __bfloat162float(__ushort_as_bfloat16(number.bits)); }
inline __device__ float widened(float number) { return number; }
inline __device__ double widened(double number) { return number; }

inline __device__ void round_to(Half& number, float value) { number.bits = __half_as_ushort(__float2half_rn(value)); }
inline __device__ void round_to(BFloat16& number, float value) {
  number.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
}
inline __device__ void round_to(float& number, float value) { number = value; }
inline __device__ void round_to(double& number, double value) { number = value; }

}  // namespace lightning_suite
