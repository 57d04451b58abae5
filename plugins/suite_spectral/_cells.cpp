// suite_spectral._cells: the nearest points among those of some cells, in few dimensions
// (graphs/approximate_neighbours.py).
//
// A query is compared with kLanes points at a time, over the dimensions one by one; no multiply-add is fused. Only where
// one of them is nearer than the farthest of the nearest so far are they looked at one by one.
//
// columns: for each cell a block (dim, width), flat; queries (query, dim); cells (query, probe), -1 for none.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

// One binary for every CPU, as in _kernels.cpp.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KERNEL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL_CLONES
#endif

namespace py = pybind11;

namespace {

constexpr int64_t kLanes = 16;

// As one value: GCC would turn the loop over lanes inside out.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using Floats = py::array_t<float, py::array::c_style>;
using Integers = py::array_t<int64_t, py::array::c_style>;

// The points of cells, as CellSearch reads them: those of cell c are a (dim, width) block whose width is a multiple of
// kLanes, beginning at column first[c]. What pads it is farther than any point, whose coordinates are at most 1.
constexpr float kAway = 1e15f;

// The squared distances of a query to a block's columns.
KERNEL_CLONES void squared_distances(const float* query, const float* block, int64_t width, int64_t dim,
                                     float* squares) {
  for (int64_t at = 0; at < width; at += kLanes) {
    Lanes sums = {};
    for (int64_t j = 0; j < dim; ++j) {
      Lanes others;
      std::memcpy(&others, block + j * width + at, sizeof others);
      const Lanes difference = query[j] - others;
      sums += difference * difference;
    }
    std::memcpy(squares + at, &sums, sizeof sums);
  }
}

// Whether one of kLanes numbers is below a limit.
KERNEL_CLONES bool any_below(const float* squares, float limit) {
  int32_t below = 0;
  for (int64_t lane = 0; lane < kLanes; ++lane) below |= squares[lane] < limit;
  return below != 0;
}

struct CellSearch {
  CellSearch(const float* columns_, const int64_t* first_, int64_t cells, int64_t dim_, int64_t probes_, int64_t count_)
      : columns(columns_), first(first_), dim(dim_), probes(probes_), count(count_), nearest_squares(count) {
    int64_t widest = 0;
    for (int64_t c = 0; c < cells; ++c) widest = std::max(widest, first[c + 1] - first[c]);
    squares.resize(widest);
  }

  // The nearest points of a query, nearest first, those found first of equally near ones; -1 where there are fewer.
  void nearest(const float* query, const int64_t* cells, int64_t* found) {
    float* best = nearest_squares.data();
    std::fill_n(found, count, int64_t{-1});
    std::fill_n(best, count, kAway);
    for (int64_t probe = 0; probe < probes; ++probe) {
      if (cells[probe] < 0) continue;
      const int64_t begin = first[cells[probe]], width = first[cells[probe] + 1] - begin;
      squared_distances(query, columns + begin * dim, width, dim, squares.data());
      for (int64_t at = 0; at < width; at += kLanes) {
        if (!any_below(squares.data() + at, best[count - 1])) continue;
        for (int64_t column = at; column < at + kLanes; ++column) {
          const float square = squares[column];
          if (square >= best[count - 1]) continue;
          int64_t place = count - 1;
          for (; place > 0 && best[place - 1] > square; --place) {
            best[place] = best[place - 1];
            found[place] = found[place - 1];
          }
          best[place] = square;
          found[place] = begin + column;
        }
      }
    }
  }

  const float* columns;
  const int64_t* first;
  int64_t dim, probes, count;
  std::vector<float> nearest_squares, squares;
};

// Returns the columns (query, count) of the nearest points in the cells (query, probe) of each query; threads share
// the queries, of which each has its own answer.
Integers nearest_in_cells(const Floats& columns, const Integers& first, const Floats& queries, const Integers& cells,
                          int64_t count, int64_t threads) {
  const int64_t n = queries.shape(0), dim = queries.shape(1), probes = cells.shape(1);
  Integers found({n, count});
  int64_t* answer = found.mutable_data();
  const float* query = queries.data();
  const int64_t* cell = cells.data();
  const int64_t cells_there = first.size() - 1;
  const float* column = columns.data();
  const int64_t* begin_of = first.data();
  const py::gil_scoped_release release;
  const auto part = [&](int64_t begin, int64_t end) {
    CellSearch search(column, begin_of, cells_there, dim, probes, count);
    for (int64_t i = begin; i < end; ++i) search.nearest(query + i * dim, cell + i * probes, answer + i * count);
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t) others.emplace_back(part, n * t / threads, n * (t + 1) / threads);
  part(0, n / threads);
  for (std::thread& other : others) other.join();
  return found;
}

}  // namespace

PYBIND11_MODULE(_cells, module) {
  module.doc() = "Call it through suite_spectral.graphs.approximate_neighbours, which checks.";
  module.def("nearest_in_cells", &nearest_in_cells, py::arg("columns").noconvert(), py::arg("first").noconvert(),
             py::arg("queries").noconvert(), py::arg("cells").noconvert(), py::arg("count"), py::arg("threads"));
}
