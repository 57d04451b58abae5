// Runs the kernels of tree_embedding_cuda.cu on a CPU (cuda_on_cpu/) and compares them with the recursion and its
// gradient, written here by the letter in double precision. One line for each group of cases; the exit status says if
// all held.
//
//     cd tests/csrc/tree_embedding
//     g++ -std=c++20 -O1 -I../../../csrc -I../cuda_on_cpu tree_embedding_cuda_on_cpu.cpp && ./a.out [few]
#include "../../../csrc/tree_embedding/tree_embedding_cuda.cu"

#include <algorithm>
#include <numeric>

#include "random_trees.h"

namespace lightning_suite::tree_embedding {
namespace {

alignas(16) unsigned char shared_memory[cuda_on_cpu::kSharedMemory];

constexpr int kMany = 132, kOne = 1;  // multiprocessors: for a block a tree, and for two blocks alone

// Every array of the op, in double precision.
struct Batch : PackedTrees {
  int64_t features;
  Numbers x, w_u, b_u, w_h, b_h, grad_h, u, h;
  Numbers grad_x, grad_w_u, grad_b_u, grad_w_h, grad_b_h;  // of the weights: sums over the whole batch

  double input(int64_t node, int64_t k) const {  // [h_l, h_r, u]
    const int64_t side = k / hidden, row = side < 2 ? children[2 * node + side] : node;
    return (side < 2 ? h : u)[row * hidden + k % hidden];
  }
};

void expected_outputs(Batch& batch) {
  const int64_t hidden = batch.hidden, features = batch.features;
  batch.h.assign(batch.nodes * hidden, 0);
  batch.u = batch.h;
  for (int64_t node = 0; node < batch.nodes; ++node) {
    for (int64_t j = 0; j < hidden; ++j) {
      double own = batch.b_u[j];
      for (int64_t k = 0; k < features; ++k) own += batch.w_u[j * features + k] * batch.x[node * features + k];
      batch.u[node * hidden + j] = std::max(own, 0.0);
    }
    for (int64_t j = 0; j < hidden; ++j) {
      double value = batch.u[node * hidden + j];
      if (batch.children[2 * node] >= 0) {
        value = batch.b_h[j];
        for (int64_t k = 0; k < 3 * hidden; ++k) value += batch.w_h[j * 3 * hidden + k] * batch.input(node, k);
        value = std::max(value, 0.0);
      }
      batch.h[node * hidden + j] = value;
    }
  }
}

// Backwards through expected_outputs, statement by statement, from h as the op has stored it.
void expected_gradient(Batch& batch) {
  const int64_t hidden = batch.hidden, features = batch.features;
  Numbers g = batch.grad_h, grad_u(batch.nodes * hidden, 0);
  batch.grad_x.assign(batch.nodes * features, 0);
  batch.grad_w_u.assign(hidden * features, 0);
  batch.grad_b_u.assign(hidden, 0);
  batch.grad_w_h.assign(hidden * 3 * hidden, 0);
  batch.grad_b_h.assign(hidden, 0);
  for (int64_t node = batch.nodes; node-- > 0;) {
    for (int64_t j = 0; j < hidden; ++j) {
      const int64_t at = node * hidden + j;
      if (batch.children[2 * node] < 0) grad_u[at] += g[at];
      if (batch.children[2 * node] < 0 || batch.h[at] <= 0) continue;
      batch.grad_b_h[j] += g[at];
      for (int64_t k = 0; k < 3 * hidden; ++k) {
        const int64_t side = k / hidden, row = side < 2 ? batch.children[2 * node + side] : node;
        batch.grad_w_h[j * 3 * hidden + k] += g[at] * batch.input(node, k);
        (side < 2 ? g : grad_u)[row * hidden + k % hidden] += g[at] * batch.w_h[j * 3 * hidden + k];
      }
    }
    for (int64_t j = 0; j < hidden; ++j) {
      const int64_t at = node * hidden + j;
      if (batch.u[at] <= 0) continue;
      batch.grad_b_u[j] += grad_u[at];
      for (int64_t k = 0; k < features; ++k) {
        batch.grad_w_u[j * features + k] += grad_u[at] * batch.x[node * features + k];
        batch.grad_x[node * features + k] += grad_u[at] * batch.w_u[j * features + k];
      }
    }
  }
}

Batch batch_of(const std::vector<Tree>& trees, int64_t hidden) {
  Batch batch{PackedTrees(trees, hidden)};
  batch.features = hidden == 33 ? 70 : 1 + hidden % 9;  // of one and of two tiles
  batch.x = random_numbers(batch.nodes * batch.features, 1);
  batch.w_u = random_numbers(hidden * batch.features, std::sqrt(2.0 / static_cast<double>(batch.features)));
  batch.b_u = random_numbers(hidden, 0.1);
  batch.w_h = random_numbers(hidden * 3 * hidden, std::sqrt(2.0 / (3.0 * static_cast<double>(hidden))));
  batch.b_h = random_numbers(hidden, 0.1);
  batch.grad_h = random_numbers(batch.nodes * hidden, 1);
  return batch;
}

// Exactly as many numbers as there may be, so that AddressSanitizer knows where the array ends.
template <typename Number>
std::vector<Number> narrowed(const Numbers& values) {
  return std::vector<Number>(values.begin(), values.end());
}

struct Outputs {
  Numbers h, grad_x, grad_w_u, grad_b_u, grad_w_h, grad_b_h;  // of the weights: by part
  int forward, backward;                                      // what the op returned

  bool operator==(const Outputs&) const = default;
};

template <typename Number>
Outputs run(const Batch& batch, bool for_x = true) {
  const Forest forest = batch.forest();
  const int64_t hidden = batch.hidden, features = batch.features, count = parts(forest);
  const auto x = narrowed<Number>(batch.x), grad_h = narrowed<Number>(batch.grad_h);
  const auto w_u = narrowed<Number>(batch.w_u), b_u = narrowed<Number>(batch.b_u);
  const auto w_h = narrowed<Number>(batch.w_h), b_h = narrowed<Number>(batch.b_h);
  const auto empty = [](int64_t count) { return std::vector<Number>(count, static_cast<Number>(NAN)); };
  auto h = empty(batch.nodes * hidden), grad_x = empty(for_x ? batch.nodes * features : 0);
  auto grad_w_u = empty(count * hidden * features), grad_b_u = empty(count * hidden);
  auto grad_w_h = empty(count * hidden * 3 * hidden), grad_b_h = grad_b_u;
  auto upwards = empty(forward_cuda_scratch(forest, features));
  auto downwards = empty(backward_cuda_scratch(forest, features));
  const int forward = forward_cuda<Number>(
      {forest, features, x.data(), w_u.data(), b_u.data(), w_h.data(), b_h.data(), h.data(), upwards.data()}, nullptr);
  const int backward = backward_cuda<Number>(
      {forest, features, x.data(), w_u.data(), b_u.data(), w_h.data(), h.data(), grad_h.data(),
       for_x ? grad_x.data() : nullptr, grad_w_u.data(), grad_b_u.data(), grad_w_h.data(), grad_b_h.data(),
       downwards.data()}, nullptr);
  const auto widened = [](const std::vector<Number>& values) { return Numbers(values.begin(), values.end()); };
  return {widened(h), widened(grad_x), widened(grad_w_u), widened(grad_b_u), widened(grad_w_h), widened(grad_b_h),
          forward, backward};
}

Numbers sum_of_parts(const Numbers& parts, size_t length) {
  Numbers sum(length, 0);
  for (size_t i = 0; i < parts.size(); ++i) sum[i % length] += parts[i];
  return sum;
}

template <typename Number>
double compare(Batch batch) {
  for (Numbers* values : {&batch.x, &batch.w_u, &batch.b_u, &batch.w_h, &batch.b_h, &batch.grad_h}) {
    for (double& value : *values) value = static_cast<Number>(value);
  }
  const Outputs actual = run<Number>(batch);
  expect(actual.forward == 0 && actual.backward == 0, "forward and backward start and end");
  expected_outputs(batch);
  const Numbers expected_h = batch.h;
  batch.h = actual.h;
  expected_gradient(batch);
  const auto of_parts = [](const Numbers& expected, const Numbers& parts) {
    return distance(expected, sum_of_parts(parts, expected.size()));
  };
  const double errors[] = {
      distance(expected_h, actual.h), distance(batch.grad_x, actual.grad_x),
      of_parts(batch.grad_w_u, actual.grad_w_u), of_parts(batch.grad_b_u, actual.grad_b_u),
      of_parts(batch.grad_w_h, actual.grad_w_h), of_parts(batch.grad_b_h, actual.grad_b_h)};
  const char* const names[] = {"h", "grad_x", "grad_w_u", "grad_b_u", "grad_w_h", "grad_b_h"};
  double worst = 0;
  for (int i = 0; i < 6; ++i) {
    if (!(errors[i] <= worst)) worst = errors[i];
    expect(errors[i] <= (sizeof(Number) == 8 ? 1e-12 : 2e-5),
           std::string(names[i]) + " is off by " + std::to_string(errors[i]) + ", " + std::to_string(sizeof(Number)) +
               " bytes, hidden " + std::to_string(batch.hidden) + ", trees " + std::to_string(batch.trees));
  }
  return worst;
}

template <typename Number>
void compare_sizes(const char* name, const std::vector<int64_t>& all_hidden, const std::vector<int64_t>& counts) {
  for (int64_t hidden : all_hidden) {
    double worst = 0;
    for (int64_t count : counts) {
      for (int multiprocessors : {kMany, kOne}) {
        cuda_on_cpu::multiprocessors = multiprocessors;
        const Batch batch = batch_of(trees_of(count, 50), hidden);
        const double error = compare<Number>(batch);
        if (!(error <= worst)) worst = error;
      }
    }
    std::printf("%s, hidden %d: within %.1e of the recursion\n", name, static_cast<int>(hidden), worst);
  }
  cuda_on_cpu::multiprocessors = kMany;
}

void gradient_is_the_derivative() {
  Batch batch = batch_of({tree_of(4, false), {}, tree_of(3, true), tree_of(1, false)}, 3);
  expected_outputs(batch);
  expected_gradient(batch);
  const auto loss = [](Batch copy) {
    expected_outputs(copy);
    return std::inner_product(copy.h.begin(), copy.h.end(), copy.grad_h.begin(), 0.0);
  };
  const auto error_of = [&](Numbers Batch::*input, const Numbers& gradient) {
    return distance(differences(batch, input, 1e-6, loss), gradient);
  };
  const double error = std::max({error_of(&Batch::x, batch.grad_x), error_of(&Batch::w_u, batch.grad_w_u),
                                 error_of(&Batch::b_u, batch.grad_b_u), error_of(&Batch::w_h, batch.grad_w_h),
                                 error_of(&Batch::b_h, batch.grad_b_h)});
  expect(error < 1e-8, "the gradient by the letter is the derivative");
  std::printf("gradient by the letter: within %.1e of differences\n", error);
}

// A tree gets the same bits wherever it stands and whatever stands around it, and however many blocks there are.
template <typename Number>
void bits_do_not_depend_on_the_batch(int64_t hidden) {
  const std::vector<Tree> trees = trees_of(12, 50);
  const Batch batch = batch_of(trees, hidden);
  const Outputs outputs = run<Number>(batch);
  cuda_on_cpu::multiprocessors = kOne;
  const Outputs together = run<Number>(batch);
  cuda_on_cpu::multiprocessors = kMany;
  expect(together == outputs, "fewer blocks change no bit");
  Outputs without_x = run<Number>(batch, false);
  expect(without_x.grad_x.empty(), "the gradient of x is not written where nobody asks for it");
  without_x.grad_x = outputs.grad_x;
  expect(without_x == outputs, "that nobody asks for the gradient of x changes no bit of another");
  std::vector<size_t> order(trees.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t cut : {order.size(), order.size(), size_t{1}}) {  // all of them, in two orders; one alone
    std::shuffle(order.begin(), order.end(), random_bits);
    order.resize(cut);
    std::vector<Tree> chosen;
    for (size_t tree : order) chosen.push_back(trees[tree]);
    Batch other = batch_of(chosen, hidden);
    for (Numbers Batch::*weights : {&Batch::w_u, &Batch::b_u, &Batch::w_h, &Batch::b_h}) {
      other.*weights = batch.*weights;
    }
    const auto copy_rows = [&](const Numbers& from, int64_t columns, Numbers& to) {
      to.clear();
      for (size_t tree : order) {
        to.insert(to.end(), from.begin() + batch.offsets[tree] * columns,
                  from.begin() + batch.offsets[tree + 1] * columns);
      }
    };
    copy_rows(batch.x, batch.features, other.x);
    copy_rows(batch.grad_h, hidden, other.grad_h);
    const Outputs actual = run<Number>(other);
    Numbers h, grad_x;
    copy_rows(outputs.h, hidden, h);
    copy_rows(outputs.grad_x, batch.features, grad_x);
    expect(actual.h == h && actual.grad_x == grad_x, "a tree has the same bits wherever it stands");
  }
  std::printf("hidden %d: the same bits in any order of the trees, and with fewer blocks\n",
              static_cast<int>(hidden));
}

// Few of them: each costs ThreadSanitizer the threads of two blocks, of 8128 that it has.
void bad_ones_are_refused() {
  const Batch good = batch_of({tree_of(1, false), tree_of(3, true)}, 3);  // nodes: one; two leaves, their parent, ..
  const auto count_refused = [](const std::vector<Batch>& all, const char* what) {
    int refused = 0;
    for (const Batch& batch : all) {
      const Outputs outputs = run<float>(batch);
      expect(outputs.forward != 0, std::string("bad ") + what + " stop forward");
      expect(outputs.backward != 0, std::string("bad ") + what + " stop backward");
      refused += outputs.forward != 0 && outputs.backward != 0;
    }
    std::printf("bad %s: %d of %d stop the kernels\n", what, refused, static_cast<int>(all.size()));
  };
  count_refused(with_offsets(good, {{1, 1, 6}, {0, 7, 6}, {0, 1, 5}, {0, 1, 7}, {0, -1, 6}, {-1, 1, 6},
                                    {int64_t{1} << 62, 1, 6}}), "offsets");
  Tree pairs = {  // of node 5, whose own are 3 and 4
      {-1, 4}, {3, -1}, {3, 5}, {4, 4}, {0, 4}, {int64_t{-1} << 62, -1}};
  // Node 2 has node 3 for its parent. Two threads that say so at a time are a race, until one sees it.
#ifdef __SANITIZE_THREAD__
  pairs.push_back({-2, -2});
#else
  pairs.push_back({2, 4});
#endif
  count_refused(with_children_of_node_5(good, pairs), "children");
}

template <typename Number>
void compare_ends(const char* name, bool few) {
  double worst = 0;
  const auto add = [&](const std::vector<Tree>& trees, int64_t hidden) {
    const double error = compare<Number>(batch_of(trees, hidden));
    if (!(error <= worst)) worst = error;
  };
  add({}, 4);
  add({{}, {}}, 4);
  // Several trees for a block: the child of another tree of the same block is refused.
  cuda_on_cpu::multiprocessors = kOne;
  if (!few) {
    Batch batch = batch_of(std::vector<Tree>(9, tree_of(2, false)), 1);
    batch.children.end()[-2] -= 2;
    const Outputs outputs = run<Number>(batch);
    expect(outputs.forward != 0 && outputs.backward != 0, "the child of another tree stops the kernels");
  }
  // More nodes than a window, in trees whose nodes have children in this window and in earlier ones; more inner nodes
  // of a depth than a tile has rows; a chain as deep as a window.
  add({tree_of(few ? 50 : 900, false), tree_of(1, false), tree_of(few ? 40 : kWindow, true)}, 3);
  add(std::vector<Tree>(few ? 140 : 700, tree_of(few ? 2 : 4, false)), 3);
  cuda_on_cpu::multiprocessors = kMany;
  if (!few) add(trees_of(1000, 2), 2);
  std::printf("%s, nothing at all, many trees, large trees: within %.1e\n", name, worst);
}

}  // namespace

void check_everything(bool few) {
  const std::vector<int64_t> hidden = few ? std::vector<int64_t>{5, 33} : std::vector<int64_t>{1, 5, 16, 33, 70};
  const std::vector<int64_t> counts = few ? std::vector<int64_t>{1, 3} : std::vector<int64_t>{1, 3, 40};
  cuda_on_cpu::shared_memory_begin = shared_memory;
  gradient_is_the_derivative();
  compare_sizes<float>("float32", hidden, counts);
  compare_sizes<double>("float64", few ? std::vector<int64_t>{16} : hidden, counts);
  compare_ends<float>("float32", few);
  if (!few) compare_ends<double>("float64", few);
  bits_do_not_depend_on_the_batch<float>(few ? 5 : 70);
  bad_ones_are_refused();  // last: ThreadSanitizer is slow while it remembers the threads that were stopped
}

}  // namespace lightning_suite::tree_embedding

int main(int count, char** words) {
  return lightning_suite::run_checks(lightning_suite::tree_embedding::check_everything, count, words);
}
