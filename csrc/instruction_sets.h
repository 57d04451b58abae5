// One binary for every CPU, in two ways. Either compiles a function once for each of some instruction sets, and takes
// the best that the machine has; what the function calls must be LIGHTNING_SUITE_INLINE, for only what lies inside it
// is compiled so.
//
// - A function marked LIGHTNING_SUITE_CLONES: for loops that the compiler makes vector instructions of.
// - A lambda given to with_best_instructions: for kernels with vectors of their own, as long as the description that
//   the lambda is given says. Those longer than the machine's would be split, and cost twenty times as much.
#pragma once

#include <cstdlib>
#include <string_view>

#define LIGHTNING_SUITE_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define LIGHTNING_SUITE_HAS_SETS 1
#endif

// The sanitizers' own start-up is not over when a clone is chosen.
#if defined(LIGHTNING_SUITE_HAS_SETS) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LIGHTNING_SUITE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LIGHTNING_SUITE_CLONES
#endif

namespace lightning_suite {

// An instruction set: the bytes of a vector, and the rows of a matrix product's tile and the vectors in each, so many
// that the registers hold them beside what is multiplied. AVX-512 has 32 registers, the others 16.
struct Baseline {
  static constexpr const char* name = "baseline";
  static constexpr int bytes = 16, rows = 3, vectors = 3;
};
struct Avx2 {
  static constexpr const char* name = "x86-64-v3";
  static constexpr int bytes = 32, rows = 4, vectors = 3;
};
struct Avx512 {
  static constexpr const char* name = "x86-64-v4";
  static constexpr int bytes = 64, rows = 6, vectors = 3;
};

// Calls some(set), compiled for that set, which the machine must have.
template <typename Some>
void with_instructions(Baseline set, Some some) {
  some(set);
}
#ifdef LIGHTNING_SUITE_HAS_SETS
template <typename Some>
__attribute__((target("arch=x86-64-v3"))) void with_instructions(Avx2 set, Some some) {
  some(set);
}
template <typename Some>
__attribute__((target("arch=x86-64-v4"))) void with_instructions(Avx512 set, Some some) {
  some(set);
}

// The best set that the machine has, or a lesser one that LIGHTNING_SUITE_INSTRUCTION_SET names, by its place: 0, 1, 2.
// The variable is there for tests; clones do not follow it.
inline int best_instructions() {
  static const int best = [] {
    const char* wish = std::getenv("LIGHTNING_SUITE_INSTRUCTION_SET");
    const std::string_view most = wish == nullptr ? Avx512::name : wish;
    __builtin_cpu_init();
    if (most == Baseline::name || !__builtin_cpu_supports("x86-64-v3")) return 0;
    return most == Avx2::name || !__builtin_cpu_supports("x86-64-v4") ? 1 : 2;
  }();
  return best;
}
#endif

// Calls some(set), compiled for the best set that the machine has.
template <typename Some>
void with_best_instructions(Some some) {
#ifdef LIGHTNING_SUITE_HAS_SETS
  if (best_instructions() == 2) return with_instructions(Avx512(), some);
  if (best_instructions() == 1) return with_instructions(Avx2(), some);
#endif
  with_instructions(Baseline(), some);
}

// Its name.
inline const char* instruction_set() {
  const char* name = nullptr;
  with_best_instructions([&](auto set) { name = set.name; });
  return name;
}

}  // namespace lightning_suite
