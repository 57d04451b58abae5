// Matrix products for kernels on a CPU, in tiles of a few rows and columns that live in registers: the left factor is
// whatever a function says, rows gathered from anywhere or columns; what becomes of a finished tile is the caller's.
//
// Right factors are kept with so many columns that vectors fit in (padded with zeros), so that no loop has a rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "instruction_sets.h"

namespace lightning_suite {

// Set is the description of an instruction set; all that follows is for it.
template <typename Set, typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(Set::bytes)));
};
template <typename Set, typename T>
using Vector = typename VectorOf<Set, T>::type;
template <typename Set, typename T>
using Tile = Vector<Set, T>[Set::rows][Set::vectors];

template <typename Set, typename T>
constexpr int64_t kLanes = Set::bytes / sizeof(T);

template <typename Set, typename T>
constexpr int64_t padded(int64_t columns) {
  return (columns + kLanes<Set, T> - 1) / kLanes<Set, T> * kLanes<Set, T>;
}

// Numbers that begin where a line of the cache does: no vector of a padded row then lies in two lines.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t count = 0) { make_room(count); }

  // For so many numbers; what was there may be lost.
  void make_room(int64_t count) {
    const size_t lines = (static_cast<size_t>(count) * sizeof(T) + sizeof(Line) - 1) / sizeof(Line);
    if (lines > lines_.size()) lines_ = std::vector<Line>(lines);
  }
  T* data() { return reinterpret_cast<T*>(lines_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(lines_.data()); }

 private:
  struct alignas(64) Line {
    T numbers[64 / sizeof(T)] = {};
  };
  std::vector<Line> lines_;
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void load(const T* from, Vector<Set, T>& vector) {
  std::memcpy(&vector, from, sizeof vector);
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void store(const Vector<Set, T>& vector, T* to) {
  std::memcpy(to, &vector, sizeof vector);
}

// The first numbers of a vector, in pieces of constant size: a call of memcpy would take as long as some products.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void store_first(const Vector<Set, T>& vector, int64_t count, T* to) {
  if (count >= kLanes<Set, T>) return store<Set>(vector, to);
  T numbers[kLanes<Set, T>];
  std::memcpy(numbers, &vector, sizeof vector);
  const T* from = numbers;
#pragma GCC unroll 8
  for (int64_t piece = kLanes<Set, T> / 2; piece > 0; piece /= 2) {
    if ((count & piece) == 0) continue;
    std::memcpy(to, from, piece * sizeof(T));
    from += piece;
    to += piece;
  }
}

// Calls use(row, vector) for the vectors of a tile that are used, one after another and in no loop: an index that is no
// constant would put the tile into memory.
template <typename Set, int vectors, typename Use>
LIGHTNING_SUITE_INLINE void each_vector(Use use) {
#pragma GCC unroll 8
  for (int r = 0; r < Set::rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) use(r, v);
  }
}

// Makes a tile 0 where it is used; all of it would be cleared in memory.
template <typename Set, int vectors, typename T>
LIGHTNING_SUITE_INLINE void clear(Tile<Set, T>& tile) {
  each_vector<Set, vectors>([&](int r, int v) __attribute__((always_inline)) { tile[r][v] = Vector<Set, T>{}; });
}

// tile += left (rows, depth) right (depth, vectors). left(row, k) is a number, right(k) where a row of vectors begins.
template <typename Set, int vectors, typename T, typename Left, typename Right>
LIGHTNING_SUITE_INLINE void multiply(int64_t depth, Left left, Right right, Tile<Set, T>& tile) {
  for (int64_t k = 0; k < depth; ++k) {
    const T* from = right(k);
    Vector<Set, T> row[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) load<Set>(from + v * kLanes<Set, T>, row[v]);
#pragma GCC unroll 8
    for (int r = 0; r < Set::rows; ++r) {
      const T number = left(r, k);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) tile[r][v] += number * row[v];
    }
  }
}

// Calls some(first column, number of vectors as a constant) for all columns of a padded row. The last four vectors are
// two and two: a tile of one waits for its own sums.
template <typename Set, typename T, typename Some>
LIGHTNING_SUITE_INLINE void by_columns(int64_t columns, Some some) {
  static_assert(Set::vectors == 3);
  constexpr int64_t lanes = kLanes<Set, T>;
  int64_t first = 0, left = columns / lanes;
  for (; left > 4 || left == 3; left -= 3, first += 3 * lanes) some(first, std::integral_constant<int, 3>());
  for (; left >= 2; left -= 2, first += 2 * lanes) some(first, std::integral_constant<int, 2>());
  if (left == 1) some(first, std::integral_constant<int, 1>());
}

}  // namespace lightning_suite
