// suite_spectral._cells: the nearest points among those of some cells, in few dimensions
// (graphs/approximate_neighbours.py).
//
// A query is compared with four vectors of points at a time, over the dimensions one by one; no multiply-add is fused.
// Only where one of them is nearer than the farthest of the nearest so far are they looked at one by one.
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

constexpr int64_t kLanes = 16;  // a cell's width is a multiple of it

using Floats = py::array_t<float, py::array::c_style>;
using Integers = py::array_t<int64_t, py::array::c_style>;

// Farther than any point, whose coordinates are at most 1, and nearer than what pads a cell.
constexpr float kAway = 1e15f;

// A vector of the machine's own length: of a longer one GCC keeps the sums in memory.
template <typename Set>
struct Vector {
  typedef float Type __attribute__((vector_size(Set::bytes)));  // GCC passes over a size in a template's `using`
  static constexpr int64_t lanes = Set::bytes / sizeof(float);
};

// The squared distances of a query to the points of four vectors, or of one, which begin at a column of a block (dim,
// width). Returns whether one is below a limit.
template <typename Set, bool kFour>
LIGHTNING_SUITE_INLINE bool squares_below(const float* query, const float* from, int64_t width, int64_t dim,
                                          float limit, float* squares) {
  typename Vector<Set>::Type sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {}, part0, part1, part2, part3;
  constexpr int64_t lanes = Vector<Set>::lanes;
  for (int64_t j = 0; j < dim; ++j, from += width) {
    std::memcpy(&part0, from, sizeof part0);
    part0 = query[j] - part0, sum0 += part0 * part0;
    if (!kFour) continue;
    std::memcpy(&part1, from + lanes, sizeof part1);
    std::memcpy(&part2, from + 2 * lanes, sizeof part2);
    std::memcpy(&part3, from + 3 * lanes, sizeof part3);
    part1 = query[j] - part1, part2 = query[j] - part2, part3 = query[j] - part3;
    sum1 += part1 * part1, sum2 += part2 * part2, sum3 += part3 * part3;
  }
  std::memcpy(squares, &sum0, sizeof sum0);
  if (kFour) {
    std::memcpy(squares + lanes, &sum1, sizeof sum1);
    std::memcpy(squares + 2 * lanes, &sum2, sizeof sum2);
    std::memcpy(squares + 3 * lanes, &sum3, sizeof sum3);
  }
  int32_t any = 0;  // by a loop, of which the compiler makes vectors
  for (int64_t lane = 0; lane < (kFour ? 4 : 1) * lanes; ++lane) any |= squares[lane] < limit;
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

// Compares a query with the points of four vectors, or of one, and takes those that are nearer.
template <typename Set, bool kFour>
LIGHTNING_SUITE_INLINE void compare(const float* query, const float* from, int64_t width, int64_t dim, int64_t begin,
                                    Nearest nearest) {
  constexpr int64_t points = (kFour ? 4 : 1) * Vector<Set>::lanes;
  alignas(64) float squares[points];
  if (squares_below<Set, kFour>(query, from, width, dim, nearest.squares[nearest.count - 1], squares))
    nearest.take(squares, points, begin);
}

// Goes through the cells of a query. The points of cell c are a (dim, width) block whose width is a multiple of kLanes,
// beginning at column first[c].
template <typename Set>
LIGHTNING_SUITE_INLINE void search_cells(const float* columns, const int64_t* first, const float* query, int64_t dim,
                                         const int64_t* cells, int64_t probes, Nearest nearest) {
  constexpr int64_t lanes = Vector<Set>::lanes;
  static_assert(kLanes % lanes == 0, "no cell ends within a vector");
  for (int64_t probe = 0; probe < probes; ++probe) {
    if (cells[probe] < 0) continue;
    const int64_t begin = first[cells[probe]], width = first[cells[probe] + 1] - begin;
    const float* block = columns + begin * dim;
    int64_t at = 0;
    for (; at + 4 * lanes <= width; at += 4 * lanes)
      compare<Set, true>(query, block + at, width, dim, begin + at, nearest);
    for (; at < width; at += lanes) compare<Set, false>(query, block + at, width, dim, begin + at, nearest);
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
    lightning_suite::with_best_instructions([&](auto set) __attribute__((always_inline)) {
      for (int64_t i = begin; i < end; ++i) {
        std::fill_n(squares.data(), count, kAway);
        std::fill_n(answer + i * count, count, int64_t{-1});
        const Nearest nearest{squares.data(), answer + i * count, count};
        search_cells<decltype(set)>(column, begin_of, query + i * dim, dim, cell + i * probes, probes, nearest);
      }
    });
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
