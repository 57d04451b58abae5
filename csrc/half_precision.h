// The 16-bit floating-point numbers of torch, as their bits, and their conversion to and from float on a CPU.
//
// Whole numbers and selections alone, so that a loop over either conversion becomes vector instructions on any CPU
// and under any floating-point flags. Rounding is to the nearest, ties to even; NaN stays NaN.
#pragma once

#include <cstdint>
#include <cstring>

namespace lightning_suite {

struct Half {
  uint16_t bits;  // sign 1, exponent 5, fraction 10
};

struct BFloat16 {
  uint16_t bits;  // the upper half of a float
};

// What is computed with when numbers of a type are stored: half precision is widened.
template <typename Number>
struct Widened {
  using type = Number;
};
template <>
struct Widened<Half> {
  using type = float;
};
template <>
struct Widened<BFloat16> {
  using type = float;
};
template <typename Number>
using Precise = typename Widened<Number>::type;

inline __attribute__((always_inline)) uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline __attribute__((always_inline)) float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline __attribute__((always_inline)) float widen(BFloat16 number) { return float_of(uint32_t{number.bits} << 16); }

inline __attribute__((always_inline)) float widen(Half number) {
  const uint32_t sign = (number.bits & 0x8000u) << 16;
  const uint32_t magnitude = (number.bits & 0x7fffu) << 13;  // exponent and fraction where a float has them
  const uint32_t exponent = number.bits & 0x7c00u;
  const uint32_t normal = magnitude + (112u << 23);  // from a bias of 15 to one of 127
  // A subnormal number has no leading one: given one by this exponent, it is what exceeds that exponent's power.
  const uint32_t subnormal = bits_of(float_of(magnitude + (113u << 23)) - float_of(113u << 23));
  const uint32_t infinite = magnitude | 0x7f800000u;  // infinity, and NaN with its fraction
  return float_of(sign | (exponent == 0 ? subnormal : exponent == 0x7c00u ? infinite : normal));
}

inline __attribute__((always_inline)) float widen(float number) { return number; }
inline __attribute__((always_inline)) double widen(double number) { return number; }

inline __attribute__((always_inline)) void narrow(float value, BFloat16& number) {
  const uint32_t bits = bits_of(value);
  // Half of the last place is added, less a bit where that place is even.
  const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  number.bits = static_cast<uint16_t>((is_nan ? bits | 0x400000u : rounded) >> 16);
}

inline __attribute__((always_inline)) void narrow(float value, Half& number) {
  const uint32_t sign = bits_of(value) & 0x80000000u;
  const uint32_t magnitude = bits_of(value) ^ sign;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  // 0.5 has its last place where the last place of a subnormal half is: adding it rounds there.
  const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  const uint32_t infinite = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const uint32_t chosen = magnitude >= (143u << 23) ? infinite : magnitude < (113u << 23) ? subnormal : normal;
  number.bits = static_cast<uint16_t>((sign >> 16) | chosen);
}

inline __attribute__((always_inline)) void narrow(float value, float& number) { number = value; }
inline __attribute__((always_inline)) void narrow(double value, double& number) { number = value; }

}  // namespace lightning_suite
