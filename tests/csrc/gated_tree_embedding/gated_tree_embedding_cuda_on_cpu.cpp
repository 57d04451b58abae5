// Runs the kernels of gated_tree_embedding_cuda.cu on a CPU (cuda_on_cpu/) and compares them with the recursion and its
// gradient, written here by the letter in double precision. One line for each group of cases; the exit status says if
// all held.
//
//     cd tests/csrc/gated_tree_embedding
//     g++ -std=c++20 -O1 -I../../../csrc -I../cuda_on_cpu gated_tree_embedding_cuda_on_cpu.cpp && ./a.out [few]
#include "../../../csrc/gated_tree_embedding/gated_tree_embedding_cuda.cu"

#include <algorithm>
#include <numeric>

#include "random_trees.h"

namespace lightning_suite::gated_tree_embedding {
namespace {

alignas(16) unsigned char shared_memory[cuda_on_cpu::kSharedMemory];

// Every array of the op, in double precision.
struct Batch : PackedTrees {
  Numbers u, grad_h;
  Numbers weights;  // w_r, b_r, w_h, b_h, w_z, b_z
};

// Where the weights begin.
template <typename Number>
Weights<Number> weights_at(const Number* w_r, int64_t hidden) {
  const Number *b_r = w_r + 9 * hidden * hidden, *w_h = b_r + 3 * hidden, *b_h = w_h + 3 * hidden * hidden;
  const Number *w_z = b_h + hidden, *b_z = w_z + 16 * hidden * hidden;
  return {w_r, b_r, w_h, b_h, w_z, b_z};
}

// bias + weight x; the other way, what reaches `pre` goes to x, weight and bias.
Numbers linear(const double* weight, const double* bias, const Numbers& x, int64_t rows) {
  Numbers result(bias, bias + rows);
  for (int64_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < x.size(); ++k) result[i] += weight[i * x.size() + k] * x[k];
  }
  return result;
}

Numbers linear_backward(const double* weight, const Numbers& x, const Numbers& pre, double* grad_weight,
                        double* grad_bias) {
  Numbers result(x.size(), 0);
  for (size_t i = 0; i < pre.size(); ++i) {
    grad_bias[i] += pre[i];
    for (size_t k = 0; k < x.size(); ++k) {
      grad_weight[i * x.size() + k] += pre[i] * x[k];
      result[k] += pre[i] * weight[i * x.size() + k];
    }
  }
  return result;
}

// The cell of a node, forwards when it is made, and backwards.
struct Cell {
  Numbers a, r, q, g, inputs, z, h;

  Cell(const Weights<double>& weights, const Numbers& a, int64_t hidden) : a(a), h(hidden, 0) {
    r = linear(weights.w_r, weights.b_r, a, 3 * hidden);
    for (double& value : r) value = 1 / (1 + std::exp(-value));
    q = a;
    for (size_t k = 0; k < q.size(); ++k) q[k] *= r[k];
    g = linear(weights.w_h, weights.b_h, q, hidden);
    for (double& value : g) value = std::max(value, 0.0);
    inputs = g;
    inputs.insert(inputs.end(), a.begin(), a.end());
    z = linear(weights.w_z, weights.b_z, inputs, 4 * hidden);
    for (int64_t k = 0; k < hidden; ++k) {
      double sum = 0;
      for (int j = 0; j < 4; ++j) sum += std::exp(z[j * hidden + k]);
      for (int j = 0; j < 4; ++j) z[j * hidden + k] = std::exp(z[j * hidden + k]) / sum;
      for (int j = 0; j < 4; ++j) h[k] += z[j * hidden + k] * inputs[j * hidden + k];
    }
  }

  // What reaches a, of what reaches h; `grads` lie as the weights.
  Numbers backward(const Weights<double>& weights, const Numbers& grad, double* grads, int64_t hidden) const {
    const Weights<double> at = weights_at(static_cast<const double*>(grads), hidden);
    const auto to = [&](const double* place) { return grads + (place - grads); };
    Numbers pre_z(4 * hidden);
    for (int64_t k = 0; k < hidden; ++k) {
      double mean = 0;
      for (int j = 0; j < 4; ++j) mean += z[j * hidden + k] * inputs[j * hidden + k] * grad[k];
      for (int j = 0; j < 4; ++j) {
        pre_z[j * hidden + k] = z[j * hidden + k] * (inputs[j * hidden + k] * grad[k] - mean);
      }
    }
    Numbers to_inputs = linear_backward(weights.w_z, inputs, pre_z, to(at.w_z), to(at.b_z));
    for (int64_t i = 0; i < 4 * hidden; ++i) to_inputs[i] += z[i] * grad[i % hidden];
    Numbers pre_h(to_inputs.begin(), to_inputs.begin() + hidden);
    for (int64_t k = 0; k < hidden; ++k) pre_h[k] *= g[k] > 0;
    const Numbers to_q = linear_backward(weights.w_h, q, pre_h, to(at.w_h), to(at.b_h));
    Numbers pre_r(3 * hidden);
    for (int64_t i = 0; i < 3 * hidden; ++i) pre_r[i] = to_q[i] * a[i] * r[i] * (1 - r[i]);
    Numbers result = linear_backward(weights.w_r, a, pre_r, to(at.w_r), to(at.b_r));
    for (int64_t i = 0; i < 3 * hidden; ++i) result[i] += to_q[i] * r[i] + to_inputs[hidden + i];
    return result;
  }
};

struct Outputs {
  Numbers h, grad_u, grad_weights;
  int forward = 0, backward = 0;  // what the op returned

  bool operator==(const Outputs&) const = default;
};

Outputs expected(const Batch& batch) {
  const int64_t hidden = batch.hidden;
  const Weights<double> weights = weights_at(batch.weights.data(), hidden);
  const auto row = [&](const Numbers& all, int64_t node) {
    return Numbers(all.begin() + node * hidden, all.begin() + (node + 1) * hidden);
  };
  Outputs outputs{batch.u, batch.grad_h, Numbers(weight_numbers(hidden), 0)};
  std::vector<Cell> cells;
  std::vector<int64_t> inner;
  for (int64_t node = 0; node < batch.nodes; ++node) {
    if (batch.children[2 * node] < 0) continue;
    Numbers a = row(outputs.h, batch.children[2 * node]);
    for (const Numbers& more : {row(outputs.h, batch.children[2 * node + 1]), row(batch.u, node)}) {
      a.insert(a.end(), more.begin(), more.end());
    }
    cells.emplace_back(weights, a, hidden);
    inner.push_back(node);
    std::copy(cells.back().h.begin(), cells.back().h.end(), outputs.h.begin() + node * hidden);
  }
  Numbers& g = outputs.grad_u;  // what reaches h, until it becomes what reaches u
  for (size_t i = inner.size(); i-- > 0;) {
    const int64_t node = inner[i];
    const Numbers to = cells[i].backward(weights, row(g, node), outputs.grad_weights.data(), hidden);
    for (int64_t k = 0; k < hidden; ++k) {
      g[batch.children[2 * node] * hidden + k] += to[k];
      g[batch.children[2 * node + 1] * hidden + k] += to[hidden + k];
      g[node * hidden + k] = to[2 * hidden + k];
    }
  }
  return outputs;
}

Batch batch_of(const std::vector<Tree>& trees, int64_t hidden) {
  Batch batch{PackedTrees(trees, hidden)};
  batch.u = random_numbers(batch.nodes * hidden, 1);
  batch.weights = random_numbers(weight_numbers(hidden), std::sqrt(1.0 / (3.0 * static_cast<double>(hidden))));
  batch.grad_h = random_numbers(batch.nodes * hidden, 1);
  return batch;
}

// Arrays have exactly as many numbers as there may be, so that AddressSanitizer knows where they end.
template <typename Number>
Outputs run(const Batch& batch) {
  const auto narrowed = [](const Numbers& values) { return std::vector<Number>(values.begin(), values.end()); };
  const auto widened = [](const std::vector<Number>& values) { return Numbers(values.begin(), values.end()); };
  const auto empty = [](int64_t count) { return std::vector<Number>(count, static_cast<Number>(NAN)); };
  const Forest forest = batch.forest();
  const int64_t hidden = batch.hidden, numbers = weight_numbers(hidden);
  const auto u = narrowed(batch.u), grad_h = narrowed(batch.grad_h), all = narrowed(batch.weights);
  const Weights<Number> weights = weights_at(all.data(), hidden);
  auto h = empty(batch.nodes * hidden), grad_u = h, kept = empty(batch.nodes * 8 * hidden);
  auto upwards = empty(forward_cuda_scratch(forest)), scratch = empty(backward_cuda_scratch(forest));
  auto grad_weights = empty(parts(forest) * numbers);
  Outputs outputs;
  outputs.forward = forward_cuda<Number>({forest, u.data(), weights, h.data(), kept.data(), upwards.data()}, nullptr);
  outputs.backward = backward_cuda<Number>({forest, u.data(), weights, h.data(), kept.data(), grad_h.data(),
                                            grad_u.data(), grad_weights.data(), scratch.data()}, nullptr);
  outputs.h = widened(h);
  outputs.grad_u = widened(grad_u);
  outputs.grad_weights = Numbers(numbers, 0);
  for (size_t i = 0; i < grad_weights.size(); ++i) outputs.grad_weights[i % numbers] += grad_weights[i];
  return outputs;
}

template <typename Number>
void compare(const char* name, Batch batch) {
  for (Numbers* values : {&batch.u, &batch.weights, &batch.grad_h}) {
    for (double& value : *values) value = static_cast<Number>(value);
  }
  const Outputs actual = run<Number>(batch), wanted = expected(batch);
  expect(actual.forward == 0 && actual.backward == 0, "forward and backward start and end");
  double worst = 0;
  for (Numbers Outputs::*each : {&Outputs::h, &Outputs::grad_u, &Outputs::grad_weights}) {
    const double error = distance(wanted.*each, actual.*each);
    if (!(error <= worst)) worst = error;
  }
  expect(worst <= (sizeof(Number) == 8 ? 1e-12 : 5e-5), "the kernels equal the recursion");
  std::printf("%s, hidden %d, %d trees, %d nodes: within %.1e of the recursion\n", name,
              static_cast<int>(batch.hidden), static_cast<int>(batch.trees), static_cast<int>(batch.nodes), worst);
}

void gradient_is_the_derivative() {
  const Batch batch = batch_of({tree_of(4, false), {}, tree_of(3, true), tree_of(1, false)}, 2);
  const Outputs outputs = expected(batch);
  const auto loss = [](const Batch& copy) {
    const Numbers h = expected(copy).h;
    return std::inner_product(h.begin(), h.end(), copy.grad_h.begin(), 0.0);
  };
  const auto error_of = [&](Numbers Batch::*input, const Numbers& gradient) {
    return distance(differences(batch, input, 1e-6, loss), gradient);
  };
  const double error = std::max(error_of(&Batch::u, outputs.grad_u), error_of(&Batch::weights, outputs.grad_weights));
  expect(error < 1e-7, "the gradient by the letter is the derivative");
  std::printf("gradient by the letter: within %.1e of differences\n", error);
}

// A tree gets the same bits alone and behind others, and however many blocks there are.
template <typename Number>
void bits_do_not_depend_on_the_batch(int64_t hidden) {
  const std::vector<Tree> trees = trees_of(6, 40);
  const Batch batch = batch_of(trees, hidden);
  const Outputs all = run<Number>(batch);
  cuda_on_cpu::multiprocessors = 1;
  const Outputs together = run<Number>(batch);
  cuda_on_cpu::multiprocessors = 132;
  expect(together == all, "fewer blocks change no bit");
  for (size_t tree = 0; tree < trees.size(); ++tree) {
    Batch alone = batch_of({trees[tree]}, hidden);
    const auto rows = [&](const Numbers& from) {
      return Numbers(from.begin() + batch.offsets[tree] * hidden, from.begin() + batch.offsets[tree + 1] * hidden);
    };
    alone.weights = batch.weights;
    alone.u = rows(batch.u);
    alone.grad_h = rows(batch.grad_h);
    const Outputs one = run<Number>(alone);
    expect(one.h == rows(all.h) && one.grad_u == rows(all.grad_u), "a tree has the same bits wherever it stands");
  }
  std::printf("hidden %d: the same bits alone and behind others\n", static_cast<int>(hidden));
}

// Few of them: each costs ThreadSanitizer the threads of two blocks, of 8128 that it has.
void bad_ones_are_refused() {
  const Batch good = batch_of({tree_of(1, false), tree_of(3, true)}, 3);  // nodes: one; two leaves, their parent, ..
  std::vector<Batch> all = with_offsets(good, {{0, 7, 6}, {0, 1, 7}, {-1, 1, 6}});
  for (const Batch& batch : with_children_of_node_5(good, {{0, 4}, {3, 5}, {3, -1}})) all.push_back(batch);
  int refused = 0;
  for (const Batch& batch : all) {
    const Outputs outputs = run<float>(batch);
    refused += outputs.forward != 0 && outputs.backward != 0;
  }
  expect(refused == static_cast<int>(all.size()), "bad offsets and children stop the kernels");
  std::printf("bad ones: %d of %d stop the kernels\n", refused, static_cast<int>(all.size()));
}

}  // namespace

void check_everything(bool few) {
  cuda_on_cpu::shared_memory_begin = shared_memory;
  gradient_is_the_derivative();
  compare<float>("float32", batch_of({}, 4));
  compare<float>("float32", batch_of({{}, {}}, 4));
  for (int64_t hidden : few ? std::vector<int64_t>{5} : std::vector<int64_t>{1, 5, 16, 33, 70}) {
    compare<float>("float32", batch_of(trees_of(few ? 3 : 10, 20), hidden));
    if (!few) compare<double>("float64", batch_of(trees_of(40, 20), hidden));
  }
  // More nodes than a window, in trees whose nodes have children in this window and in earlier ones.
  cuda_on_cpu::multiprocessors = 1;  // several trees for a block
  compare<double>("float64", batch_of({tree_of(few ? 40 : 900, false), tree_of(1, false), tree_of(30, true)}, 3));
  compare<float>("float32", batch_of(std::vector<Tree>(few ? 140 : 700, tree_of(few ? 2 : 4, false)), 3));
  cuda_on_cpu::multiprocessors = 132;
  bits_do_not_depend_on_the_batch<float>(few ? 5 : 17);
  bad_ones_are_refused();  // last: ThreadSanitizer is slow while it remembers the threads that were stopped
}

}  // namespace lightning_suite::gated_tree_embedding

int main(int count, char** words) {
  return lightning_suite::run_checks(lightning_suite::gated_tree_embedding::check_everything, count, words);
}
