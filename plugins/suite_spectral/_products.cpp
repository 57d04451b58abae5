// suite_spectral._products: a sparse matrix times a block of vectors (graphs/products.py).
//
// The rows of the block that a row of the matrix asks for are added up one after the other, and those of later entries
// are fetched meanwhile: where the block does not lie in the cache, that is what a product waits for. No multiply-add
// is fused, and a row's sum has one order, for any number of threads.
//
// pointers (row + 1,), columns and values (entry,): compressed rows; block (column, vector); result (row, vector).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "instruction_sets.h"

namespace py = pybind11;

namespace {

constexpr int64_t kLine = 64;      // bytes that are fetched at once
constexpr int64_t kFetched = 768;  // bytes on their way: about as many lines as a core waits for

using Indices = py::array_t<int32_t, py::array::c_style>;
template <typename Number>
using Numbers = py::array_t<Number, py::array::c_style>;

// result = product * matrix * block + own * block + kept * result
template <typename Number>
struct Terms {
  const int32_t* pointers;
  const int32_t* columns;
  const Number* values;
  const Number* block;
  Number* result;
  int64_t width;
  Number product, own, kept;
};

template <typename Number>
LIGHTNING_SUITE_INLINE void some_rows(const Terms<Number>& terms, int64_t begin, int64_t end, Number* __restrict sums) {
  const int64_t width = terms.width, entries = terms.pointers[end];
  constexpr int64_t kStep = kLine / sizeof(Number);
  const int64_t ahead = 1 + kFetched / (width * static_cast<int64_t>(sizeof(Number)));
  for (int64_t i = begin; i < end; ++i) {
    std::fill_n(sums, width, Number{0});
    for (int64_t e = terms.pointers[i]; e < terms.pointers[i + 1]; ++e) {
      if (e + ahead < entries) {
        const Number* later = terms.block + terms.columns[e + ahead] * width;
        for (int64_t j = 0; j < width; j += kStep) __builtin_prefetch(later + j);
      }
      const Number value = terms.values[e];
      const Number* __restrict row = terms.block + terms.columns[e] * width;
      for (int64_t j = 0; j < width; ++j) sums[j] += value * row[j];
    }
    Number* __restrict result = terms.result + i * width;
    const Number product = terms.product, own = terms.own, kept = terms.kept;
    if (own == 0 && kept == 0) {
      for (int64_t j = 0; j < width; ++j) result[j] = product * sums[j];
      continue;
    }
    const Number* __restrict row = terms.block + i * width;
    for (int64_t j = 0; j < width; ++j) result[j] = product * sums[j] + own * row[j] + kept * result[j];
  }
}

LIGHTNING_SUITE_CLONES void rows_of(const Terms<float>& terms, int64_t begin, int64_t end, float* sums) {
  some_rows(terms, begin, end, sums);
}
LIGHTNING_SUITE_CLONES void rows_of(const Terms<double>& terms, int64_t begin, int64_t end, double* sums) {
  some_rows(terms, begin, end, sums);
}

// Replaces the result by product * matrix * block + own * block + kept * result; threads share the rows.
template <typename Number>
void combine(const Indices& pointers, const Indices& columns, const Numbers<Number>& values,
             const Numbers<Number>& block, Numbers<Number> result, Number product, Number own, Number kept,
             int64_t threads) {
  const int64_t n = pointers.size() - 1, width = block.shape(1);
  const Terms<Number> terms{pointers.data(), columns.data(), values.data(), block.data(), result.mutable_data(),
                            width,           product,        own,           kept};
  const py::gil_scoped_release release;
  const auto part = [&](int64_t begin, int64_t end) {
    std::vector<Number> sums(width);
    rows_of(terms, begin, end, sums.data());
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t) others.emplace_back(part, n * t / threads, n * (t + 1) / threads);
  part(0, n / threads);
  for (std::thread& other : others) other.join();
}

template <typename Number>
void define(py::module_& module) {
  module.def("combine", &combine<Number>, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("values").noconvert(), py::arg("block").noconvert(), py::arg("result").noconvert(),
             py::arg("product"), py::arg("own"), py::arg("kept"), py::arg("threads"));
}

}  // namespace

PYBIND11_MODULE(_products, module) {
  module.doc() = "Call it through suite_spectral.graphs.products, which checks.";
  define<float>(module);
  define<double>(module);
}
