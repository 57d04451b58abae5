// Runs the kernels of ragged_attention_cuda.cu on a CPU (cuda_on_cpu/) and compares them with those for a CPU, in double
// precision, which the tests of the op compare with the formula. The exit status says if all held.
//
//     cd tests/csrc/ragged_attention
//     g++ -std=c++20 -O1 -I../../../csrc -I../cuda_on_cpu ragged_attention_cuda_on_cpu.cpp && ./a.out [few]
#include "../../../csrc/ragged_attention/ragged_attention_cuda.cu"
//
#include "../../../csrc/ragged_attention/ragged_attention_cpu.cpp"
#include "checks.h"

namespace lightning_suite::ragged_attention {
namespace {

alignas(16) unsigned char shared_memory[cuda_on_cpu::kSharedMemory];

struct Batch {
  Sizes sizes;
  std::vector<int64_t> query_offsets, offsets;
  Numbers query, key, value, grad_out;
};

Batch batch_of(const std::vector<std::pair<int64_t, int64_t>>& lengths, int64_t heads, int64_t dim, int64_t value_dim,
               bool causal) {
  Batch batch;
  batch.query_offsets = batch.offsets = {0};
  for (const auto& [queries, values] : lengths) {
    batch.query_offsets.push_back(batch.query_offsets.back() + queries);
    batch.offsets.push_back(batch.offsets.back() + values);
  }
  const int64_t queries = batch.query_offsets.back(), values = batch.offsets.back();
  batch.sizes = {queries, values, static_cast<int64_t>(lengths.size()), heads, dim, value_dim, 0.6, causal};
  batch.query = random_numbers(queries * heads * dim, 1);
  batch.key = random_numbers(values * heads * dim, 1);
  batch.value = random_numbers(values * heads * value_dim, 1);
  batch.grad_out = random_numbers(queries * heads * value_dim, 1);
  return batch;
}

struct Outputs {
  Numbers out, grad_query, grad_key, grad_value;
  bool operator==(const Outputs&) const = default;
};

// Forward and backward, the arrays with exactly as many numbers as there may be.
template <typename Number>
Outputs run(const Batch& batch, bool on_cpu) {
  const auto copy = [](const Numbers& values) { return std::vector<Number>(values.begin(), values.end()); };
  const auto query = copy(batch.query), key = copy(batch.key), value = copy(batch.value), grad_out = copy(batch.grad_out);
  std::vector<Number> out(grad_out.size()), norms(batch.sizes.queries * batch.sizes.heads);
  std::vector<Number> grad_query(query.size()), grad_key(key.size()), grad_value(value.size());
  const Inputs<Number> in = {batch.sizes,  query.data(), key.data(), value.data(), batch.query_offsets.data(),
                             batch.offsets.data()};
  const Forward<Number> forward = {in, out.data(), norms.data()};
  const Backward<Number> backward = {in,         out.data(),      norms.data(),     grad_out.data(),
                                     grad_query.data(), grad_key.data(), grad_value.data()};
  if (on_cpu) {
    forward_cpu(forward, 0, batch.sizes.sequences * batch.sizes.heads);
    backward_cpu(backward, 0, batch.sizes.sequences * batch.sizes.heads);
  } else {
    expect(forward_cuda(forward, nullptr) == 0, "forward starts");
    expect(backward_cuda(backward, nullptr) == 0, "backward starts");
  }
  const auto back = [](const std::vector<Number>& values) { return Numbers(values.begin(), values.end()); };
  return {back(out), back(grad_query), back(grad_key), back(grad_value)};
}

template <typename Number>
void compare(const Batch& batch) {
  const Outputs expected = run<double>(batch, true), actual = run<Number>(batch, false);
  const double worst = std::max({distance(expected.out, actual.out), distance(expected.grad_query, actual.grad_query),
                                 distance(expected.grad_key, actual.grad_key),
                                 distance(expected.grad_value, actual.grad_value)});
  expect(worst <= (sizeof(Number) == 8 ? 1e-12 : 2e-5), "dim " + std::to_string(batch.sizes.dim) + ", value_dim " +
                                                            std::to_string(batch.sizes.value_dim) + " is off by " +
                                                            std::to_string(worst));
  std::printf("%zu bytes, dim %d, causal %d: within %.1e\n", sizeof(Number), static_cast<int>(batch.sizes.dim),
              batch.sizes.causal, worst);
}

void bad_offsets() {
  const std::vector<std::vector<int64_t>> bad = {{0, 5, 4}, {0, -1, 4}, {1, 2, 4}, {0, 2, 5}, {0, 2, 3}};
  int stopped = 0;
  for (bool of_queries : {false, true}) {
    for (const auto& offsets : bad) {
      Batch batch = batch_of({{2, 2}, {2, 2}}, 1, 3, 3, false);
      (of_queries ? batch.query_offsets : batch.offsets) = offsets;
      std::vector<float> rows(12, 1), out(12), norms(4), slopes[3] = {rows, rows, rows};
      const Inputs<float> in = {batch.sizes, rows.data(), rows.data(), rows.data(), batch.query_offsets.data(),
                                batch.offsets.data()};
      const bool forward = forward_cuda(Forward<float>{in, out.data(), norms.data()}, nullptr) != 0;
      const bool backward = backward_cuda(Backward<float>{in, out.data(), norms.data(), rows.data(), slopes[0].data(),
                                                          slopes[1].data(), slopes[2].data()},
                                          nullptr) != 0;
      stopped += forward || backward;
    }
  }
  expect(stopped == 10, "bad offsets stop a kernel");
  std::printf("bad offsets: %d of 10 stop a kernel\n", stopped);
}

void checks(bool few) {
  cuda_on_cpu::shared_memory_begin = shared_memory;
  const std::vector<std::pair<int64_t, int64_t>> lengths = {{2, 3}, {0, 4}, {5, 0}, {6, 6}, {7, 2}, {1, 1}};
  for (bool causal : {false, true}) {
    compare<double>(batch_of(lengths, 2, 3, 5, causal));
    compare<float>(batch_of(lengths, 1, 33, 64, causal));
    if (!few) compare<float>(batch_of(lengths, 3, 256, 130, causal));
  }
  cuda_on_cpu::most_blocks = 2;  // warps then have several rows
  const Batch batch = batch_of(lengths, 2, 40, 7, true);
  const Outputs narrow = run<float>(batch, false);
  cuda_on_cpu::most_blocks = 0x7fffffff;
  expect(narrow == run<float>(batch, false), "no bit depends on the number of blocks");
  bad_offsets();
}

}  // namespace
}  // namespace lightning_suite::ragged_attention

int main(int count, char** words) {
  return lightning_suite::run_checks(lightning_suite::ragged_attention::checks, count, words);
}
