// One binary for every CPU: a function marked LIGHTNING_SUITE_CLONES is compiled once for each of some instruction
// sets, and the first call takes the best one that the machine has. What it calls must be LIGHTNING_SUITE_INLINE, for
// only what lies inside it is compiled so.
#pragma once

#define LIGHTNING_SUITE_INLINE inline __attribute__((always_inline))

// GCC on Linux has them; the sanitizers' own start-up is not over when a clone is chosen.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LIGHTNING_SUITE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define LIGHTNING_SUITE_HAS_CLONES 1
#else
#define LIGHTNING_SUITE_CLONES
#endif

namespace lightning_suite {

// The instruction set whose clones run on this machine.
inline const char* instruction_set() {
#ifdef LIGHTNING_SUITE_HAS_CLONES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
#endif
  return "baseline";
}

}  // namespace lightning_suite
