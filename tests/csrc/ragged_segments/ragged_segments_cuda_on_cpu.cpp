// Runs the kernels of ragged_segments_cuda.cu on a CPU (cuda_on_cpu/) and compares them with those for a CPU, in double
// precision, which the tests of the ops compare with the formula. The exit status says if all held.
//
//     cd tests/csrc/ragged_segments
//     g++ -std=c++20 -O1 -I../../../csrc -I../cuda_on_cpu ragged_segments_cuda_on_cpu.cpp && ./a.out [few]
#include <cstring>

#include "../../../csrc/ragged_segments/ragged_segments_cuda.cu"
//
#include "../../../csrc/ragged_segments/ragged_segments_cpu.cpp"
#include "../../../csrc/ragged_segments/ragged_segments_softmax_cpu.cpp"
#include "checks.h"

namespace lightning_suite::ragged_segments {
namespace {

alignas(16) unsigned char shared_memory[cuda_on_cpu::kSharedMemory];

struct Batch {
  Sizes sizes;
  std::vector<int64_t> offsets = {0};
  Numbers values, weights, grad_sums;

  Batch(const std::vector<int64_t>& lengths, int64_t heads, int64_t dim) {
    for (int64_t length : lengths) offsets.push_back(offsets.back() + length);
    sizes = {offsets.back(), static_cast<int64_t>(lengths.size()), heads, dim};
    values = random_numbers(sizes.values * heads * dim, 1);
    weights = random_numbers(sizes.values * heads, 1);
    grad_sums = random_numbers(sizes.sequences * heads * dim, 1);
    for (double& value : values) value = std::round(4 * value) / 4;  // some are equal
  }
};

template <typename Number>
bool same_bytes(const std::vector<Number>& some, const std::vector<Number>& others) {
  return some.empty() || std::memcmp(some.data(), others.data(), some.size() * sizeof(Number)) == 0;
}

// All that the ops write, the arrays with exactly as many numbers as there may be; and whether every kernel started.
template <typename Number>
std::vector<Numbers> run(const Batch& batch, bool on_a_cpu, bool* started) {
  const auto copy = [](const Numbers& numbers) {
    std::vector<Number> copied(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) narrow(static_cast<Precise<Number>>(numbers[i]), copied[i]);
    return copied;
  };
  const Sizes sizes = batch.sizes, of_columns = {sizes.values, sizes.sequences, 1, sizes.heads * sizes.dim};
  const Sizes of_scores = {sizes.values, sizes.sequences, sizes.heads, 1};
  const int64_t* const offsets = batch.offsets.data();
  const auto values = copy(batch.values), weights = copy(batch.weights), grad = copy(batch.grad_sums);
  std::vector<Number> sums(grad.size()), weighted(grad.size()), greatest(grad.size()), shares(weights.size());
  std::vector<Number> of_sum(values.size()), of_weighted(values.size()), of_greatest(values.size());
  std::vector<Number> of_weights(weights.size()), of_shares(weights.size());
  std::vector<Number> of_values_alone(values.size()), of_weights_alone(weights.size());
  std::vector<int32_t> places(grad.size());
  *started = true;
  const auto compute = [&](const auto& arrays) {
    if (on_a_cpu) return on_cpu(arrays, 0, sizes.sequences);
    *started = on_gpu(arrays, nullptr) == 0 && *started;
  };
  compute(Sum<Number>{of_columns, offsets, values.data(), nullptr, sums.data()});
  compute(SumBackward<Number>{of_columns, offsets, grad.data(), nullptr, nullptr, of_sum.data(), nullptr});
  compute(Sum<Number>{sizes, offsets, values.data(), weights.data(), weighted.data()});
  compute(SumBackward<Number>{sizes, offsets, grad.data(), values.data(), weights.data(), of_weighted.data(),
                              of_weights.data()});
  compute(SumBackward<Number>{sizes, offsets, grad.data(), values.data(), weights.data(), of_values_alone.data(), nullptr});
  compute(SumBackward<Number>{sizes, offsets, grad.data(), values.data(), weights.data(), nullptr, of_weights_alone.data()});
  compute(Max<Number>{of_columns, offsets, values.data(), greatest.data(), places.data()});
  compute(MaxBackward<Number>{of_columns, offsets, places.data(), grad.data(), of_greatest.data()});
  compute(Softmax<Number>{of_scores, offsets, weights.data(), shares.data()});
  compute(SoftmaxBackward<Number>{of_scores, offsets, shares.data(), weights.data(), of_shares.data()});
  const auto back = [](const std::vector<Number>& numbers) {
    Numbers copied;
    for (const Number& number : numbers) copied.push_back(widen(number));
    return copied;
  };
  expect(same_bytes(of_values_alone, of_weighted) && same_bytes(of_weights_alone, of_weights), "one gradient alone is the same");
  return {back(sums),        back(weighted),   back(greatest),  back(shares),
          back(of_sum),      back(of_weighted), back(of_weights), back(of_greatest),
          back(of_shares), Numbers(places.begin(), places.end())};
}

template <typename Number>
void compare(const Batch& batch, double tolerance) {
  bool started;
  const auto expected = run<double>(batch, true, &started), actual = run<Number>(batch, false, &started);
  expect(started, "all kernels start");
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double off = distance(expected[i], actual[i]);
    expect(off <= tolerance, "result " + std::to_string(i) + " is off by " + std::to_string(off));
    worst = std::max(worst, off);
  }
  std::printf("%zu bytes, %d x %d: within %.1e\n", sizeof(Number), static_cast<int>(batch.sizes.heads),
              static_cast<int>(batch.sizes.dim), worst);
}

void bad_offsets() {
  const std::vector<std::vector<int64_t>> bad = {{0, 5, 4}, {0, -1, 4}, {1, 2, 4}, {0, 2, 5}, {0, 2, 3}};
  int stopped = 0;
  for (const auto& offsets : bad) {
    Batch batch({2, 2}, 2, 3);
    batch.offsets = offsets;
    bool started;
    run<float>(batch, false, &started);
    stopped += !started;
  }
  expect(stopped == 5, "bad offsets stop a kernel");
  std::printf("bad offsets: %d of 5 stop a kernel\n", stopped);
}

void checks(bool few) {
  cuda_on_cpu::shared_memory_begin = shared_memory;
  const std::vector<int64_t> lengths = {3, 0, 1, 40, 0, 7, 33};
  compare<double>(Batch(lengths, 2, 3), 1e-12);
  compare<float>(Batch(lengths, 3, 41), 2e-5);
  compare<Half>(Batch(lengths, 1, 35), 4e-3);
  compare<BFloat16>(Batch(lengths, 9, 1), 4e-2);
  if (!few) compare<float>(Batch({0, 200, 5, 70}, 8, 64), 2e-5);
  compare<float>(Batch({}, 2, 3), 0);
  compare<float>(Batch({0, 0}, 2, 3), 0);
  const Batch batch(lengths, 2, 40);
  bool started;
  cuda_on_cpu::most_blocks = 2;  // threads and warps then have several jobs
  const auto narrow = run<float>(batch, false, &started);
  cuda_on_cpu::most_blocks = 0x7fffffff;
  expect(narrow == run<float>(batch, false, &started), "no bit depends on the number of blocks");
  bad_offsets();
}

}  // namespace
}  // namespace lightning_suite::ragged_segments

int main(int count, char** words) {
  return lightning_suite::run_checks(lightning_suite::ragged_segments::checks, count, words);
}
