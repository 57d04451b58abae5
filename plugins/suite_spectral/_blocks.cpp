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
using Integers = py::array_t<int64_t, py::array::c_style>;
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

Doubles narrowed(const double* matrix, int64_t rows, int64_t columns) {
  Doubles result({rows, columns});
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(matrix + i * padded(columns), columns, result.mutable_data() + i * columns);
  return result;
}

// Blocks of rows, and where they lie in memory.
struct Blocks {
  const int64_t* starts;
  int64_t count;
  explicit Blocks(const Integers& given) : starts(given.data()), count(given.size() - 1) {}
};

// Returns sums over all blocks: of_chunk(begin, rows, sums) adds those over some rows of one.
template <typename OfChunk>
std::vector<double> tree_sums(const Blocks& blocks, int64_t step, int64_t size, const OfChunk& of_chunk) {
  int64_t depth = 2;
  for (int64_t count = blocks.count; count > 1; count /= 2) ++depth;
  std::vector<double> waiting(depth * size);  // the sums of subtrees, of fewer and fewer blocks
  double* last = waiting.data();
  for (int64_t block = 0; block < blocks.count; ++block, last += size) {
    std::fill_n(last, size, 0.0);
    for (int64_t begin = blocks.starts[block]; begin < blocks.starts[block + 1]; begin += step)
      of_chunk(begin, std::min(step, blocks.starts[block + 1] - begin), last);
    for (int64_t whole = block; whole & 1; whole >>= 1, last -= size)  // with the subtree of as many blocks before it
      for (int64_t i = 0; i < size; ++i) last[i - size] += last[i];
  }
  waiting.resize(size);
  return waiting;
}

// The rows of a block from one on, as doubles with zeros behind them.
template <typename Number>
void load(const Number* block, int64_t begin, int64_t count, int64_t columns, double* result) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < columns; ++j) result[i * padded(columns) + j] = block[(begin + i) * columns + j];
}

// Returns the inner products of the columns in use with those of a block (point, vector).
template <typename Number>
Doubles inner_products(const Doubles& basis, int64_t used, const Numbers<Number>& block, const Integers& starts) {
  const int64_t stride = basis.shape(1), m = block.shape(1), wide = padded(m), step = rows_of_chunk(stride + wide);
  const double* vectors = basis.data();
  const Number* given = block.data();
  const Blocks blocks(starts);
  std::vector<double> sums;
  {
    const py::gil_scoped_release release;
    std::vector<double> part(step * wide, 0.0);
    sums = tree_sums(blocks, step, used * wide, [&](int64_t begin, int64_t count, double* result) {
      load(given, begin, count, m, part.data());
      inner(vectors + begin * stride, stride, count, used, part.data(), wide, result);
    });
  }
  return narrowed(sums.data(), used, m);
}

// Replaces the first columns of basis and image, in the rows of the blocks, by the combinations in turn (used,
// combination), and residual by X diag(values) - L X of the first of them. Returns its columns' sums of squares.
Doubles turned(Doubles basis, Doubles image, int64_t used, const Doubles& turn, const Doubles& values, Doubles residual,
               const Integers& starts) {
  const int64_t stride = basis.shape(1), outs = turn.shape(1), width = values.size();
  const int64_t wide = padded(outs), step = rows_of_chunk(2 * stride);
  double *vectors = basis.mutable_data(), *images = image.mutable_data(), *left = residual.mutable_data();
  const double *combine = turn.data(), *value = values.data();
  const Blocks blocks(starts);
  std::vector<double> squares;
  {
    const py::gil_scoped_release release;
    const std::vector<double> matrix = widened(combine, used, outs);
    std::vector<double> one(step * wide), other(step * wide), part(width);
    squares = tree_sums(blocks, step, width, [&](int64_t begin, int64_t count, double* sums) {
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
    });
  }
  return Doubles(width, squares.data());
}

// Puts into result, in the rows of the blocks, a block (point, vector) less the columns in use times inside (used,
// vector) and null (point,) times along (vector,). Returns its columns' sums of squares.
template <typename Number>
Doubles orthogonal(const Doubles& basis, int64_t used, const Numbers<Number>& block, const Doubles& null,
                   const Doubles& inside, const Doubles& along, Doubles result, const Integers& starts) {
  const int64_t stride = basis.shape(1), m = block.shape(1), wide = padded(m), step = rows_of_chunk(stride + wide);
  const double *vectors = basis.data(), *known = null.data(), *onto = along.data(), *combine = inside.data();
  double* rows = result.mutable_data();
  const Number* given = block.data();
  const Blocks blocks(starts);
  std::vector<double> lengths;
  {
    const py::gil_scoped_release release;
    const std::vector<double> matrix = widened(combine, used, m);
    std::vector<double> part(step * wide, 0.0), taken(step * wide), squares(m);
    lengths = tree_sums(blocks, step, m, [&](int64_t begin, int64_t count, double* sums) {
      load(given, begin, count, m, part.data());
      times(vectors + begin * stride, stride, count, used, matrix.data(), wide, taken.data());
      std::fill(squares.begin(), squares.end(), 0.0);
      for (int64_t i = 0; i < count; ++i) {
        double* __restrict row = rows + (begin + i) * m;
        const double* __restrict here = part.data() + i * wide;
        const double* __restrict away = taken.data() + i * wide;
        for (int64_t j = 0; j < m; ++j) {
          row[j] = here[j] - away[j] - known[begin + i] * onto[j];
          squares[j] += row[j] * row[j];
        }
      }
      for (int64_t j = 0; j < m; ++j) sums[j] += squares[j];
    });
  }
  return Doubles(m, lengths.data());
}

// Puts L times a block beside it in the rows of the blocks, from S times it. Returns the inner products of both with
// the whole basis, (column, vector): of L times the block, and of the block.
py::tuple imaged(const Doubles& basis, Doubles image, int64_t used, const Doubles& block, const Doubles& product,
                 const Integers& starts) {
  const int64_t stride = basis.shape(1), m = block.shape(1), wide = padded(m), every = used + m;
  const int64_t step = rows_of_chunk(stride + 2 * wide), size = every * wide;
  const double *vectors = basis.data(), *given = block.data(), *similar = product.data();
  double* images = image.mutable_data();
  const Blocks blocks(starts);
  std::vector<double> sums;
  {
    const py::gil_scoped_release release;
    std::vector<double> one(step * wide, 0.0), other(step * wide, 0.0);
    sums = tree_sums(blocks, step, 2 * size, [&](int64_t begin, int64_t count, double* result) {
      for (int64_t i = 0; i < count; ++i) {
        const double* __restrict here = given + (begin + i) * m;
        const double* __restrict there = similar + (begin + i) * m;
        double* __restrict fresh = images + (begin + i) * stride + used;
        for (int64_t j = 0; j < m; ++j) {
          one[i * wide + j] = here[j];
          other[i * wide + j] = fresh[j] = here[j] - there[j];
        }
      }
      inner(vectors + begin * stride, stride, count, every, other.data(), wide, result);
      inner(vectors + begin * stride, stride, count, every, one.data(), wide, result + size);
    });
  }
  return py::make_tuple(narrowed(sums.data(), every, m), narrowed(sums.data() + size, every, m));
}

template <typename Number>
void define(py::module_& module) {
  module.def("inner_products", &inner_products<Number>, py::arg("basis").noconvert(), py::arg("used"),
             py::arg("block").noconvert(), py::arg("starts").noconvert());
  module.def("orthogonal", &orthogonal<Number>, py::arg("basis").noconvert(), py::arg("used"),
             py::arg("block").noconvert(), py::arg("null").noconvert(), py::arg("inside").noconvert(),
             py::arg("along").noconvert(), py::arg("result").noconvert(), py::arg("starts").noconvert());
}

}  // namespace

PYBIND11_MODULE(_blocks, module) {
  module.doc() = "Call it through suite_spectral.eigen.blocks, which checks.";
  module.def("turned", &turned, py::arg("basis").noconvert(), py::arg("image").noconvert(), py::arg("used"),
             py::arg("turn").noconvert(), py::arg("values").noconvert(), py::arg("residual").noconvert(),
             py::arg("starts").noconvert());
  module.def("imaged", &imaged, py::arg("basis").noconvert(), py::arg("image").noconvert(), py::arg("used"),
             py::arg("block").noconvert(), py::arg("product").noconvert(), py::arg("starts").noconvert());
  define<float>(module);
  define<double>(module);
}
