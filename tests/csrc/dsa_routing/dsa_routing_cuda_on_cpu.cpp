// Runs the kernels of dsa_routing_cuda.cu on a CPU (cuda_on_cpu/) and compares them with Algorithm 1 and its gradient,
// written here by the letter in double precision. One line for each group of cases; the exit status says if all held.
//
//     cd tests/csrc/dsa_routing
//     g++ -std=c++20 -O1 -I../../../csrc -I../cuda_on_cpu dsa_routing_cuda_on_cpu.cpp && ./a.out [few]
#include "../../../csrc/dsa_routing/dsa_routing_cuda.cu"

#include <initializer_list>
#include <limits>

#include "checks.h"

namespace lightning_suite::dsa_routing {
namespace {

alignas(16) unsigned char shared_memory[cuda_on_cpu::kSharedMemory];

// What is known of a batch beside x, and every array of the op, in double precision.
struct Batch {
  Sizes sizes;
  std::vector<int64_t> offsets;
  Numbers x, z, weights, vectors, grad_z, grad_weights, grad_vectors, grad_x;

  int64_t at_word(int64_t word, int64_t head) const { return word * sizes.heads + head; }
  int64_t at_sentence(int64_t sentence, int64_t head) const { return sentence * sizes.heads + head; }
};

// Algorithm 1 for one sentence and head: a[t], z[t] for t = 0 .. r-1, from words[i].
void algorithm_1(const std::vector<Numbers>& words, int64_t dim, int64_t r, std::vector<Numbers>& a,
                 std::vector<Numbers>& z) {
  Numbers q(words.size(), 0.0);
  a.assign(r, Numbers(words.size()));
  z.assign(r, Numbers(dim));
  for (int64_t t = 0; t < r; ++t) {
    double most = -std::numeric_limits<double>::infinity(), total = 0;
    for (double value : q) most = std::max(most, value);
    for (double value : q) total += std::exp(value - most);
    for (size_t i = 0; i < words.size(); ++i) a[t][i] = std::exp(q[i] - most) / total;
    for (int64_t j = 0; j < dim; ++j) {
      double sum = 0;
      for (size_t i = 0; i < words.size(); ++i) sum += a[t][i] * words[i][j];
      z[t][j] = std::tanh(sum);
    }
    for (size_t i = 0; i < words.size(); ++i) {
      for (int64_t j = 0; j < dim; ++j) q[i] += words[i][j] * z[t][j];
    }
  }
}

std::vector<Numbers> words_of(const Batch& batch, int64_t sentence, int64_t head) {
  std::vector<Numbers> words;
  for (int64_t i = batch.offsets[sentence]; i < batch.offsets[sentence + 1]; ++i) {
    const double* row = batch.x.data() + batch.at_word(i, head) * batch.sizes.head_dim;
    words.emplace_back(row, row + batch.sizes.head_dim);
  }
  return words;
}

void expected_outputs(Batch& batch) {
  const auto [words, sentences, heads, dim, r, slope] = batch.sizes;
  batch.z.assign(sentences * heads * dim, 0);
  batch.weights.assign((r - 1) * words * heads, 0);
  batch.vectors.assign((r - 1) * sentences * heads * dim, 0);
  for (int64_t sentence = 0; sentence < sentences; ++sentence) {
    for (int64_t head = 0; head < heads; ++head) {
      std::vector<Numbers> a, z;
      algorithm_1(words_of(batch, sentence, head), dim, r, a, z);
      const int64_t place = batch.at_sentence(sentence, head);
      for (int64_t t = 1; t < r; ++t) {
        for (size_t i = 0; i < a[t].size(); ++i) {
          batch.weights[(t - 1) * words * heads + batch.at_word(batch.offsets[sentence] + i, head)] = a[t][i];
        }
        for (int64_t j = 0; j < dim; ++j) {
          batch.vectors[((t - 1) * sentences * heads + place) * dim + j] = z[t - 1][j];
        }
      }
      for (int64_t j = 0; j < dim; ++j) batch.z[place * dim + j] = z[r - 1][j];
    }
  }
}

// Backwards through algorithm_1, statement by statement. `last_z` is z^r as the op has stored it.
void expected_gradient(Batch& batch, const Numbers& last_z) {
  const auto [words, sentences, heads, dim, r, slope] = batch.sizes;
  batch.grad_x.assign(words * heads * dim, 0);
  for (int64_t sentence = 0; sentence < sentences; ++sentence) {
    for (int64_t head = 0; head < heads; ++head) {
      const std::vector<Numbers> x = words_of(batch, sentence, head);
      const int64_t place = batch.at_sentence(sentence, head), n = static_cast<int64_t>(x.size());
      std::vector<Numbers> a, z, grad(n, Numbers(dim, 0));
      algorithm_1(x, dim, r, a, z);
      Numbers grad_q(n, 0), grad_z(dim, 0);
      for (int64_t t = r - 1; t >= 0; --t) {
        for (int64_t j = 0; j < dim; ++j) {
          grad_z[j] = t == r - 1 ? batch.grad_z[place * dim + j]
                                 : batch.grad_vectors[(t * sentences * heads + place) * dim + j];
        }
        if (t == r - 1) {
          for (int64_t j = 0; j < dim; ++j) z[t][j] = last_z[place * dim + j];
        } else {  // q += x . z^t
          for (int64_t i = 0; i < n; ++i) {
            for (int64_t j = 0; j < dim; ++j) {
              grad[i][j] += grad_q[i] * z[t][j];
              grad_z[j] += grad_q[i] * x[i][j];
            }
          }
        }
        Numbers grad_a(n, 0);
        for (int64_t i = 0; i < n; ++i) {
          if (t > 0) {
            grad_a[i] = batch.grad_weights[(t - 1) * words * heads + batch.at_word(batch.offsets[sentence] + i, head)];
          }
          for (int64_t j = 0; j < dim; ++j) {
            const double slope = grad_z[j] * (1 - z[t][j] * z[t][j]);
            grad[i][j] += a[t][i] * slope;
            grad_a[i] += x[i][j] * slope;
          }
        }
        double mean = 0;
        for (int64_t i = 0; i < n; ++i) mean += a[t][i] * grad_a[i];
        for (int64_t i = 0; i < n; ++i) grad_q[i] += a[t][i] * (grad_a[i] - mean);
      }
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < dim; ++j) {
          batch.grad_x[batch.at_word(batch.offsets[sentence] + i, head) * dim + j] = grad[i][j];
        }
      }
    }
  }
}

// An array of the op with exactly as many numbers as there may be, so that AddressSanitizer knows where it ends. It
// begins as far from a multiple of 16 bytes as it is told.
template <typename T>
class Array {
 public:
  explicit Array(size_t count, size_t skip = 0) : memory_(count * sizeof(T) + skip * sizeof(T), '\xff'), skip_(skip) {}
  Array(const Numbers& values, size_t skip = 0) : Array(values.size(), skip) {
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (sizeof(T) == 2) {
        narrow(static_cast<float>(values[i]), data()[i]);
      } else {
        data()[i] = static_cast<T>(values[i]);
      }
    }
  }
  T* data() { return reinterpret_cast<T*>(memory_.data()) + skip_; }
  Numbers numbers() {
    Numbers result;
    const size_t count = memory_.size() / sizeof(T) - skip_;
    for (size_t i = 0; i < count; ++i) result.push_back(widen(data()[i]));
    return result;
  }

 private:
  std::vector<char> memory_;
  size_t skip_;
};

Batch batch_of(const std::vector<int64_t>& lengths, int64_t heads, int64_t dim, int64_t r) {
  Batch batch;
  batch.offsets = {0};
  for (int64_t length : lengths) batch.offsets.push_back(batch.offsets.back() + length);
  const int64_t words = batch.offsets.back(), sentences = static_cast<int64_t>(lengths.size());
  batch.sizes = {words, sentences, heads, dim, r};
  batch.x = random_numbers(words * heads * dim, 1.5 / std::sqrt(std::sqrt(static_cast<double>(dim))));
  batch.grad_z = random_numbers(sentences * heads * dim, 1);
  batch.grad_weights = random_numbers((r - 1) * words * heads, 1);
  batch.grad_vectors = random_numbers((r - 1) * sentences * heads * dim, 1);
  return batch;
}

template <typename Number>
constexpr double kTolerance = sizeof(Number) == 8 ? 1e-12 : sizeof(Number) == 4 ? 2e-5 : 1e-3;
template <>
constexpr double kTolerance<BFloat16> = 6e-3;

struct Outputs {
  Numbers z, weights, vectors, grad_x;
  bool operator==(const Outputs&) const = default;
};

// Forward and backward of a batch; `given` says which gradients are (1 z, 2 weights, 4 vectors).
template <typename Number>
Outputs run(const Batch& batch, int given, size_t skip = 0) {
  using P = Precise<Number>;
  const Sizes& sizes = batch.sizes;
  Array<Number> x(batch.x, skip), z(sizes.sentences * sizes.heads * sizes.head_dim), grad_x(batch.x.size(), skip);
  Array<P> weights(batch.grad_weights.size()), vectors(batch.grad_vectors.size());
  std::vector<int64_t> offsets = batch.offsets;
  const Forward<Number> forward = {sizes, x.data(), offsets.data(), z.data(), weights.data(), vectors.data()};
  expect(forward_cuda(forward, nullptr) == 0, "forward starts");
  Array<Number> grad_z(batch.grad_z);
  Array<P> grad_weights(batch.grad_weights), grad_vectors(batch.grad_vectors), scratch(backward_cuda_scratch(sizes));
  expect(backward_cuda<Number>({sizes, x.data(), offsets.data(), z.data(), weights.data(), vectors.data(),
                                given & 1 ? grad_z.data() : nullptr, given & 2 ? grad_weights.data() : nullptr,
                                given & 4 ? grad_vectors.data() : nullptr, grad_x.data(), scratch.data()},
                               nullptr) == 0,
         "backward starts");
  return {z.numbers(), weights.numbers(), vectors.numbers(), grad_x.numbers()};
}

template <typename Number>
double compare(Batch batch, int given, size_t skip = 0) {
  batch.x = Array<Number>(batch.x).numbers();
  batch.grad_z = Array<Number>(batch.grad_z).numbers();
  const Outputs actual = run<Number>(batch, given, skip);
  if (!(given & 1)) batch.grad_z.assign(batch.grad_z.size(), 0);
  if (!(given & 2)) batch.grad_weights.assign(batch.grad_weights.size(), 0);
  if (!(given & 4)) batch.grad_vectors.assign(batch.grad_vectors.size(), 0);
  expected_outputs(batch);
  expected_gradient(batch, actual.z);
  const double errors[] = {distance(batch.z, actual.z), distance(batch.weights, actual.weights),
                           distance(batch.vectors, actual.vectors), distance(batch.grad_x, actual.grad_x)};
  const char* const names[] = {"z", "weights", "vectors", "grad_x"};
  double worst = 0;
  for (int i = 0; i < 4; ++i) {
    if (errors[i] > worst) worst = errors[i];
    expect(errors[i] <= kTolerance<Number>,
           std::string(names[i]) + " is off by " + std::to_string(errors[i]) + ", " + std::to_string(sizeof(Number)) +
               " bytes, heads " + std::to_string(batch.sizes.heads) + ", head_dim " +
               std::to_string(batch.sizes.head_dim) + ", iterations " + std::to_string(batch.sizes.iterations) +
               ", given " + std::to_string(given));
  }
  return worst;
}

template <typename Number>
void compare_sizes(const char* name, const std::vector<int64_t>& dims, const std::vector<int64_t>& iterations) {
  for (int64_t dim : dims) {
    double worst = 0;
    for (int64_t r : iterations) {
      const int64_t heads = 1 + (dim + r) % 3;
      std::vector<int64_t> lengths = {2, 0, 17, 1, 5, dim < 200 ? 40 : 9, 0};
      // Every other time the tile holds but a part of a sentence.
      cuda_on_cpu::shared_memory_per_multiprocessor = r % 2 ? 228 << 10 : 30 << 10;
      const int given = r == 1 ? 1 : r == 2 ? 7 : r == 3 ? 6 : r == 4 ? 1 : 3;
      worst = std::max(worst, compare<Number>(batch_of(lengths, heads, dim, r), given));
    }
    std::printf("%s, head_dim %d: within %.1e of the algorithm\n", name, static_cast<int>(dim), worst);
  }
  cuda_on_cpu::shared_memory_per_multiprocessor = 228 << 10;
}

void gradient_is_the_derivative() {
  Batch batch = batch_of({3, 0, 4}, 2, 3, 3);
  const auto loss = [](Batch copy) {
    expected_outputs(copy);
    double sum = 0;
    for (size_t i = 0; i < copy.z.size(); ++i) sum += copy.z[i] * copy.grad_z[i];
    for (size_t i = 0; i < copy.weights.size(); ++i) sum += copy.weights[i] * copy.grad_weights[i];
    for (size_t i = 0; i < copy.vectors.size(); ++i) sum += copy.vectors[i] * copy.grad_vectors[i];
    return sum;
  };
  expected_outputs(batch);
  expected_gradient(batch, batch.z);
  const double error = distance(differences(batch, &Batch::x, 1e-5, loss), batch.grad_x);
  expect(error < 1e-8, "the gradient by the letter is the derivative");
  std::printf("gradient by the letter: within %.1e of differences\n", error);
}

// A sentence gets the same bits whatever stands around it, and whatever fits into shared memory.
template <typename Number>
void bits_do_not_depend_on_the_batch(int64_t dim) {
  const std::vector<int64_t> lengths = {7, 0, 23, 1, 12};
  const Batch batch = batch_of(lengths, 2, dim, 3);
  const Outputs roomy = run<Number>(batch, 7);
  cuda_on_cpu::shared_memory_per_multiprocessor = 32 << 10;
  cuda_on_cpu::most_blocks = 3;  // then the jobs take four rows of the grid, the last not full
  expect(run<Number>(batch, 7) == roomy, "neither a smaller tile nor another grid changes a bit");
  cuda_on_cpu::shared_memory_per_multiprocessor = 228 << 10;
  cuda_on_cpu::most_blocks = 0x7fffffff;
  for (size_t sentence = 0; sentence < lengths.size(); ++sentence) {
    Batch alone = batch_of({lengths[sentence]}, 2, dim, 3);
    const int64_t row = 2 * dim, words = batch.sizes.words, begin = batch.offsets[sentence];
    const auto part = [](const Numbers& all, int64_t first, int64_t count) {
      return Numbers(all.begin() + first, all.begin() + first + count);
    };
    alone.x = part(batch.x, begin * row, lengths[sentence] * row);
    alone.grad_z = part(batch.grad_z, sentence * row, row);
    alone.grad_weights.clear();
    alone.grad_vectors.clear();
    for (int64_t t = 0; t < 2; ++t) {
      const Numbers rows = part(batch.grad_weights, (t * words + begin) * 2, lengths[sentence] * 2);
      const Numbers vectors = part(batch.grad_vectors, (t * batch.sizes.sentences + sentence) * row, row);
      alone.grad_weights.insert(alone.grad_weights.end(), rows.begin(), rows.end());
      alone.grad_vectors.insert(alone.grad_vectors.end(), vectors.begin(), vectors.end());
    }
    const Outputs outputs = run<Number>(alone, 7);
    expect(outputs.z == part(roomy.z, sentence * row, row) &&
               outputs.grad_x == part(roomy.grad_x, begin * row, lengths[sentence] * row),
           "a sentence has the same bits alone as in a batch");
  }
  std::printf("head_dim %d: the same bits alone, in a batch, with a smaller tile and another grid\n",
              static_cast<int>(dim));
}

void bad_offsets_are_refused() {
  const std::vector<std::vector<int64_t>> all = {
      {1, 2, 4}, {0, 5, 4}, {0, 2, 3}, {0, 2, 5}, {0, -1, 4}, {-1, 2, 4}, {0, 3, 2}, {int64_t{1} << 62, 2, 4}};
  Batch batch = batch_of({2, 2}, 2, 8, 2);
  int refused = 0;
  for (const std::vector<int64_t>& offsets : all) {
    Array<float> x(batch.x), z(32), grad_x(batch.x.size());
    Array<float> weights(8), vectors(32), scratch(backward_cuda_scratch(batch.sizes));
    const int forward = forward_cuda<float>(
        {batch.sizes, x.data(), offsets.data(), z.data(), weights.data(), vectors.data()}, nullptr);
    const int backward = backward_cuda<float>(
        {batch.sizes, x.data(), offsets.data(), z.data(), weights.data(), vectors.data(), nullptr, nullptr, nullptr,
         grad_x.data(), scratch.data()},
        nullptr);
    expect(forward != 0, "bad offsets stop forward");
    expect(backward != 0, "bad offsets stop backward");
    refused += forward != 0 && backward != 0;
  }
  std::printf("bad offsets: %d of %d stop the kernels\n", refused, static_cast<int>(all.size()));
}

template <typename Number>
void compare_ends(const char* name) {
  double worst = 0;
  for (const Sizes& sizes : {Sizes{0, 0, 2, 8, 2}, Sizes{0, 3, 0, 8, 2}, Sizes{0, 3, 2, 8, 2}}) {
    Batch batch = batch_of(std::vector<int64_t>(sizes.sentences, 0), sizes.heads, sizes.head_dim, 2);
    worst = std::max(worst, compare<Number>(batch, 7));
  }
  for (size_t skip = 1; skip <= 4; ++skip) {  // x begins where no pack of 16 bytes may
    worst = std::max(worst, compare<Number>(batch_of({3, 6}, 2, 40, 2), 7, skip));
  }
  // More words than coefficients in shared memory; more numbers of slopes; more groups of columns than threads.
  worst = std::max(worst, compare<Number>(batch_of({2, 600}, 2, 3, 2), 7));
  worst = std::max(worst, compare<Number>(batch_of({2, 140}, 1, 2, 5), 7));
  worst = std::max(worst, compare<Number>(batch_of({2, 6}, 1, 2100, 2), 7));
  worst = std::max(worst, compare<Number>(batch_of({140, 3}, 1, 840, 5), 7));
  std::printf("%s, nothing at all, odd addresses, more than fits: within %.1e\n", name, worst);
}

}  // namespace

void check_everything(bool few) {
  const std::vector<int64_t> all_dims = {1, 3, 8, 30, 33, 64, 100, 257, 600}, all_iterations = {1, 2, 3, 4, 5};
  const std::vector<int64_t> dims = few ? std::vector<int64_t>{8, 33, 100} : all_dims;
  const std::vector<int64_t> iterations = few ? std::vector<int64_t>{1, 2, 3} : all_iterations;
  cuda_on_cpu::shared_memory_begin = shared_memory;
  gradient_is_the_derivative();
  compare_sizes<float>("float32", dims, iterations);
  compare_sizes<BFloat16>("bfloat16", dims, iterations);
  compare_sizes<Half>("float16", few ? std::vector<int64_t>{100} : dims, iterations);
  compare_sizes<double>("float64", few ? std::vector<int64_t>{33} : dims, iterations);
  bits_do_not_depend_on_the_batch<float>(100);
  bits_do_not_depend_on_the_batch<BFloat16>(33);
  compare_ends<float>("float32");
  if (!few) compare_ends<Half>("float16");
  bad_offsets_are_refused();  // last: ThreadSanitizer is slow while it remembers the threads that were stopped
}

}  // namespace lightning_suite::dsa_routing

int main(int count, char** words) {
  return lightning_suite::run_checks(lightning_suite::dsa_routing::check_everything, count, words);
}
