// suite_spectral._cells: the nearest points among those of some cells, in few dimensions
// (graphs/approximate_neighbours.py).
//
// A query is compared with up to four times kLanes points at a time, over the dimensions one by one; no multiply-add is
// fused. Only where one of them is nearer than the farthest of the nearest so far are they looked at one by one.
//
// columns: for each cell a block (dim, width), flat; queries (query, dim); cells (query, probe), -1 for none.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "instruction_sets.h"

namespace py = pybind11;

namespace {

constexpr int64_t kLanes = 16;

// As one value: GCC would turn the loop over lanes inside out.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using Floats = py::array_t<float, py::array::c_style>;
using Integers = py::array_t<int64_t, py::array::c_style>;

// Farther than any point, whose coordinates are at most 1, and nearer than what pads a cell.
constexpr float kAway = 1e15f;

// The squared distances of a query to kGroups times kLanes points that begin at a column of a block (dim, width).
// Returns whether one is below a limit.
template <int kGroups>
LIGHTNING_SUITE_INLINE bool squares_below(const float* query, const float* block, int64_t width, int64_t dim,
                                          float limit, float* squares) {
  Lanes sums[kGroups] = {};
  for (int64_t j = 0; j < dim; ++j) {
    for (int g = 0; g < kGroups; ++g) {
      Lanes others;
      std::memcpy(&others, block + j * width + g * kLanes, sizeof others);
      const Lanes difference = query[j] - others;
      sums[g] += difference * difference;
    }
  }
  std::memcpy(squares, sums, sizeof sums);
  int32_t any = 0;  // by a loop: a comparison of Lanes is taken apart where the machine's vectors are shorter
  for (int64_t lane = 0; lane < kGroups * kLanes; ++lane) any |= squares[lane] < limit;
  return any != 0;
}

// The nearest so far, nearest first, those found first of equally near ones; -1 where there are fewer.
struct Nearest {
  LIGHTNING_SUITE_INLINE void take(const float* some, int64_t number, int64_t begin) {
    for (int64_t i = 0; i < number; ++i) {
      if (some[i] >= squares[count - 1]) continue;
      int64_t place = count - 1;
      for (; place > 0 && squares[place - 1] > some[i]; --place) {
        squares[place] = squares[place - 1];
        found[place] = found[place - 1];
      }
      squares[place] = some[i];
      found[place] = begin + i;
    }
  }

  float* squares;
  int64_t* found;
  int64_t count;
};

// Compares a query with kGroups times kLanes points, and takes those that are nearer.
template <int kGroups>
LIGHTNING_SUITE_INLINE void compare(const float* query, const float* block, int64_t width, int64_t dim, int64_t begin,
                                    Nearest nearest) {
  alignas(64) float squares[kGroups * kLanes];
  if (squares_below<kGroups>(query, block, width, dim, nearest.squares[nearest.count - 1], squares))
    nearest.take(squares, kGroups * kLanes, begin);
}

// Goes through the cells of a query. The points of cell c are a (dim, width) block whose width is a multiple of kLanes,
// beginning at column first[c].
LIGHTNING_SUITE_CLONES void search_cells(const float* columns, const int64_t* first, const float* query, int64_t dim,
                                         const int64_t* cells, int64_t probes, Nearest nearest) {
  for (int64_t probe = 0; probe < probes; ++probe) {
    if (cells[probe] < 0) continue;
    const int64_t begin = first[cells[probe]], width = first[cells[probe] + 1] - begin;
    const float* block = columns + begin * dim;
    int64_t at = 0;
    for (; at + 4 * kLanes <= width; at += 4 * kLanes) compare<4>(query, block + at, width, dim, begin + at, nearest);
    switch ((width - at) / kLanes) {
      case 3: compare<3>(query, block + at, width, dim, begin + at, nearest); break;
      case 2: compare<2>(query, block + at, width, dim, begin + at, nearest); break;
      case 1: compare<1>(query, block + at, width, dim, begin + at, nearest); break;
    }
  }
}

// Returns the columns (query, count) of the nearest points in the cells (query, probe) of each query; threads share
// the queries, of which each has its own answer.
Integers nearest_in_cells(const Floats& columns, const Integers& first, const Floats& queries, const Integers& cells,
                          int64_t count, int64_t threads) {
  const int64_t n = queries.shape(0), dim = queries.shape(1), probes = cells.shape(1);
  Integers found({n, count});
  int64_t* answer = found.mutable_data();
  const float* query = queries.data();
  const int64_t* cell = cells.data();
  const float* column = columns.data();
  const int64_t* begin_of = first.data();
  const py::gil_scoped_release release;
  const auto part = [&](int64_t begin, int64_t end) {
    std::vector<float> squares(count);
    for (int64_t i = begin; i < end; ++i) {
      std::fill_n(squares.data(), count, kAway);
      std::fill_n(answer + i * count, count, int64_t{-1});
      const Nearest nearest{squares.data(), answer + i * count, count};
      search_cells(column, begin_of, query + i * dim, dim, cell + i * probes, probes, nearest);
    }
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
