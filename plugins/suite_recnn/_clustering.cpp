// suite_recnn._clustering: merges the constituents of jets two by two into binary trees, as clustering.py defines them.
//
// Generalised kt (Cacciari, Salam, Soyez: arXiv:0802.1189) merges, again and again, the two roots i and j with the
// smallest min(f_i, f_j) dR_ij^2, f = pt^(2p). With f_i <= f_j the best j is the one nearest to i in dR alone. Each
// root therefore stores its nearest neighbour, and a merging costs a few passes over the roots (Cacciari, Salam:
// hep-ph/0512210). A pass reads contiguous arrays, eight roots at a time.
//
// Roots are in the order of their creation, so that of equal distances the first is that of the older root. Merged
// roots stay, at a distance that nothing reaches, until kDead of them are removed together.
//
// No multiply-add may be fused and no sum reordered: the trees must not depend on the machine.
//
// momenta (node, 4) px py pz E; children (node, 2), nodes counted within the tree; offsets (jet + 1,).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

// One binary for every CPU: functions marked TREE_CLONES are compiled for several instruction sets, and the loader
// chooses the best that the machine has. It does so before the sanitizers have started, so that these have no clones.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TREE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TREE_CLONES
#endif
// The arrays that a loop reads and writes never overlap.
#if defined(__GNUC__) && !defined(__clang__)
#define TREE_APART _Pragma("GCC ivdep")
#else
#define TREE_APART
#endif
#define TREE_INLINE inline __attribute__((always_inline))

namespace py = pybind11;

namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kDead = 16;
constexpr double kTwoPi = 6.283185307179586;
constexpr double kBeamRapidity = 1e5;    // of a particle along the beam, to which |pz| is added
constexpr double kSmallestPt2 = 1e-100;  // keeps anti-kt finite for such a particle
// Momenta are below 1e30, as clustering.py checks, so that all distances are far below these.
constexpr double kOutOfReach = 1e120;  // the rapidity of merged roots
constexpr double kFar = 1e200;
constexpr double kNever = 1e300;

enum class Algorithm { kCambridgeAachen, kKt, kAntiKt, kPtChain, kRandom };

struct Tree {
  double* momenta;
  int32_t* children;
  int64_t leaves;

  TREE_INLINE double pt2(int64_t node) const {
    const double px = momenta[4 * node], py = momenta[4 * node + 1];
    return px * px + py * py;
  }

  TREE_INLINE void merge(int64_t one, int64_t other, int64_t node) const {
    for (int64_t axis = 0; axis < 4; ++axis)
      momenta[4 * node + axis] = momenta[4 * one + axis] + momenta[4 * other + axis];
    const int64_t first = std::min(one, other), second = std::max(one, other);
    const bool in_order = pt2(first) >= pt2(second);
    children[2 * node] = static_cast<int32_t>(in_order ? first : second);
    children[2 * node + 1] = static_cast<int32_t>(in_order ? second : first);
  }
};

// The roots of one jet, among them for a while some that are merged already: node -1. Numbers of roots are doubles,
// because compilers vectorise a selection on every machine when all its values have one size.
struct Roots {
  explicit Roots(int64_t most)
      : room((most + kDead) / kLanes * kLanes + kLanes),
        y(room), phi(room), factor(room), distance(room), cost(room), nearest(room), measured(room), index(room),
        node_of(room), order(room) {
    std::iota(index.begin(), index.end(), 0.0);
  }

  int64_t room;
  std::vector<double> y, phi, factor;  // root
  std::vector<double> distance, cost;  // root: dR^2 to the nearest other root, and that times the own factor
  std::vector<double> nearest;         // root: the number of that root
  std::vector<double> measured;        // root: dR^2 to the root of the last call of find_nearest
  std::vector<double> index;           // 0, 1, 2, ...
  std::vector<int64_t> node_of;        // root: its node in the tree
  std::vector<int64_t> order;          // root: space for lists
  int64_t count = 0, dead = 0;
};

TREE_INLINE void bury(Roots& roots, int64_t root) {
  roots.y[root] = kOutOfReach;
  roots.phi[root] = roots.distance[root] = 0;
  roots.cost[root] = kNever;
  roots.nearest[root] = -1;
  roots.node_of[root] = -1;
}

// Appends a node. Its rapidity is defined as in FastJet: along the beam huge, finite and distinct.
TREE_INLINE void append(Roots& roots, const Tree& tree, int64_t node, Algorithm algorithm) {
  const double *p = tree.momenta + 4 * node, pz = p[2], energy = p[3], along = std::fabs(pz);
  const double pt2 = tree.pt2(node);
  const double mass2 = std::max((energy + pz) * (energy - pz) - pt2, 0.0);
  const double square = (energy + along) * (energy + along);
  const double ratio = square > 0 ? (pt2 + mass2) / square : 0;
  const bool inside = energy + along > 0 && ratio > 0 && ratio < kNever;
  const double size = inside ? -0.5 * std::log(ratio) : kBeamRapidity + along;
  const double bounded = std::max(pt2, kSmallestPt2);
  const int64_t root = roots.count++;
  roots.y[root] = pz < 0 ? -size : size;
  roots.phi[root] = pt2 > 0 ? std::atan2(p[1], p[0]) : 0;
  roots.factor[root] = algorithm == Algorithm::kKt ? bounded : algorithm == Algorithm::kAntiKt ? 1 / bounded : 1;
  roots.distance[root] = kFar;
  roots.cost[root] = kNever;
  roots.node_of[root] = node;
}

// The number of roots that a pass reads: whole vectors, the last one filled with roots out of reach.
TREE_INLINE int64_t padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

TREE_INLINE double least_of(const double* __restrict values, int64_t count) {
  double least = kNever;
  TREE_APART
  for (int64_t root = 0; root < count; ++root) least = std::min(least, values[root]);
  return least;
}

// The first root that has this value.
TREE_INLINE double first_with(const double* __restrict values, double value, const double* __restrict index,
                              int64_t count) {
  double first = kNever;
  TREE_APART
  for (int64_t root = 0; root < count; ++root) first = std::min(first, values[root] == value ? index[root] : kNever);
  return first;
}

// Fills roots.measured with dR^2 from one root to all others, and stores the nearest.
TREE_INLINE void find_nearest(Roots& roots, int64_t root) {
  const int64_t count = padded(roots.count);
  const double *__restrict y = roots.y.data(), *__restrict phi = roots.phi.data();
  const double* __restrict index = roots.index.data();
  const double own_y = y[root], own_phi = phi[root], own = static_cast<double>(root);
  double* __restrict measured = roots.measured.data();
  double least = kNever;
  TREE_APART
  for (int64_t other = 0; other < count; ++other) {
    const double dy = y[other] - own_y, straight = std::fabs(phi[other] - own_phi);
    const double dphi = std::min(straight, kTwoPi - straight), distance = dy * dy + dphi * dphi;
    measured[other] = index[other] == own ? kNever : distance;
    least = std::min(least, measured[other]);
  }
  roots.distance[root] = least;
  roots.nearest[root] = first_with(measured, least, index, count);
  roots.cost[root] = least < kFar ? roots.factor[root] * least : kNever;
}

// The newest root, whose distances have just been measured, may be the new nearest neighbour of others.
TREE_INLINE void introduce(Roots& roots, double newest) {
  const int64_t count = padded(roots.count);
  const double *__restrict measured = roots.measured.data(), *__restrict factor = roots.factor.data();
  double *__restrict distance = roots.distance.data(), *__restrict cost = roots.cost.data();
  double* __restrict nearest = roots.nearest.data();
  TREE_APART
  for (int64_t root = 0; root < count; ++root) {
    const double old_distance = distance[root], old_cost = cost[root], old_nearest = nearest[root];
    const double new_distance = measured[root], new_cost = factor[root] * new_distance;
    distance[root] = new_distance < old_distance ? new_distance : old_distance;
    cost[root] = new_distance < old_distance ? new_cost : old_cost;
    nearest[root] = new_distance < old_distance ? newest : old_nearest;
  }
}

TREE_INLINE int64_t cheapest(const Roots& roots) {
  const int64_t count = padded(roots.count);
  const double least = least_of(roots.cost.data(), count);
  return static_cast<int64_t>(first_with(roots.cost.data(), least, roots.index.data(), count));
}

// Removes merged roots; the others keep their order.
TREE_INLINE void sweep(Roots& roots) {
  int64_t living = 0;
  for (int64_t root = 0; root < roots.count; ++root) {
    roots.order[root] = living;
    if (roots.node_of[root] < 0) continue;
    roots.y[living] = roots.y[root];
    roots.phi[living] = roots.phi[root];
    roots.factor[living] = roots.factor[root];
    roots.distance[living] = roots.distance[root];
    roots.cost[living] = roots.cost[root];
    roots.nearest[living] = roots.nearest[root];
    roots.node_of[living++] = roots.node_of[root];
  }
  for (int64_t root = 0; root < living; ++root)
    roots.nearest[root] = static_cast<double>(roots.order[static_cast<int64_t>(roots.nearest[root])]);
  for (int64_t root = living; root < roots.count; ++root) bury(roots, root);
  roots.count = living;
  roots.dead = 0;
}

TREE_CLONES void merge_nearest(const Tree& tree, Algorithm algorithm, Roots& roots) {
  roots.count = roots.dead = 0;
  for (int64_t node = 0; node < tree.leaves; ++node) append(roots, tree, node, algorithm);
  const int64_t reach = std::min(roots.room, roots.count + kDead + kLanes);
  for (int64_t root = roots.count; root < reach; ++root) bury(roots, root);
  for (int64_t root = 0; root < roots.count; ++root) find_nearest(roots, root);
  for (int64_t node = tree.leaves; node < 2 * tree.leaves - 1; ++node) {
    const int64_t one = cheapest(roots), other = static_cast<int64_t>(roots.nearest[one]), merged = roots.count;
    tree.merge(roots.node_of[one], roots.node_of[other], node);
    append(roots, tree, node, algorithm);
    bury(roots, one);
    bury(roots, other);
    roots.dead += 2;
    find_nearest(roots, merged);
    introduce(roots, static_cast<double>(merged));
    for (int64_t root = 0; root < merged; ++root)
      if (const double nearest = roots.nearest[root]; nearest == roots.index[one] || nearest == roots.index[other])
        find_nearest(roots, root);
    if (roots.dead >= kDead && node + 1 < 2 * tree.leaves - 1) sweep(roots);
  }
}

void merge_in_order_of_pt(const Tree& tree, Roots& roots) {
  int64_t* order = roots.order.data();
  for (int64_t node = 0; node < tree.leaves; ++node) roots.cost[node] = tree.pt2(node);
  std::iota(order, order + tree.leaves, int64_t{0});
  std::sort(order, order + tree.leaves, [&](int64_t one, int64_t other) {
    return roots.cost[one] != roots.cost[other] ? roots.cost[one] > roots.cost[other] : one < other;
  });
  int64_t chain = order[0];
  for (int64_t next = 1; next < tree.leaves; ++next) {
    const int64_t node = tree.leaves + next - 1;
    tree.merge(chain, order[next], node);
    chain = node;
  }
}

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
uint64_t scrambled(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return bits ^ (bits >> 31);
}

struct Generator {
  uint64_t state;

  // Below a limit that is itself below 2^32; one that is no power of two prefers some numbers by 2^-32, a negligible
  // amount.
  int64_t below(int64_t limit) {
    state += 0x9E3779B97F4A7C15u;
    return static_cast<int64_t>(((scrambled(state) >> 32) * static_cast<uint64_t>(limit)) >> 32);
  }
};

void merge_at_random(const Tree& tree, Generator generator, Roots& roots) {
  int64_t* living = roots.order.data();
  std::iota(living, living + tree.leaves, int64_t{0});
  int64_t count = tree.leaves;
  for (int64_t node = tree.leaves; node < 2 * tree.leaves - 1; ++node, --count) {
    const int64_t one = generator.below(count);
    int64_t other = generator.below(count - 1);
    other += other >= one;
    tree.merge(living[one], living[other], node);
    living[one] = node;
    living[other] = living[count - 1];  // the newest root itself, where it was the last
  }
}

void cluster_jet(const Tree& tree, Algorithm algorithm, uint64_t seed, uint64_t jet, Roots& roots) {
  std::fill_n(tree.children, 2 * tree.leaves, -1);
  if (algorithm == Algorithm::kPtChain)
    merge_in_order_of_pt(tree, roots);
  else if (algorithm == Algorithm::kRandom)
    merge_at_random(tree, Generator{scrambled(scrambled(seed) + jet)}, roots);
  else
    merge_nearest(tree, algorithm, roots);
}

// Joins all threads, also when one could not be started.
struct Threads {
  std::vector<std::thread> running;
  ~Threads() {
    for (std::thread& thread : running) thread.join();
  }
};

// clustering.py has checked: momenta contiguous, finite and bounded; offsets that fit; no empty jet.
py::tuple cluster(const py::array_t<double, py::array::c_style>& momenta,
                  const py::array_t<int64_t, py::array::c_style>& offsets, int algorithm, uint64_t seed,
                  int64_t threads) {
  const int64_t jets = offsets.size() - 1, leaves = momenta.shape(0);
  const int64_t* begin = offsets.data();
  const double* from = momenta.data();
  py::array_t<double> all_momenta({2 * leaves - jets, int64_t{4}});
  py::array_t<int32_t> all_children({2 * leaves - jets, int64_t{2}});
  double* to = all_momenta.mutable_data();
  int32_t* children = all_children.mutable_data();
  {
    const py::gil_scoped_release release;
    int64_t most = 0;
    for (int64_t jet = 0; jet < jets; ++jet) most = std::max(most, begin[jet + 1] - begin[jet]);
    constexpr int64_t kShare = 32;  // jets that a thread takes at once
    threads = std::max<int64_t>(1, std::min(threads, (jets + kShare - 1) / kShare));
    std::vector<Roots> roots(threads, Roots(most));
    std::atomic<int64_t> next{0};
    const auto work = [&](int64_t thread) {
      for (int64_t first; (first = next.fetch_add(kShare)) < jets;)
        for (int64_t jet = first; jet < std::min(first + kShare, jets); ++jet) {
          const int64_t node = 2 * begin[jet] - jet;
          const Tree tree{to + 4 * node, children + 2 * node, begin[jet + 1] - begin[jet]};
          std::copy_n(from + 4 * begin[jet], 4 * tree.leaves, tree.momenta);
          cluster_jet(tree, static_cast<Algorithm>(algorithm), seed, static_cast<uint64_t>(jet), roots[thread]);
        }
    };
    Threads others;
    others.running.reserve(threads - 1);
    for (int64_t thread = 1; thread < threads; ++thread) others.running.emplace_back(work, thread);
    work(0);
  }
  return py::make_tuple(all_momenta, all_children);
}

}  // namespace

PYBIND11_MODULE(_clustering, module) {
  module.doc() = "Reclustering of jets; call it through suite_recnn.clustering, which checks what it is given.";
  module.def("cluster", &cluster, py::arg("momenta").noconvert(), py::arg("offsets").noconvert(), py::arg("algorithm"),
             py::arg("seed"), py::arg("threads"));
}
