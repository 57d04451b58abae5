// suite_spectral._products: a sparse matrix times a block of vectors (graphs/products.py).
//
// The rows of the block that a row of the matrix asks for are added up one after the other, and those of later entries
// are fetched meanwhile: where the block does not lie in the cache, that is what a product waits for. No multiply-add
// is fused, and a row's sum has one order, for any number of threads.
//
// A block may lie in two pieces: the columns of the matrix are points of other processes, this one's own, and others.
//
// pointers (row + 1,), columns and values (entry,): compressed rows; block (own point, vector), others (other point,
// vector), of which `before` come before the own ones; result (row, vector).
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
constexpr int64_t kQuad = 4;
constexpr int64_t kNarrow = 16;  // vectors up to which a row's sums are kept in registers

using Indices = py::array_t<int32_t, py::array::c_style>;
template <typename Number>
using Numbers = py::array_t<Number, py::array::c_style>;

template <typename Number>
struct Vector;  // four numbers; Stored: in memory, at the address of any number
template <>
struct Vector<float> {
  using Quad = float __attribute__((vector_size(16)));
  using Stored = float __attribute__((vector_size(16), aligned(4), may_alias));
};
template <>
struct Vector<double> {
  using Quad = double __attribute__((vector_size(32)));
  using Stored = double __attribute__((vector_size(32), aligned(8), may_alias));
};

template <typename Number>
struct Rows {
  const int32_t* pointers;
  const int32_t* columns;
  const Number* values;
  const Number* block;
  const Number* others;
  int64_t own, before, width;

  // A column's row of the block.
  LIGHTNING_SUITE_INLINE const Number* at(int64_t column) const {
    const int64_t place = column - before;
    if (static_cast<uint64_t>(place) < static_cast<uint64_t>(own)) return block + place * width;
    return others + (place < 0 ? column : column - own) * width;
  }
};

// result = product * matrix * block + own * block + kept * result
template <typename Number>
struct Combined {
  Number* result;
  const Number* block;
  int64_t width;
  Number product, own, kept;

  LIGHTNING_SUITE_INLINE void operator()(int64_t i, const Number* __restrict sums) const {
    Number* __restrict row = result + i * width;
    if (own == 0 && kept == 0) {
      for (int64_t j = 0; j < width; ++j) row[j] = product * sums[j];
    } else if (own == 0) {
      for (int64_t j = 0; j < width; ++j) row[j] = product * sums[j] + kept * row[j];
    } else {
      const Number* __restrict here = block + i * width;
      for (int64_t j = 0; j < width; ++j) row[j] = product * sums[j] + own * here[j] + kept * row[j];
    }
  }
};

// left = rest - matrix * step; next = again * step + fresh * inverse * left; solution = sum + next
template <typename Number>
struct Smoothed {
  const Number* step;
  const Number* inverse;
  const Number* rest;
  const Number* sum;
  Number* left;
  Number* next;
  Number* solution;
  int64_t width;
  Number again, fresh;

  LIGHTNING_SUITE_INLINE void operator()(int64_t i, const Number* __restrict sums) const {
    const Number scale = fresh * inverse[i];
    for (int64_t j = i * width, end = j + width, k = 0; j < end; ++j, ++k) {
      const Number over = rest[j] - sums[k], further = again * step[j] + scale * over;
      left[j] = over;
      next[j] = further;
      solution[j] = sum[j] + further;
    }
  }
};

template <int kWidth, typename Number, typename Finish>
LIGHTNING_SUITE_INLINE void narrow_rows(const Rows<Number>& rows, int64_t begin, int64_t end, const Finish& finish) {
  using Quad = typename Vector<Number>::Quad;
  using Stored = typename Vector<Number>::Stored;
  constexpr int kQuads = kWidth / kQuad, kRest = kWidth % kQuad;
  Rows<Number> fixed = rows;
  fixed.width = kWidth;
  Finish last = finish;
  last.width = kWidth;
  for (int64_t i = begin; i < end; ++i) {
    Quad sums[kQuads + 1] = {};
    Number single[kRest + 1] = {};
    for (int64_t e = rows.pointers[i]; e < rows.pointers[i + 1]; ++e) {
      const Number value = rows.values[e];
      const Number* __restrict row = fixed.at(rows.columns[e]);
      for (int q = 0; q < kQuads; ++q) sums[q] += value * *reinterpret_cast<const Stored*>(row + q * kQuad);
      for (int r = 0; r < kRest; ++r) single[r] += value * row[kQuads * kQuad + r];
    }
    Number all[kWidth];
    for (int q = 0; q < kQuads; ++q) *reinterpret_cast<Stored*>(all + q * kQuad) = sums[q];
    for (int r = 0; r < kRest; ++r) all[kQuads * kQuad + r] = single[r];
    last(i, all);
  }
}

template <typename Number, typename Finish>
LIGHTNING_SUITE_INLINE void wide_rows(const Rows<Number>& rows, int64_t begin, int64_t end, const Finish& finish,
                                      Number* __restrict sums) {
  const int64_t width = rows.width, entries = rows.pointers[end];
  constexpr int64_t kStep = kLine / sizeof(Number);
  const int64_t ahead = 1 + kFetched / (width * static_cast<int64_t>(sizeof(Number)));
  for (int64_t i = begin; i < end; ++i) {
    std::fill_n(sums, width, Number{0});
    for (int64_t e = rows.pointers[i]; e < rows.pointers[i + 1]; ++e) {
      if (e + ahead < entries) {
        const Number* later = rows.at(rows.columns[e + ahead]);
        for (int64_t j = 0; j < width; j += kStep) __builtin_prefetch(later + j);
      }
      const Number value = rows.values[e];
      const Number* __restrict row = rows.at(rows.columns[e]);
      for (int64_t j = 0; j < width; ++j) sums[j] += value * row[j];
    }
    finish(i, sums);
  }
}

template <typename Number, typename Finish>
LIGHTNING_SUITE_INLINE void some_rows(const Rows<Number>& rows, int64_t begin, int64_t end, const Finish& finish,
                                      Number* sums) {
  switch (rows.width) {
#define LIGHTNING_SUITE_WIDTH(width) \
  case width:                        \
    return narrow_rows<width>(rows, begin, end, finish);
    LIGHTNING_SUITE_WIDTH(1)
    LIGHTNING_SUITE_WIDTH(2)
    LIGHTNING_SUITE_WIDTH(3)
    LIGHTNING_SUITE_WIDTH(4)
    LIGHTNING_SUITE_WIDTH(5)
    LIGHTNING_SUITE_WIDTH(6)
    LIGHTNING_SUITE_WIDTH(7)
    LIGHTNING_SUITE_WIDTH(8)
    LIGHTNING_SUITE_WIDTH(9)
    LIGHTNING_SUITE_WIDTH(10)
    LIGHTNING_SUITE_WIDTH(11)
    LIGHTNING_SUITE_WIDTH(12)
    LIGHTNING_SUITE_WIDTH(13)
    LIGHTNING_SUITE_WIDTH(14)
    LIGHTNING_SUITE_WIDTH(15)
    LIGHTNING_SUITE_WIDTH(16)
#undef LIGHTNING_SUITE_WIDTH
    default:
      wide_rows(rows, begin, end, finish, sums);
  }
}

LIGHTNING_SUITE_CLONES void rows_of(const Rows<float>& rows, int64_t begin, int64_t end,
                                    const Combined<float>& finish, float* sums) {
  some_rows(rows, begin, end, finish, sums);
}
LIGHTNING_SUITE_CLONES void rows_of(const Rows<double>& rows, int64_t begin, int64_t end,
                                    const Combined<double>& finish, double* sums) {
  some_rows(rows, begin, end, finish, sums);
}
LIGHTNING_SUITE_CLONES void rows_of(const Rows<float>& rows, int64_t begin, int64_t end,
                                    const Smoothed<float>& finish, float* sums) {
  some_rows(rows, begin, end, finish, sums);
}

// Threads share the rows.
template <typename Number, typename Finish>
void finished(const Rows<Number>& rows, int64_t n, const Finish& finish, int64_t threads) {
  const py::gil_scoped_release release;
  const auto part = [&](int64_t begin, int64_t end) {
    std::vector<Number> sums(rows.width > kNarrow ? rows.width : 0);
    rows_of(rows, begin, end, finish, sums.data());
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t) others.emplace_back(part, n * t / threads, n * (t + 1) / threads);
  part(0, n / threads);
  for (std::thread& other : others) other.join();
}

template <typename Number>
Rows<Number> rows_from(const Indices& pointers, const Indices& columns, const Numbers<Number>& values,
                       const Numbers<Number>& block, const Numbers<Number>& others, int64_t before) {
  return {pointers.data(), columns.data(),  values.data(), block.data(),
          others.data(),   block.shape(0), before,        block.shape(1)};
}

// Replaces the result by product * matrix * block + own * block + kept * result.
template <typename Number>
void combine(const Indices& pointers, const Indices& columns, const Numbers<Number>& values,
             const Numbers<Number>& block, const Numbers<Number>& others, int64_t before, Numbers<Number> result,
             Number product, Number own, Number kept, int64_t threads) {
  const Combined<Number> finish{result.mutable_data(), block.data(), block.shape(1), product, own, kept};
  finished(rows_from(pointers, columns, values, block, others, before), pointers.size() - 1, finish, threads);
}

// left = rest - matrix * step; next = again * step + fresh * inverse * left; solution = sum + next. rest may be left, and
// sum the solution.
void smooth(const Indices& pointers, const Indices& columns, const Numbers<float>& values, const Numbers<float>& step,
            const Numbers<float>& others, int64_t before, const Numbers<float>& inverse, const Numbers<float>& rest,
            const Numbers<float>& sum, Numbers<float> left, Numbers<float> next, Numbers<float> solution, float again,
            float fresh, int64_t threads) {
  const Smoothed<float> finish{step.data(),         inverse.data(),      rest.data(),
                               sum.data(),          left.mutable_data(), next.mutable_data(),
                               solution.mutable_data(), step.shape(1),   again,
                               fresh};
  finished(rows_from(pointers, columns, values, step, others, before), pointers.size() - 1, finish, threads);
}

template <typename Number>
void define(py::module_& module) {
  module.def("combine", &combine<Number>, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("values").noconvert(), py::arg("block").noconvert(), py::arg("others").noconvert(),
             py::arg("before"), py::arg("result").noconvert(), py::arg("product"), py::arg("own"), py::arg("kept"),
             py::arg("threads"));
}

}  // namespace

PYBIND11_MODULE(_products, module) {
  module.doc() = "Call it through suite_spectral.graphs.products, which checks.";
  define<float>(module);
  define<double>(module);
  module.def("smooth", &smooth, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("values").noconvert(), py::arg("step").noconvert(), py::arg("others").noconvert(),
             py::arg("before"), py::arg("inverse").noconvert(), py::arg("rest").noconvert(),
             py::arg("sum").noconvert(), py::arg("left").noconvert(), py::arg("next").noconvert(),
             py::arg("solution").noconvert(), py::arg("again"), py::arg("fresh"), py::arg("threads"));
}
