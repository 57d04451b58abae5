// suite_spectral._cuts: loops over the edges of a graph that ask who is joined to whom: the weights between clusters
// (clusters/cuts.py), points that move while that lowers the normalised cut (clusters/refinement.py), and parts that
// hang on by one edge (clusters/loose_ends.py).
//
// No multiply-add is fused, and sums have the order of the edges, so that the references give the same bits.
//
// pointers (point + 1,), columns and weights (edge,): compressed rows of a symmetric matrix; degrees, labels (point,).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace py = pybind11;

namespace {

using Doubles = py::array_t<double, py::array::c_style>;
using Integers = py::array_t<int64_t, py::array::c_style>;
using Indices = py::array_t<int32_t, py::array::c_style>;

constexpr double kFar = std::numeric_limits<double>::max();
constexpr double kLess = 1e-12;  // by which a move has to lower the normalised cut, else rounding could move in circles

// The graph of three arrays, which outlive it.
struct Edges {
  Edges(const Indices& pointers, const Indices& columns, const Doubles& weights)
      : n(pointers.size() - 1), begin(pointers.data()), column(columns.data()), weight(weights.data()) {}

  int64_t n;
  const int32_t *begin, *column;
  const double* weight;
};

void add_cuts(const Edges& edges, const int64_t* label, double* cut) {
  for (int64_t i = 0; i < edges.n; ++i)
    for (int32_t e = edges.begin[i]; e < edges.begin[i + 1]; ++e)
      if (label[edges.column[e]] != label[i]) cut[label[i]] += edges.weight[e];
}

// The weight between each cluster and the rest, (cluster,).
Doubles cuts(const Indices& pointers, const Indices& columns, const Doubles& weights, const Integers& labels,
             int64_t clusters) {
  Doubles result(clusters);
  const Edges edges(pointers, columns, weights);
  const int64_t* label = labels.data();
  double* cut = result.mutable_data();
  const py::gil_scoped_release release;
  std::fill_n(cut, clusters, 0.0);
  add_cuts(edges, label, cut);
  return result;
}

struct Refinement {
  Refinement(const Edges& edges_, const double* degree_, int64_t* label_, int64_t clusters)
      : edges(edges_), degree(degree_), label(label_), cut(clusters), volume(clusters), to(clusters), size(clusters) {
    add_cuts(edges, label, cut.data());
    for (int64_t i = 0; i < edges.n; ++i) {
      volume[label[i]] += degree[i];
      ++size[label[i]];
    }
  }

  // Moves a point to the neighbouring cluster that lowers the normalised cut the most; says whether there is one.
  bool move(int64_t i) {
    const int64_t own = label[i];
    const double d = degree[i];
    if (size[own] == 1 || volume[own] - d <= 0) return false;
    double loop = 0;
    for (int32_t e = edges.begin[i]; e < edges.begin[i + 1]; ++e) {
      const int64_t c = label[edges.column[e]];
      if (std::find(seen.begin(), seen.end(), c) == seen.end()) seen.push_back(c);
      to[c] += edges.weight[e];
      if (edges.column[e] == i) loop += edges.weight[e];
    }
    const double left = cut[own] - d + 2 * to[own] - loop, rest = volume[own] - d;
    const double gain = left / rest - cut[own] / volume[own];
    double least = -kLess;
    int64_t best = -1;
    for (const int64_t c : seen) {
      if (c == own) continue;
      const double change = gain + (cut[c] + d - 2 * to[c] - loop) / (volume[c] + d) - cut[c] / volume[c];
      if (change < least) {
        least = change;
        best = c;
      }
    }
    if (best >= 0) {
      cut[own] = left, volume[own] = rest, --size[own];
      cut[best] += d - 2 * to[best] - loop, volume[best] += d, ++size[best];
      label[i] = best;
    }
    for (const int64_t c : seen) to[c] = 0;
    seen.clear();
    return best >= 0;
  }

  const Edges& edges;
  const double* degree;
  int64_t* label;
  std::vector<double> cut, volume, to;
  std::vector<int64_t> size, seen;
};

// The labels after at most so many rounds. The first looks at every point in order, the others at those that have moved
// in the one before and at their neighbours, or, where none has, at every point again, whose clusters have changed.
Integers refined(const Indices& pointers, const Indices& columns, const Doubles& weights, const Doubles& degrees,
                 const Integers& labels, int64_t clusters, int64_t rounds) {
  const Edges edges(pointers, columns, weights);
  Integers result(edges.n);
  int64_t* label = result.mutable_data();
  std::copy_n(labels.data(), edges.n, label);
  const double* degree = degrees.data();
  const py::gil_scoped_release release;
  Refinement refinement(edges, degree, label, clusters);
  std::vector<char> now(edges.n, 1), next(edges.n);
  for (bool whole = true; rounds > 0; --rounds) {
    bool moved = false;
    std::fill(next.begin(), next.end(), 0);
    for (int64_t i = 0; i < edges.n; ++i) {
      if (!now[i] || !refinement.move(i)) continue;
      moved = true;
      next[i] = 1;
      for (int32_t e = edges.begin[i]; e < edges.begin[i + 1]; ++e) next[edges.column[e]] = 1;
    }
    if (whole && !moved) break;
    whole = !moved;
    if (whole) std::fill(next.begin(), next.end(), 1);
    now.swap(next);
  }
  return result;
}

// For each point of a part that hangs on by one edge and has less volume than `most`, the point that the part hangs on
// to, for others themselves; and the least weight of such an edge over the part's volume. `tops` has one point of each
// component, which hangs on to nothing.
//
// A depth-first search numbers the points, and low[i] is the least number that edges of the tree below i reach past the
// one above it: an edge of the tree is the only one between its sides where that is not above it (Tarjan, 1974).
py::tuple ends(const Indices& pointers, const Indices& columns, const Doubles& weights, const Doubles& degrees,
               const Integers& tops, double most) {
  const Edges edges(pointers, columns, weights);
  Integers hosts(edges.n);
  int64_t* host = hosts.mutable_data();
  const double* degree = degrees.data();
  const int64_t* top = tops.data();
  const int64_t count = tops.size();
  double least = kFar;
  {
    const py::gil_scoped_release release;
    std::vector<int64_t> order, number(edges.n, -1), low(edges.n), above(edges.n, -1), path;
    std::vector<int32_t> at(edges.begin, edges.begin + edges.n);
    std::vector<double> volume(degree, degree + edges.n), upward(edges.n, 0.0);
    order.reserve(edges.n);
    const auto enter = [&](int64_t i) {
      number[i] = low[i] = static_cast<int64_t>(order.size());
      order.push_back(i);
      path.push_back(i);
    };
    for (int64_t c = 0; c < count; ++c) {
      if (number[top[c]] >= 0) continue;
      enter(top[c]);
      while (!path.empty()) {
        const int64_t i = path.back();
        if (at[i] == edges.begin[i + 1]) {
          path.pop_back();
          if (above[i] >= 0) low[above[i]] = std::min(low[above[i]], low[i]);
          continue;
        }
        const int32_t e = at[i]++;
        const int64_t j = edges.column[e];
        if (number[j] < 0) {
          above[j] = i;
          upward[j] = edges.weight[e];
          enter(j);
        } else if (j != above[i]) {
          low[i] = std::min(low[i], number[j]);
        }
      }
    }
    for (auto i = order.rbegin(); i != order.rend(); ++i)
      if (above[*i] >= 0) volume[above[*i]] += volume[*i];
    for (int64_t i = 0; i < edges.n; ++i) host[i] = i;
    for (const int64_t i : order) {  // from the tops: what hangs on an end hangs on its host
      const int64_t higher = above[i];
      if (higher < 0) continue;
      const bool hangs = low[i] == number[i] && volume[i] < most;
      if (hangs) least = std::min(least, upward[i] / volume[i]);
      host[i] = host[higher] != higher ? host[higher] : hangs ? higher : i;
    }
  }
  return py::make_tuple(hosts, least);
}

}  // namespace

PYBIND11_MODULE(_cuts, module) {
  module.doc() = "Loops over edges; call them through the functions of suite_spectral.clusters, which check.";
  module.def("cuts", &cuts, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("weights").noconvert(), py::arg("labels").noconvert(), py::arg("clusters"));
  module.def("refined", &refined, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("weights").noconvert(), py::arg("degrees").noconvert(), py::arg("labels").noconvert(),
             py::arg("clusters"), py::arg("rounds"));
  module.def("ends", &ends, py::arg("pointers").noconvert(), py::arg("columns").noconvert(),
             py::arg("weights").noconvert(), py::arg("degrees").noconvert(), py::arg("tops").noconvert(),
             py::arg("most"));
}
