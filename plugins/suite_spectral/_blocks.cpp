// suite_spectral._blocks: tall blocks of vectors times small matrices, for block conjugate gradients (eigen/blocks.py).
//
// Rows go through in chunks that the cache holds. Of a product with a small matrix a tile of four rows by eight columns
// is kept in registers, of inner products a tile of four by eight of the sums. No multiply-add is fused; a sum over the
// rows is one of partial sums over chunks, in the order of the rows.
//
// basis, image (point, column): X, P and W side by side, and L times them, of which the first `used` are in use.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "instruction_sets.h"

namespace py = pybind11;

namespace {

constexpr int64_t kQuad = 4, kWide = 8, kTall = 4;
constexpr int64_t kCached = 1 << 17;  // bytes of a chunk of rows
constexpr double kTiny = 2.2250738585072014e-308;

using Quad = double __attribute__((vector_size(kQuad * sizeof(double))));
using Doubles = py::array_t<double, py::array::c_style>;
template <typename Number>
using Numbers = py::array_t<Number, py::array::c_style>;

int64_t padded(int64_t count) { return (count + kWide - 1) / kWide * kWide; }
int64_t rows_of_chunk(int64_t columns) { return std::clamp<int64_t>(kCached / (8 * columns), 32, 1024); }

// In memory, at the address of any double.
using Stored = double __attribute__((vector_size(kQuad * sizeof(double)), aligned(8), may_alias));
LIGHTNING_SUITE_INLINE const Stored& at(const double* from) { return *reinterpret_cast<const Stored*>(from); }
LIGHTNING_SUITE_INLINE Stored& at(double* to) { return *reinterpret_cast<Stored*>(to); }

// result (kRows, width) = rows (kRows, of some) * matrix (of some, width), width a multiple of kWide.
template <int kRows>
LIGHTNING_SUITE_INLINE void some_times(const double* rows, int64_t stride, int64_t some, const double* matrix,
                                       int64_t width, double* result) {
  for (int64_t j = 0; j < width; j += kWide) {
    Quad left[kRows] = {}, right[kRows] = {};
    for (int64_t u = 0; u < some; ++u) {
      const Quad one = at(matrix + u * width + j), other = at(matrix + u * width + j + kQuad);
      for (int r = 0; r < kRows; ++r) {
        left[r] += rows[r * stride + u] * one;
        right[r] += rows[r * stride + u] * other;
      }
    }
    for (int r = 0; r < kRows; ++r) {
      at(result + r * width + j) = left[r];
      at(result + r * width + j + kQuad) = right[r];
    }
  }
}

LIGHTNING_SUITE_CLONES void times(const double* rows, int64_t stride, int64_t count, int64_t some, const double* matrix,
                                  int64_t width, double* result) {
  int64_t i = 0;
  for (; i + kTall <= count; i += kTall)
    some_times<kTall>(rows + i * stride, stride, some, matrix, width, result + i * width);
  for (; i < count; ++i) some_times<1>(rows + i * stride, stride, some, matrix, width, result + i * width);
}

// sums (of some, width) += rows' * block, of rows (count, some) and block (count, width).
template <int kColumns>
LIGHTNING_SUITE_INLINE void some_inner(const double* rows, int64_t stride, int64_t count, const double* block,
                                       int64_t width, double* sums) {
  for (int64_t j = 0; j < width; j += kWide) {
    Quad left[kColumns] = {}, right[kColumns] = {};
    for (int64_t i = 0; i < count; ++i) {
      const Quad one = at(block + i * width + j), other = at(block + i * width + j + kQuad);
      for (int u = 0; u < kColumns; ++u) {
        left[u] += rows[i * stride + u] * one;
        right[u] += rows[i * stride + u] * other;
      }
    }
    for (int u = 0; u < kColumns; ++u) {
      at(sums + u * width + j) += left[u];
      at(sums + u * width + j + kQuad) += right[u];
    }
  }
}

LIGHTNING_SUITE_CLONES void inner(const double* rows, int64_t stride, int64_t count, int64_t some, const double* block,
                                  int64_t width, double* sums) {
  int64_t u = 0;
  for (; u + kTall <= some; u += kTall) some_inner<kTall>(rows + u, stride, count, block, width, sums + u * width);
  for (; u < some; ++u) some_inner<1>(rows + u, stride, count, block, width, sums + u * width);
}

// The columns of a matrix, with zeros behind them up to a multiple of kWide.
std::vector<double> widened(const double* matrix, int64_t rows, int64_t columns) {
  const int64_t width = padded(columns);
  std::vector<double> result(rows * width, 0.0);
  for (int64_t i = 0; i < rows; ++i) std::copy_n(matrix + i * columns, columns, result.data() + i * width);
  return result;
}

Doubles narrowed(const std::vector<double>& matrix, int64_t rows, int64_t columns) {
  Doubles result({rows, columns});
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(matrix.data() + i * padded(columns), columns, result.mutable_data() + i * columns);
  return result;
}

// Replaces the first columns of basis and image by the combinations in turn (used, combination). Returns
// X diag(values) - L X of the first of them, and its columns' sums of squares.
py::tuple turned(Doubles basis, Doubles image, int64_t used, const Doubles& turn, const Doubles& values) {
  const int64_t n = basis.shape(0), stride = basis.shape(1), outs = turn.shape(1), width = values.size();
  const int64_t wide = padded(outs), step = rows_of_chunk(2 * stride);
  Doubles residual({n, width}), squares(width);
  double *vectors = basis.mutable_data(), *images = image.mutable_data();
  double *left = residual.mutable_data(), *sums = squares.mutable_data();
  const double *combine = turn.data(), *value = values.data();
  {
    const py::gil_scoped_release release;
    const std::vector<double> matrix = widened(combine, used, outs);
    std::vector<double> one(step * wide), other(step * wide), part(width);
    std::fill_n(sums, width, 0.0);
    for (int64_t begin = 0; begin < n; begin += step) {
      const int64_t count = std::min(step, n - begin);
      times(vectors + begin * stride, stride, count, used, matrix.data(), wide, one.data());
      times(images + begin * stride, stride, count, used, matrix.data(), wide, other.data());
      std::fill(part.begin(), part.end(), 0.0);
      for (int64_t i = 0; i < count; ++i) {
        const double *x = one.data() + i * wide, *y = other.data() + i * wide;
        std::copy_n(x, outs, vectors + (begin + i) * stride);
        std::copy_n(y, outs, images + (begin + i) * stride);
        double* __restrict rest = left + (begin + i) * width;
        for (int64_t j = 0; j < width; ++j) {
          rest[j] = value[j] * x[j] - y[j];
          part[j] += rest[j] * rest[j];
        }
      }
      for (int64_t j = 0; j < width; ++j) sums[j] += part[j];
    }
  }
  return py::make_tuple(residual, squares);
}

// Puts a block (point, vector) behind the columns in use, orthogonal to them and to null (point,), of unit length.
// Returns it.
template <typename Number>
Doubles added(Doubles basis, int64_t used, const Numbers<Number>& block, const Doubles& null) {
  const int64_t n = basis.shape(0), stride = basis.shape(1), m = block.shape(1), wide = padded(m);
  const int64_t step = rows_of_chunk(stride + wide);
  Doubles orthogonal({n, m});
  double *vectors = basis.mutable_data(), *result = orthogonal.mutable_data();
  const double* known = null.data();
  const Number* given = block.data();
  const py::gil_scoped_release release;
  std::vector<double> inside(used * wide, 0.0), along(wide, 0.0), part(step * wide, 0.0), taken(step * wide);
  const auto load = [&](int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < m; ++j) part[i * wide + j] = given[(begin + i) * m + j];
  };
  for (int64_t begin = 0; begin < n; begin += step) {
    const int64_t count = std::min(step, n - begin);
    load(begin, count);
    inner(vectors + begin * stride, stride, count, used, part.data(), wide, inside.data());
    inner(known + begin, 1, count, 1, part.data(), wide, along.data());
  }
  std::vector<double> lengths(m, 0.0), squares(m);
  for (int64_t begin = 0; begin < n; begin += step) {
    const int64_t count = std::min(step, n - begin);
    load(begin, count);
    times(vectors + begin * stride, stride, count, used, inside.data(), wide, taken.data());
    std::fill(squares.begin(), squares.end(), 0.0);
    for (int64_t i = 0; i < count; ++i) {
      double* __restrict row = result + (begin + i) * m;
      const double* __restrict here = part.data() + i * wide;
      const double* __restrict away = taken.data() + i * wide;
      for (int64_t j = 0; j < m; ++j) {
        row[j] = here[j] - away[j] - known[begin + i] * along[j];
        squares[j] += row[j] * row[j];
      }
    }
    for (int64_t j = 0; j < m; ++j) lengths[j] += squares[j];
  }
  for (double& length : lengths) length = 1 / std::max(std::sqrt(length), kTiny);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) vectors[i * stride + used + j] = result[i * m + j] *= lengths[j];
  return orthogonal;
}

// Puts L times a block beside it, from S times it. Returns the inner products of both with the whole basis, (column,
// vector): of L times the block, and of the block.
py::tuple imaged(const Doubles& basis, Doubles image, int64_t used, const Doubles& block, const Doubles& product) {
  const int64_t n = basis.shape(0), stride = basis.shape(1), m = block.shape(1), wide = padded(m), every = used + m;
  const int64_t step = rows_of_chunk(stride + 2 * wide);
  const double *vectors = basis.data(), *given = block.data(), *similar = product.data();
  double* images = image.mutable_data();
  std::vector<double> border(every * wide, 0.0), products(every * wide, 0.0);
  {
    const py::gil_scoped_release release;
    std::vector<double> one(step * wide, 0.0), other(step * wide, 0.0);
    for (int64_t begin = 0; begin < n; begin += step) {
      const int64_t count = std::min(step, n - begin);
      for (int64_t i = 0; i < count; ++i) {
        const double* __restrict here = given + (begin + i) * m;
        const double* __restrict there = similar + (begin + i) * m;
        double* __restrict fresh = images + (begin + i) * stride + used;
        for (int64_t j = 0; j < m; ++j) {
          one[i * wide + j] = here[j];
          other[i * wide + j] = fresh[j] = here[j] - there[j];
        }
      }
      inner(vectors + begin * stride, stride, count, every, other.data(), wide, border.data());
      inner(vectors + begin * stride, stride, count, every, one.data(), wide, products.data());
    }
  }
  return py::make_tuple(narrowed(border, every, m), narrowed(products, every, m));
}

}  // namespace

PYBIND11_MODULE(_blocks, module) {
  module.doc() = "Call it through suite_spectral.eigen.blocks, which checks.";
  module.def("turned", &turned, py::arg("basis").noconvert(), py::arg("image").noconvert(), py::arg("used"),
             py::arg("turn").noconvert(), py::arg("values").noconvert());
  module.def("added", &added<float>, py::arg("basis").noconvert(), py::arg("used"), py::arg("block").noconvert(),
             py::arg("null").noconvert());
  module.def("added", &added<double>, py::arg("basis").noconvert(), py::arg("used"), py::arg("block").noconvert(),
             py::arg("null").noconvert());
  module.def("imaged", &imaged, py::arg("basis").noconvert(), py::arg("image").noconvert(), py::arg("used"),
             py::arg("block").noconvert(), py::arg("product").noconvert());
}
