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

constexpr int kRows = 6;     // of a tile of the product, which lives in registers
constexpr int kVectors = 3;  // of its columns, at most

template <typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(64)));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

template <typename T>
constexpr int64_t kLanes = 64 / sizeof(T);

template <typename T>
constexpr int64_t padded(int64_t columns) {
  return (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// Numbers that begin where a vector may: none of those in a padded row then lies in two lines of the cache.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t count = 0) { make_room(count); }

  // For so many numbers; what was there may be lost.
  void make_room(int64_t count) {
    const size_t lines = static_cast<size_t>((count + kLanes<T> - 1) / kLanes<T>);
    if (lines > lines_.size()) lines_ = std::vector<Line>(lines);
  }
  T* data() { return reinterpret_cast<T*>(lines_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(lines_.data()); }

 private:
  struct alignas(64) Line {
    T numbers[kLanes<T>] = {};
  };
  std::vector<Line> lines_;
};

template <typename T>
LIGHTNING_SUITE_INLINE void load(const T* from, Vector<T>& vector) {
  std::memcpy(&vector, from, sizeof vector);
}

template <typename T>
LIGHTNING_SUITE_INLINE void store(const Vector<T>& vector, T* to) {
  std::memcpy(to, &vector, sizeof vector);
}

// The first numbers of a vector, in pieces of constant size: a call of memcpy would take as long as some products.
template <typename T>
LIGHTNING_SUITE_INLINE void store_first(const Vector<T>& vector, int64_t count, T* to) {
  if (count >= kLanes<T>) return store(vector, to);
  T numbers[kLanes<T>];
  std::memcpy(numbers, &vector, sizeof vector);
  const T* from = numbers;
#pragma GCC unroll 8
  for (int64_t piece = kLanes<T> / 2; piece > 0; piece /= 2) {
    if ((count & piece) == 0) continue;
    std::memcpy(to, from, piece * sizeof(T));
    from += piece;
    to += piece;
  }
}

// tile += left (rows, depth) right (depth, vectors). left(row, k) is a number, right(k) where a row of vectors begins.
template <int vectors, typename T, typename Left, typename Right>
LIGHTNING_SUITE_INLINE void multiply(int64_t depth, Left left, Right right, Vector<T> (&tile)[kRows][kVectors]) {
  for (int64_t k = 0; k < depth; ++k) {
    const T* from = right(k);
    Vector<T> row[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) load(from + v * kLanes<T>, row[v]);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const T number = left(r, k);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) tile[r][v] += number * row[v];
    }
  }
}

// Calls some(first column, number of vectors as a constant) for all columns of a padded row.
template <typename T, typename Some>
LIGHTNING_SUITE_INLINE void by_columns(int64_t columns, Some some) {
  for (int64_t first = 0; first < columns; first += kVectors * kLanes<T>) {
    switch ((columns - first) / kLanes<T>) {
      case 1:
        some(first, std::integral_constant<int, 1>());
        break;
      case 2:
        some(first, std::integral_constant<int, 2>());
        break;
      default:
        some(first, std::integral_constant<int, kVectors>());
    }
  }
}

}  // namespace lightning_suite
