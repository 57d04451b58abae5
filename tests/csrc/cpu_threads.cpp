// The CPU kernels of all ops on several threads, each of which takes the next piece of the work as torch's do: under
// the thread sanitizer no two may touch one number, and the results are bit for bit those of one thread.

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include "dsa_routing/dsa_routing_cpu.cpp"
#include "gated_tree_embedding/gated_tree_embedding_cpu.cpp"
#include "ragged_attention/ragged_attention_cpu.cpp"
#include "ragged_segments/ragged_segments_cpu.cpp"
#include "ragged_segments/ragged_segments_softmax_cpu.cpp"
#include "random_trees.h"
#include "tree_embedding/tree_embedding_cpu.cpp"

namespace lightning_suite {
namespace {

constexpr int kThreads = 4;

template <typename Kernel>
void run(int threads, int64_t work, int64_t grain, Kernel kernel) {
  std::atomic<int64_t> next = 0;
  const auto take = [&] {
    for (int64_t begin; (begin = next.fetch_add(grain)) < work;) kernel(begin, std::min(begin + grain, work));
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(take);
  take();
  for (std::thread& other : others) other.join();
}

template <typename Number>
std::vector<Number> random_numbers(int64_t count) {
  std::vector<Number> numbers(count);
  for (Number& number : numbers) number = static_cast<Number>(static_cast<int64_t>(random_bits() % 2001) - 1000) / 1500;
  return numbers;
}

// Runs a computation, which returns all it has written, on one thread and on several.
template <typename Compute>
void compare(const char* name, Compute compute) {
  const auto expected = compute(1), got = compute(kThreads);
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(expected[i].data(), got[i].data(), expected[i].size() * sizeof(expected[i][0]))) {
      std::printf("%s: result %zu depends on the number of threads\n", name, i);
      std::exit(1);
    }
  }
  std::printf("%s: ok\n", name);
}

template <typename Number>
void dsa() {
  using namespace dsa_routing;
  std::vector<int64_t> offsets = {0};
  for (int64_t i = 0; i < 60; ++i) offsets.push_back(offsets.back() + static_cast<int64_t>(random_bits() % 9));
  const Sizes sizes = {offsets.back(), 60, 3, 11, 3};
  const int64_t sentence = sizes.sentences * sizes.heads * sizes.head_dim, word = sizes.words * sizes.heads;
  const auto x = random_numbers<Number>(word * sizes.head_dim), grad_z = random_numbers<Number>(sentence);
  compare("dsa_routing", [&](int threads) {
    std::vector<Number> z(sentence), weights(2 * word), vectors(2 * sentence), grad_x(x.size());
    const Forward<Number> forward = {sizes, x.data(), offsets.data(), z.data(), weights.data(), vectors.data()};
    run(threads, work(sizes), 4, [&](int64_t begin, int64_t end) { forward_cpu(forward, begin, end); });
    const Backward<Number> backward = {sizes,          x.data(),      offsets.data(), z.data(), weights.data(),
                                       vectors.data(), grad_z.data(), nullptr,        nullptr,  grad_x.data()};
    run(threads, work(sizes), 4, [&](int64_t begin, int64_t end) { backward_cpu(backward, begin, end); });
    return std::vector{z, weights, vectors, grad_x};
  });
}

template <typename Number>
void attention() {
  using namespace ragged_attention;
  std::vector<int64_t> query_offsets = {0}, offsets = {0};
  for (int64_t i = 0; i < 30; ++i) {
    query_offsets.push_back(query_offsets.back() + static_cast<int64_t>(random_bits() % 9));
    offsets.push_back(offsets.back() + static_cast<int64_t>(random_bits() % 9));
  }
  const int64_t heads = 3, dim = 5, value_dim = 7;
  const Sizes sizes = {query_offsets.back(), offsets.back(), 30, heads, dim, value_dim, 0.5, true};
  const auto query = random_numbers<Number>(sizes.queries * heads * dim);
  const auto key = random_numbers<Number>(sizes.values * heads * dim);
  const auto value = random_numbers<Number>(sizes.values * heads * value_dim);
  const auto grad_out = random_numbers<Number>(sizes.queries * heads * value_dim);
  const Inputs<Number> in = {sizes, query.data(), key.data(), value.data(), query_offsets.data(), offsets.data()};
  compare("ragged_attention", [&](int threads) {
    std::vector<Number> out(grad_out.size()), norms(sizes.queries * heads);
    std::vector<Number> grad_query(query.size()), grad_key(key.size()), grad_value(value.size());
    const Forward<Number> forward = {in, out.data(), norms.data()};
    run(threads, 30 * heads, 2, [&](int64_t begin, int64_t end) { forward_cpu(forward, begin, end); });
    const Backward<Number> backward = {in,         out.data(),      norms.data(),     grad_out.data(),
                                       grad_query.data(), grad_key.data(), grad_value.data()};
    run(threads, 30 * heads, 2, [&](int64_t begin, int64_t end) { backward_cpu(backward, begin, end); });
    return std::vector{out, norms, grad_query, grad_key, grad_value};
  });
}

// Half precision is kept in room of a thread's own.
template <typename Number>
void segments() {
  using namespace ragged_segments;
  std::vector<int64_t> offsets = {0};
  for (int64_t i = 0; i < 60; ++i) offsets.push_back(offsets.back() + static_cast<int64_t>(random_bits() % 9));
  const Sizes sizes = {offsets.back(), 60, 3, 7}, of_scores = {offsets.back(), 60, 3, 1}, of_columns = {offsets.back(), 60, 1, 21};
  const auto numbers = [](int64_t count) {
    std::vector<Number> result(count);
    for (Number& number : result) narrow(static_cast<Precise<Number>>(random_numbers<float>(1)[0]), number);
    return result;
  };
  const auto values = numbers(sizes.values * 21), weights = numbers(sizes.values * 3), grad = numbers(60 * 21);
  compare("ragged_segments", [&](int threads) {
    std::vector<Number> sums(grad.size()), greatest(grad.size()), shares(weights.size()), of_sums(values.size());
    std::vector<Number> of_weights(weights.size()), of_greatest(values.size()), of_shares(weights.size());
    std::vector<int32_t> places(grad.size());
    const auto compute = [&](const auto& arrays) {
      run(threads, 60, 2, [&](int64_t begin, int64_t end) { on_cpu(arrays, begin, end); });
    };
    compute(Sum<Number>{sizes, offsets.data(), values.data(), weights.data(), sums.data()});
    compute(SumBackward<Number>{sizes, offsets.data(), grad.data(), values.data(), weights.data(), of_sums.data(),
                                of_weights.data()});
    compute(Max<Number>{of_columns, offsets.data(), values.data(), greatest.data(), places.data()});
    compute(MaxBackward<Number>{of_columns, offsets.data(), places.data(), grad.data(), of_greatest.data()});
    compute(Softmax<Number>{of_scores, offsets.data(), weights.data(), shares.data()});
    compute(SoftmaxBackward<Number>{of_scores, offsets.data(), shares.data(), weights.data(), of_shares.data()});
    return std::vector{sums, of_sums, of_weights, greatest, of_greatest, shares, of_shares};
  });
}

template <typename Number>
void trees() {
  using namespace tree_embedding;
  const PackedTrees packed(trees_of(6 * kTreesOfPart + 5, 7), 5);
  const Forest forest = packed.forest();
  const int64_t hidden = forest.hidden, features = 3, nodes = forest.nodes, count = parts(forest);
  const auto x = random_numbers<Number>(nodes * features), w_u = random_numbers<Number>(hidden * features);
  const auto b_u = random_numbers<Number>(hidden), w_h = random_numbers<Number>(3 * hidden * hidden);
  const auto b_h = random_numbers<Number>(hidden), grad_h = random_numbers<Number>(nodes * hidden);
  compare("tree_embedding", [&](int threads) {
    std::vector<Number> h(nodes * hidden), grad_x(x.size()), grad_w_u(count * w_u.size()), grad_b_u(count * hidden);
    std::vector<Number> grad_w_h(count * w_h.size()), grad_b_h(count * hidden);
    const Forward<Number> forward = {forest,     features,   x.data(),   w_u.data(),
                                     b_u.data(), w_h.data(), b_h.data(), h.data()};
    run(threads, count, 1, [&](int64_t begin, int64_t end) { forward_cpu(forward, begin, end); });
    const Backward<Number> backward = {forest,        features,        x.data(),        w_u.data(),      b_u.data(),
                                       w_h.data(),    h.data(),        grad_h.data(),   grad_x.data(),   grad_w_u.data(),
                                       grad_b_u.data(), grad_w_h.data(), grad_b_h.data()};
    run(threads, count, 1, [&](int64_t begin, int64_t end) { backward_cpu(backward, begin, end); });
    return std::vector{h, grad_x, grad_w_u, grad_b_u, grad_w_h, grad_b_h};
  });
}

template <typename Number>
void gated_trees() {
  using namespace gated_tree_embedding;
  const PackedTrees packed(trees_of(6 * kTreesOfPart + 5, 7), 3);
  const Forest forest = packed.forest();
  const int64_t hidden = forest.hidden, nodes = forest.nodes, count = parts(forest), square = hidden * hidden;
  const auto u = random_numbers<Number>(nodes * hidden), grad_h = random_numbers<Number>(nodes * hidden);
  const auto w_r = random_numbers<Number>(9 * square), b_r = random_numbers<Number>(3 * hidden);
  const auto w_h = random_numbers<Number>(3 * square), b_h = random_numbers<Number>(hidden);
  const auto w_z = random_numbers<Number>(16 * square), b_z = random_numbers<Number>(4 * hidden);
  const Weights<Number> weights = {w_r.data(), b_r.data(), w_h.data(), b_h.data(), w_z.data(), b_z.data()};
  compare("gated_tree_embedding", [&](int threads) {
    std::vector<Number> h(nodes * hidden), kept(8 * nodes * hidden), grad_u(u.size());
    std::vector<Number> grad_weights(count * weight_numbers(hidden));
    const Forward<Number> forward = {forest, u.data(), weights, h.data(), kept.data()};
    run(threads, count, 1, [&](int64_t begin, int64_t end) { forward_cpu(forward, begin, end); });
    const Backward<Number> backward = {forest,      u.data(),      weights,       h.data(),
                                       kept.data(), grad_h.data(), grad_u.data(), grad_weights.data()};
    run(threads, count, 1, [&](int64_t begin, int64_t end) { backward_cpu(backward, begin, end); });
    // What is kept of a leaf is not written, nor is it read.
    return std::vector{h, grad_u, grad_weights};
  });
}

}  // namespace
}  // namespace lightning_suite

int main() {
  lightning_suite::dsa<float>();
  lightning_suite::attention<float>();
  lightning_suite::segments<float>();
  lightning_suite::segments<lightning_suite::Half>();
  lightning_suite::segments<lightning_suite::BFloat16>();
  lightning_suite::trees<float>();
  lightning_suite::gated_trees<float>();
  lightning_suite::dsa<double>();
  lightning_suite::attention<double>();
  lightning_suite::segments<double>();
  lightning_suite::trees<double>();
  lightning_suite::gated_trees<double>();
}
