// What the drivers share that run kernels on a CPU and compare them with the algorithm in double precision.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace lightning_suite {

using Numbers = std::vector<double>;

inline int failures = 0;

inline void expect(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::printf("FAILED: %s\n", what.c_str());
}

inline std::mt19937_64 random_bits(1);

inline Numbers random_numbers(int64_t count, double scale) {
  std::normal_distribution<double> normal(0, scale);
  Numbers values(count);
  for (double& value : values) value = normal(random_bits);
  return values;
}

inline double distance(const Numbers& expected, const Numbers& actual) {  // of the largest expected; NaN for NaN
  double most = 1e-6, worst = 0;
  for (double value : expected) most = std::max(most, std::abs(value));
  for (size_t i = 0; i < expected.size() && expected.size() == actual.size(); ++i) {
    const double error = std::abs(expected[i] - actual[i]) / most;
    if (!(error <= worst)) worst = error;
  }
  return expected.size() == actual.size() ? worst : INFINITY;
}

// The derivative of loss(batch) for one array of the batch, by central differences.
template <typename Batch, typename Loss>
Numbers differences(const Batch& batch, Numbers Batch::*input, double step, Loss loss) {
  Numbers result;
  for (size_t i = 0; i < (batch.*input).size(); ++i) {
    Batch more = batch, less = batch;
    (more.*input)[i] += step;
    (less.*input)[i] -= step;
    result.push_back((loss(more) - loss(less)) / (2 * step));
  }
  return result;
}

// The status of a driver: 0 if all checks hold. Its word "few" asks for as many as a sanitizer has time for.
inline int run_checks(void (*checks)(bool few), int count, char** words) {
  checks(count > 1 && std::string(words[1]) == "few");
  if (failures > 0) std::printf("%d FAILED\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace lightning_suite
