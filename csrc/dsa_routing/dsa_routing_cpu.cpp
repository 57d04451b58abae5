// dsa_routing on a CPU. The words of a sentence as one head sees them are read from memory once, a little before they
// are needed: while the passes over one head find its words in a core's own cache, they ask for those of the next, and
// backward for where its gradient will be written. Sums over the words stay in registers, some columns at a time.
//
// Backward, with 32-byte vectors, takes as many heads together as the cache holds: it reads and writes whole rows, of
// which the processor itself fetches what comes next (docs/derivations/dsa_routing.md has the measurements).
//
// Words that are in half precision, narrower than a vector or to be taken through LeakyReLU are copied first, to rows
// of whole vectors. Others are read where they lie; the last vector of a row then overlaps the one before it.

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "dsa_routing.h"
#include "exponential.h"
#include "instruction_sets.h"
#include "tile_product.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // how vectors are returned: what returns them is always inlined

namespace lightning_suite::dsa_routing {
namespace {

constexpr int64_t kAheadBytes = 1 << 19;  // a quarter or half of a usual second-level cache

// Of the words of heads that backward takes together; 0: each by itself, as with vectors for which it was not measured.
template <typename Set>
constexpr int64_t kTogetherBytes = Set::bytes == 32 ? 1 << 19 : 0;

// The words of one sentence as one head sees them: word i begins at first + i * stride, and as the next head sees it
// `apart` numbers on. Width is a vector at least.
template <typename T>
struct Words {
  const T* first;
  int64_t stride, count, width, apart;

  LIGHTNING_SUITE_INLINE Words head(int64_t which) const {
    return {first + which * apart, stride, count, width, apart};
  }
};

// Heads head .. head + heads of one sentence, whose words are first .. first + count.
struct Job {
  int64_t sentence, head, heads, first, count;
};

// Asks for memory that is needed soon, a line of the cache at a time.
class Ahead {
 public:
  // Rows of `width` bytes, to be read, and so far `away`, if that is not 0, to be written.
  Ahead(const char* first, int64_t away, int64_t stride, int64_t rows, int64_t width)
      : row_(first),
        away_(away),
        stride_(stride),
        rows_(rows * width > kAheadBytes ? 0 : rows),
        width_(width) {
    if (stride != width) return;
    width_ = rows_ * width;
    rows_ = width_ == 0 ? 0 : 1;
  }

  template <int count>
  LIGHTNING_SUITE_INLINE void lines() {
    for (int i = 0; i < count && rows_ > 0; ++i) {
      __builtin_prefetch(row_ + at_, 0, 3);
      if (away_ != 0) __builtin_prefetch(row_ + away_ + at_, 1, 2);
      at_ += 64;
      if (at_ < width_) continue;
      at_ = 0;
      row_ += stride_;
      --rows_;
    }
  }

  LIGHTNING_SUITE_INLINE void rest() {
    while (rows_ > 0) lines<1>();
  }

 private:
  const char* row_;
  int64_t away_, stride_, rows_, width_, at_ = 0;
};

// How many lines to ask for beside so many vectors: two passes over the words ask for all of the next.
template <typename Set>
constexpr int lines_beside(int vectors) {
  return std::max(1, vectors * Set::bytes / 128);
}

template <typename Vector, size_t... lanes>
LIGHTNING_SUITE_INLINE auto halved(const Vector& vector, std::index_sequence<lanes...>) {
  return __builtin_shufflevector(vector, vector, lanes...) +
         __builtin_shufflevector(vector, vector, (lanes + sizeof...(lanes))...);
}

template <typename T, typename Vector>
LIGHTNING_SUITE_INLINE T sum(const Vector& vector) {
  constexpr size_t lanes = sizeof(Vector) / sizeof(T);
  if constexpr (lanes > 2) {
    return sum<T>(halved(vector, std::make_index_sequence<lanes / 2>()));
  } else {
    return vector[0] + vector[1];
  }
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Vector<Set, T> vector_at(const T* from) {
  Vector<Set, T> vector;
  load<Set>(from, vector);
  return vector;
}

// Calls some(first, how many as a constant) for pieces of 8, 4, 2 or 1 units that cover `count`. The last piece may
// overlap the one before it, whose results it then computes again: that is quicker than several small ones, each of
// which waits for its own sums.
template <typename Some>
LIGHTNING_SUITE_INLINE void in_pieces(int64_t count, int64_t unit, Some some) {
  const auto piece = [&](int64_t first, auto units) __attribute__((always_inline)) {
    first = std::min(first, count - units * unit);
    some(first, units);
    return first + units * unit;
  };
  for (int64_t first = 0; first < count;) {
    const int64_t left = count - first;
    if (left > 4 * unit && count >= 8 * unit) {
      first = piece(first, std::integral_constant<int, 8>());
    } else if (left > 2 * unit && count >= 4 * unit) {
      first = piece(first, std::integral_constant<int, 4>());
    } else if (left > unit && count >= 2 * unit) {
      first = piece(first, std::integral_constant<int, 2>());
    } else {
      first = piece(first, std::integral_constant<int, 1>());
    }
  }
}

// sums (width) = sum_i weights[i] x_i; `equal`: the first weight is that of every word.
template <typename Set, bool equal, typename T>
LIGHTNING_SUITE_INLINE void weighted_sums(const Words<T>& x, const T* weights, T* sums, Ahead& ahead) {
  constexpr int64_t lanes = kLanes<Set, T>;
  in_pieces(x.width, lanes, [&](int64_t column, auto constant) __attribute__((always_inline)) {
    constexpr int vectors = constant;
    const T* row = x.first + column;
    Vector<Set, T> parts[vectors] = {};
    for (int64_t i = 0; i < x.count; ++i, row += x.stride) {
      const T weight = weights[equal ? 0 : i];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) parts[v] += weight * vector_at<Set>(row + v * lanes);
      if (!equal) ahead.lines<lines_beside<Set>(vectors)>();
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) store<Set>(parts[v], sums + column + v * lanes);
  });
}

// products[i] = x_i . vector for some heads, whose vectors and products lie `between` numbers apart. The heads take
// turns every few words, so that words are read in whole rows.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void dot_products(const Words<T>& x, int64_t heads, int64_t between, const T* vectors,
                                         T* products, Ahead& ahead) {
  constexpr int64_t lanes = kLanes<Set, T>;
  const int64_t whole = x.width / lanes * lanes, last = x.width - lanes;
  in_pieces(x.count, 1, [&](int64_t at, auto constant) __attribute__((always_inline)) {
    constexpr int rows = constant;
    for (int64_t head = 0; head < heads; ++head) {
      const T* row = x.head(head).first + at * x.stride;
      const T* vector = vectors + head * between;
      Vector<Set, T> parts[rows] = {};
      for (int64_t k = 0; k < whole; k += lanes) {
        const Vector<Set, T> factor = vector_at<Set>(vector + k);
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r) parts[r] += vector_at<Set>(row + r * x.stride + k) * factor;
        ahead.lines<lines_beside<Set>(rows)>();
      }
      if (whole < x.width) {
        T rest[lanes] = {};  // of the last vector what the one before has not
        for (int64_t i = whole; i < x.width; ++i) rest[i - last] = vector[i];
        const Vector<Set, T> factor = vector_at<Set>(static_cast<const T*>(rest));
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r) parts[r] += vector_at<Set>(row + r * x.stride + last) * factor;
      }
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) products[head * between + at + r] = sum<T>(parts[r]);
    }
  });
}

// The scores have room for whole vectors.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void softmax(T* __restrict scores, int64_t count) {
  const int64_t width = padded<Set, T>(count);
  for (int64_t i = count; i < width; ++i) scores[i] = std::numeric_limits<T>::lowest();
  T top = scores[0], total = 0;
  for (int64_t i = 1; i < count; ++i) top = scores[i] > top ? scores[i] : top;
  for (int64_t i = 0; i < width; ++i) total += scores[i] = exponential(scores[i] - top);
  const T share = 1 / total;
  for (int64_t i = 0; i < width; ++i) scores[i] *= share;
}

// Numbers in memory, as the dtype that they are stored in; no kernel is compiled twice for it.
template <typename T>
class Stored {
 public:
  Stored(const void* numbers, std::type_identity<T>) : numbers_(numbers), kind_(Kind::kSame), size_(sizeof(T)) {}
  Stored(const void* numbers, std::type_identity<Half>) : numbers_(numbers), kind_(Kind::kHalf), size_(2) {}
  Stored(const void* numbers, std::type_identity<BFloat16>) : numbers_(numbers), kind_(Kind::kBFloat16), size_(2) {}

  bool is_same() const { return kind_ == Kind::kSame; }
  bool is_none() const { return numbers_ == nullptr; }
  int64_t size() const { return size_; }
  char* place(int64_t at) const { return static_cast<char*>(const_cast<void*>(numbers_)) + at * size_; }

  LIGHTNING_SUITE_INLINE void read(int64_t at, int64_t count, T* __restrict to) const {
    const auto every = [&](const auto* __restrict from) __attribute__((always_inline)) {
      for (int64_t k = 0; k < count; ++k) to[k] = widen(from[k]);
    };
    if (kind_ == Kind::kSame) return every(reinterpret_cast<const T*>(place(at)));
    kind_ == Kind::kHalf ? every(reinterpret_cast<const Half*>(place(at)))
                         : every(reinterpret_cast<const BFloat16*>(place(at)));
  }

  LIGHTNING_SUITE_INLINE void write(int64_t at, int64_t count, const T* __restrict from) const {
    const auto every = [&](auto* __restrict to) __attribute__((always_inline)) {
      for (int64_t k = 0; k < count; ++k) narrow(from[k], to[k]);
    };
    if (kind_ == Kind::kSame) return every(reinterpret_cast<T*>(place(at)));
    if constexpr (std::is_same_v<T, float>) {
      kind_ == Kind::kHalf ? every(reinterpret_cast<Half*>(place(at)))
                           : every(reinterpret_cast<BFloat16*>(place(at)));
    }
  }

 private:
  enum class Kind { kSame, kHalf, kBFloat16 };

  const void* numbers_;
  Kind kind_;
  int64_t size_;
};

template <typename Number>
Stored<Precise<Number>> stored(const Number* numbers) {
  return {numbers, std::type_identity<Number>()};
}

// The words of a job's first head: where they lie, or a copy in whole vectors, beside those of its other heads.
template <typename Set, typename T>
LIGHTNING_SUITE_INLINE Words<T> words_of(const Stored<T>& x, const Sizes& sizes, const Job& job, Buffer<T>& copies) {
  const int64_t dim = sizes.head_dim, stride = sizes.heads * dim, first = job.first * stride + job.head * dim;
  const T slope = static_cast<T>(sizes.negative_slope);
  if (x.is_same() && dim >= kLanes<Set, T> && slope == 1) {
    return {reinterpret_cast<const T*>(x.place(first)), stride, job.count, dim, dim};
  }
  const int64_t width = padded<Set, T>(dim);
  copies.make_room(job.count * job.heads * width);
  T* __restrict to = copies.data();
  for (int64_t i = 0; i < job.count; ++i) {
    for (int64_t head = 0; head < job.heads; ++head, to += width) {
      x.read(first + i * stride + head * dim, dim, to);
      for (int64_t k = dim; k < width; ++k) to[k] = 0;
      if (slope == 1) continue;
      for (int64_t k = 0; k < width; ++k) to[k] = to[k] > 0 ? to[k] : slope * to[k];
    }
  }
  return {copies.data(), job.heads * width, job.count, std::max(dim, kLanes<Set, T>), width};
}

// Calls some(job, the next or one of no words) for the jobs that start in rows [begin, end): each head of each sentence
// has a row a word, and one more. A job has as many heads as have `bytes` of words, at least one: that follows from the
// sentence alone, so that no bit depends on how the rows are cut.
template <typename T, typename Some>
LIGHTNING_SUITE_INLINE void each_job(const Sizes& sizes, const int64_t* offsets, int64_t bytes, int64_t begin,
                                     int64_t end, Some some) {
  const auto start = [&](int64_t sentence) { return sizes.heads * (offsets[sentence] + sentence); };
  int64_t sentence = 0, after = sizes.sentences;  // the last sentence that starts at or before begin, by halving
  while (after - sentence > 1) {
    const int64_t middle = sentence + (after - sentence) / 2;
    (start(middle) <= begin ? sentence : after) = middle;
  }
  int64_t head = 0;
  const auto at = [&]() -> Job {
    for (; sentence < sizes.sentences; ++sentence, head = 0) {
      const int64_t count = offsets[sentence + 1] - offsets[sentence], row = start(sentence);
      const int64_t each = std::max<int64_t>(1, count * sizes.head_dim * sizeof(T));
      const int64_t together = std::clamp<int64_t>(bytes / each, 1, sizes.heads);
      if (row + head * (count + 1) < begin) {  // the first head of a job that starts at begin or behind it
        const int64_t first = (begin - row + count) / (count + 1);
        head = (first + together - 1) / together * together;
      }
      if (head >= sizes.heads) continue;
      const bool starts = row + head * (count + 1) < end;
      return {sentence, starts ? head : -1, std::min(together, sizes.heads - head), offsets[sentence], count};
    }
    return {0, -1, 0, 0, 0};
  };
  for (Job job = at(); job.head >= 0;) {
    head += job.heads;
    const Job next = at();
    some(job, next.head >= 0 ? next : Job{0, 0, 0, 0, 0});
    job = next;
  }
}

template <typename T>
LIGHTNING_SUITE_INLINE Ahead ahead_of(const Stored<T>& x, int64_t away, const Sizes& sizes, const Job& next) {
  const int64_t dim = sizes.head_dim, stride = sizes.heads * dim, place = next.first * stride + next.head * dim;
  return {x.place(place), away, stride * x.size(), next.count, next.heads * dim * x.size()};
}

// The arrays of a call, forward or backward.
template <typename T>
struct Arrays {
  Sizes sizes;
  const int64_t* offsets;
  Stored<T> x, z, grad_z, grad_x;
  T *weights, *vectors;
  const T *grad_weights, *grad_vectors;
};

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void forward_rows(const Arrays<T>& arrays, int64_t begin, int64_t end) {
  const Sizes& sizes = arrays.sizes;
  const int64_t dim = sizes.head_dim, width = padded<Set, T>(dim), steps = sizes.iterations - 1;
  Buffer<T> copies, numbers;
  const auto forward = [&](const Job& job, const Job& next) __attribute__((always_inline)) {
    const int64_t place = (job.sentence * sizes.heads + job.head) * dim;
    numbers.make_room(2 * width + std::max(padded<Set, T>(job.count), kLanes<Set, T>));
    T* __restrict z = numbers.data();
    T* __restrict total = z + width;  // z^1 + ... + z^t
    T* __restrict a = total + width;  // weights of the words
    Ahead ahead = ahead_of(arrays.x, 0, sizes, next);
    const Words<T> x = words_of<Set>(arrays.x, sizes, job, copies);
    a[0] = T(1) / static_cast<T>(job.count);
    weighted_sums<Set, true>(x, a, z, ahead);
    for (int64_t t = 0;; ++t) {
      for (int64_t k = dim; k < width; ++k) z[k] = 0;
      for (int64_t k = 0; k < width; ++k) z[k] = hyperbolic_tangent(z[k]);
      if (t == steps) break;
      std::copy(z, z + dim, arrays.vectors + t * sizes.sentences * sizes.heads * dim + place);
      for (int64_t k = 0; k < width; ++k) total[k] = t == 0 ? z[k] : total[k] + z[k];
      if (job.count == 0) continue;
      dot_products<Set, T>(x, 1, 0, total, a, ahead);
      softmax<Set>(a, job.count);
      T* weights = arrays.weights + (t * sizes.words + job.first) * sizes.heads + job.head;
      for (int64_t i = 0; i < job.count; ++i) weights[i * sizes.heads] = a[i];
      weighted_sums<Set, false>(x, a, z, ahead);
    }
    arrays.z.write(place, dim, z);
    ahead.rest();
  };
  each_job<T>(sizes, arrays.offsets, 0, begin, end, forward);  // head by head
}

template <typename Set, typename T>
LIGHTNING_SUITE_INLINE void backward_rows(const Arrays<T>& arrays, int64_t begin, int64_t end) {
  constexpr int64_t lanes = kLanes<Set, T>;
  const Sizes& sizes = arrays.sizes;
  const int64_t dim = sizes.head_dim, width = padded<Set, T>(dim), steps = sizes.iterations - 1;
  const int64_t stride = sizes.heads * dim;
  const T slope = static_cast<T>(sizes.negative_slope);
  Buffer<T> copies, numbers;
  const auto backward = [&](const Job& job, const Job& next) __attribute__((always_inline)) {
    if (job.count == 0) return;
    const Job soon = job.heads > 1 ? Job{0, 0, 0, 0, 0} : next;  // whole rows come by themselves
    Ahead ahead = ahead_of(arrays.x, arrays.grad_x.place(0) - arrays.x.place(0), sizes, soon);
    const Words<T> x = words_of<Set>(arrays.x, sizes, job, copies);
    const int64_t count = job.count, room = padded<Set, T>(count);
    const int64_t place = (job.sentence * sizes.heads + job.head) * dim, word = job.first * sizes.heads + job.head;
    const int64_t each = (2 * steps + 1) * room + (2 * steps + 1) * width;  // numbers of a head
    numbers.make_room(job.heads * each + width);
    T* __restrict p = numbers.data();            // gradient of the weights
    T* __restrict a = p + room;                  // step, word: the weights
    T* __restrict e = a + steps * room;          // step, word: gradient of what this step's vector adds to the score
    T* __restrict ds = e + steps * room;         // iteration, width: gradient before tanh
    T* __restrict z = ds + (steps + 1) * width;  // step, width: the vectors
    T* __restrict row = p + job.heads * each;    // of z, then of the gradient of x
    for (int64_t head = 0; head < job.heads; ++head) {
      T* __restrict of_head = ds + head * each;
      std::fill(of_head, of_head + (2 * steps + 1) * width, T(0));
      if (arrays.grad_z.is_none()) continue;
      T* __restrict last = of_head + steps * width;
      arrays.z.read(place + head * dim, dim, row);
      arrays.grad_z.read(place + head * dim, dim, last);
      for (int64_t k = 0; k < dim; ++k) last[k] *= 1 - row[k] * row[k];
    }
    if (steps > 0) dot_products<Set, T>(x, job.heads, each, ds + steps * width, p, ahead);
    // Step t, counted from 0, makes iteration t + 2 out of iteration t + 1. a[t] and e[t] are of the later one, z[t] of
    // the earlier; ds[t] is of the earlier, ds[t + 1] of the later.
    const T equal = T(1) / static_cast<T>(count);
    for (int64_t head = 0; head < job.heads; ++head) {
      const Words<T> words = x.head(head);
      T* __restrict ph = p + head * each;
      for (int64_t t = steps; t-- > 0;) {
        const int64_t of_words = t * sizes.words * sizes.heads + word + head;
        const int64_t of_sentence = t * sizes.sentences * stride + place + head * dim;
        T* __restrict at = a + head * each + t * room;
        T* __restrict et = e + head * each + t * room;
        T* __restrict zt = z + head * each + t * width;
        T* __restrict dst = ds + head * each + t * width;
        if (t + 1 < steps) dot_products<Set, T>(words, 1, 0, dst + width, ph, ahead);
        T mean = 0;
        for (int64_t i = 0; i < count; ++i) {
          at[i] = arrays.weights[of_words + i * sizes.heads];
          if (arrays.grad_weights) ph[i] += arrays.grad_weights[of_words + i * sizes.heads];
          mean += at[i] * ph[i];
        }
        for (int64_t i = 0; i < count; ++i) et[i] = at[i] * (ph[i] - mean) + (t + 1 < steps ? et[room + i] : T(0));
        std::copy(arrays.vectors + of_sentence, arrays.vectors + of_sentence + dim, zt);
        weighted_sums<Set, false>(words, et, dst, ahead);
        for (int64_t k = 0; arrays.grad_vectors && k < dim; ++k) dst[k] += arrays.grad_vectors[of_sentence + k];
        for (int64_t k = 0; k < width; ++k) dst[k] *= 1 - zt[k] * zt[k];
      }
      // A word's share of the first ds is the same for all words.
      T* __restrict first = ds + head * each;
      for (int64_t k = 0; k < width; ++k) first[k] *= equal;
    }
    // A word's gradient is its share of every ds and z.
    const bool direct = arrays.grad_x.is_same() && x.width == dim;
    const auto write_row = [&](int64_t i, int64_t head, auto known_steps) __attribute__((always_inline)) {
      const int64_t to = (job.first + i) * stride + (job.head + head) * dim, own = head * each;
      const T* words = x.head(head).first + i * x.stride;
      T* written = direct ? reinterpret_cast<T*>(arrays.grad_x.place(to)) : row;
      // Where whole rows are written, vectors across two lines of the cache would be slow: only the first and last are.
      const int64_t skew = static_cast<int64_t>(reinterpret_cast<uintptr_t>(written) / sizeof(T) % lanes);
      const int64_t first = job.heads > 1 ? lanes - skew : lanes;
      for (int64_t from = 0, step = first; from < x.width; from += step, step = lanes) {
        const int64_t k = std::min(from, x.width - lanes);
        Vector<Set, T> sums = vector_at<Set, T>(ds + own + k);
        for (int64_t t = 0; t < (known_steps > 0 ? known_steps : steps); ++t) {
          sums += a[own + t * room + i] * vector_at<Set, T>(ds + own + (t + 1) * width + k);
          sums += e[own + t * room + i] * vector_at<Set, T>(z + own + t * width + k);
        }
        if (slope != 1) sums = vector_at<Set>(words + k) > 0 ? sums : slope * sums;
        store<Set>(sums, written + k);
        ahead.lines<lines_beside<Set>(1)>();
      }
      if (!direct) arrays.grad_x.write(to, dim, row);
    };
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t head = 0; head < job.heads; ++head) {
        steps == 1 ? write_row(i, head, std::integral_constant<int, 1>())
                   : write_row(i, head, std::integral_constant<int, 0>());
      }
    }
    ahead.rest();
  };
  each_job<T>(sizes, arrays.offsets, kTogetherBytes<Set>, begin, end, backward);
}

template <typename T>
void run_forward(const Arrays<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    forward_rows<decltype(set)>(arrays, begin, end);
  });
}

template <typename T>
void run_backward(const Arrays<T>& arrays, int64_t begin, int64_t end) {
  with_best_instructions([&](auto set) __attribute__((always_inline)) {
    backward_rows<decltype(set)>(arrays, begin, end);
  });
}

}  // namespace

int64_t work(const Sizes& sizes) { return sizes.heads * (sizes.words + sizes.sentences); }

template <typename Number>
void forward_cpu(const Forward<Number>& given, int64_t begin, int64_t end) {
  const Number* none = nullptr;
  run_forward<Precise<Number>>({given.sizes, given.offsets, stored(given.x), stored<Number>(given.z), stored(none),
                                stored(none), given.weights, given.vectors, nullptr, nullptr},
                               begin, end);
}

template <typename Number>
void backward_cpu(const Backward<Number>& given, int64_t begin, int64_t end) {
  using T = Precise<Number>;
  run_backward<T>({given.sizes, given.offsets, stored(given.x), stored(given.z), stored(given.grad_z),
                   stored<Number>(given.grad_x), const_cast<T*>(given.weights), const_cast<T*>(given.vectors),
                   given.grad_weights, given.grad_vectors},
                  begin, end);
}

#define LIGHTNING_SUITE_INSTANTIATE(Number)                            \
  template void forward_cpu(const Forward<Number>&, int64_t, int64_t); \
  template void backward_cpu(const Backward<Number>&, int64_t, int64_t);
LIGHTNING_SUITE_INSTANTIATE(float)
LIGHTNING_SUITE_INSTANTIATE(double)
LIGHTNING_SUITE_INSTANTIATE(Half)
LIGHTNING_SUITE_INSTANTIATE(BFloat16)

}  // namespace lightning_suite::dsa_routing
