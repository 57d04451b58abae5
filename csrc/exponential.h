// exp and tanh for loops that the compiler turns into vector instructions: no table, no branch, no call.
//
// t = k ln 2 + g with |g| <= ln 2 / 2, and e^g - 1 by its Taylor series. Errors are a few units in the last place; of
// exp as many more as k ln 2 is rounded by, for ln 2 is one number here and not two.
#pragma once

#include <cstdint>
#include <cstring>

#include "instruction_sets.h"

namespace lightning_suite {

template <typename Number>
struct Format;
template <>
struct Format<float> {
  using Bits = int32_t;
  static constexpr int kTerms = 7, kFraction = 23, kBias = 127;
};
template <>
struct Format<double> {
  using Bits = int64_t;
  static constexpr int kTerms = 14, kFraction = 52, kBias = 1023;
};

constexpr double factorial(int n) { return n <= 1 ? 1.0 : n * factorial(n - 1); }

// sum over n = first .. last of g^(n - first) / n!
template <int first, int last, typename Number>
LIGHTNING_SUITE_INLINE Number exponential_series(Number g) {
  constexpr Number coefficient = static_cast<Number>(1 / factorial(first));
  if constexpr (first == last) {
    return coefficient;
  } else {
    return coefficient + g * exponential_series<first + 1, last>(g);
  }
}

template <typename Number>
struct Exponential {
  Number power, rest;  // e^t = power * (1 + rest), power a power of 2
};

// t <= 0. What is below the least normal number comes out as that number; NaN makes the rest NaN.
template <typename Number>
LIGHTNING_SUITE_INLINE Exponential<Number> split_exponential(Number t) {
  using Bits = typename Format<Number>::Bits;
  constexpr Number kLn2 = static_cast<Number>(0.693147180559945309417);
  constexpr Number kLeast = (1 - Format<Number>::kBias) * kLn2;
  t = t < kLeast ? kLeast : t;
  const Number halves = t < 0 ? Number(0.5) - t / kLn2 : Number(0);  // a number also where t is not
  const Bits k = static_cast<Bits>(halves);                          // -t / ln 2 to the nearest
  const Number g = t + static_cast<Number>(k) * kLn2;
  const Bits bits = (Format<Number>::kBias - k) << Format<Number>::kFraction;
  Exponential<Number> e;
  std::memcpy(&e.power, &bits, sizeof bits);
  e.rest = g * exponential_series<1, Format<Number>::kTerms>(g);
  return e;
}

// e^t for t <= 0.
template <typename Number>
LIGHTNING_SUITE_INLINE Number exponential(Number t) {
  const Exponential<Number> e = split_exponential(t);
  return e.power + e.power * e.rest;
}

// tanh |s| = -m / (2 + m), where m = e^(-2 |s|) - 1. Where that is small it is the rest alone: taking 1 from e^(-2 |s|)
// would leave nothing of it.
template <typename Number>
LIGHTNING_SUITE_INLINE Number hyperbolic_tangent(Number s) {
  const Number magnitude = s < 0 ? -s : s;
  const Exponential<Number> e = split_exponential(-2 * magnitude);
  const Number m = e.power == 1 ? e.rest : e.power + e.power * e.rest - 1;
  const Number result = -m / (2 + m);
  return s < 0 ? -result : result;
}

}  // namespace lightning_suite
