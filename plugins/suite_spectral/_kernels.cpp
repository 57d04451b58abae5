// suite_spectral._kernels: the loops of spectral clustering that numpy and torch run over their data many times.
//
// k-means (clusters/lloyd.py): each point keeps an upper bound of the distance to its own centre and a lower bound of
// that to any other, so that after the first rounds most points need no distances (Hamerly: "Making k-means even
// faster", SDM 2010). The bounds have a margin for rounding, so that the labels are those of comparing all distances.
// aggregation (eigen/aggregation.py): one visit to each point in the order of falling priority chooses its roots.
// Rows that several processes hold are gone through round by round, with what stands at the points of others beside.
//
// The references compute the same bits: no multiply-add may be fused and no sum reordered. A distance is summed over
// the dimensions one by one, for kLanes centres or points at a time.
//
// rows (point, dim); centres (cluster, dim); weights, labels (point,); matrices in compressed rows.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "instruction_sets.h"

namespace py = pybind11;

namespace {

constexpr int64_t kLanes = 16;
constexpr double kMargin = 1e-9;  // of bounds, relative: far above the rounding of a sum of squares
constexpr double kFar = std::numeric_limits<double>::max();

constexpr int64_t kQuarter = kLanes / 4;  // which a register holds: GCC keeps the sums of a wider type in memory
using Lanes = double __attribute__((vector_size(kQuarter * sizeof(double))));
using Doubles = py::array_t<double, py::array::c_style>;
using Integers = py::array_t<int64_t, py::array::c_style>;
using Indices = py::array_t<int32_t, py::array::c_style>;

int64_t padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

double squared_distance(const double* one, const double* other, int64_t dim) {
  double sum = 0;
  for (int64_t j = 0; j < dim; ++j) {
    const double difference = one[j] - other[j];
    sum += difference * difference;
  }
  return sum;
}

// The squared distances of a point to columns, (dim, padded) with one column for each centre or other point.
LIGHTNING_SUITE_CLONES void squared_distances(const double* point, const double* columns, int64_t width, int64_t dim,
                                     double* result) {
  for (int64_t first = 0; first < width; first += kLanes) {
    Lanes sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {}, part0, part1, part2, part3;
    for (int64_t j = 0; j < dim; ++j) {
      const double* from = columns + j * width + first;
      std::memcpy(&part0, from, sizeof part0);
      std::memcpy(&part1, from + kQuarter, sizeof part1);
      std::memcpy(&part2, from + 2 * kQuarter, sizeof part2);
      std::memcpy(&part3, from + 3 * kQuarter, sizeof part3);
      part0 = point[j] - part0, part1 = point[j] - part1, part2 = point[j] - part2, part3 = point[j] - part3;
      sum0 += part0 * part0, sum1 += part1 * part1, sum2 += part2 * part2, sum3 += part3 * part3;
    }
    std::memcpy(result + first, &sum0, sizeof sum0);
    std::memcpy(result + first + kQuarter, &sum1, sizeof sum1);
    std::memcpy(result + first + 2 * kQuarter, &sum2, sizeof sum2);
    std::memcpy(result + first + 3 * kQuarter, &sum3, sizeof sum3);
  }
}

// rows (count, dim) as (dim, padded count), which squared_distances reads.
std::vector<double> transposed(const double* rows, int64_t count, int64_t dim) {
  const int64_t width = padded(count);
  std::vector<double> columns(dim * width, 0.0);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < dim; ++j) columns[j * width + i] = rows[i * dim + j];
  return columns;
}

struct KMeans {
  KMeans(const double* rows_, const double* weights_, int64_t n_, int64_t dim_, int64_t k_, double* centres_,
         int64_t* labels_)
      : rows(rows_), weights(weights_), n(n_), dim(dim_), k(k_), centres(centres_), labels(labels_), upper(n, kFar),
        lower(n, 0), distances(padded(k)), moved(k), sums(k * dim), totals(k) {}

  // Gives every point the nearest centre, of equally near ones the first; says whether a label has changed.
  bool assign() {
    const std::vector<double> columns = transposed(centres, k, dim);
    bool changed = false;
    for (int64_t i = 0; i < n; ++i) {
      if (labels[i] >= 0) {
        if (upper[i] < lower[i]) continue;
        upper[i] = std::sqrt(squared_distance(rows + i * dim, centres + labels[i] * dim, dim)) * (1 + kMargin);
        if (upper[i] < lower[i]) continue;
      }
      squared_distances(rows + i * dim, columns.data(), padded(k), dim, distances.data());
      int64_t best = 0;
      double least = distances[0], second = kFar;
      for (int64_t c = 1; c < k; ++c) {
        if (distances[c] < least) {
          second = least;
          least = distances[c];
          best = c;
        } else if (distances[c] < second) {
          second = distances[c];
        }
      }
      upper[i] = std::sqrt(least) * (1 + kMargin);
      lower[i] = std::sqrt(second) * (1 - kMargin);
      changed |= labels[i] != best;
      labels[i] = best;
    }
    return changed;
  }

  // An empty cluster takes the point that is farthest from its centre; it stays empty where all points are at theirs.
  void fill_empty() {
    std::vector<int64_t> counts(k, 0);
    for (int64_t i = 0; i < n; ++i) ++counts[labels[i]];
    if (std::find(counts.begin(), counts.end(), 0) == counts.end()) return;
    std::vector<double> away(n);
    for (int64_t i = 0; i < n; ++i) away[i] = squared_distance(rows + i * dim, centres + labels[i] * dim, dim);
    for (int64_t c = 0; c < k; ++c) {
      if (counts[c] > 0) continue;
      const int64_t farthest = std::max_element(away.begin(), away.end()) - away.begin();
      if (away[farthest] <= 0) return;
      labels[farthest] = c;
      away[farthest] = upper[farthest] = lower[farthest] = 0;  // not below: its distances are computed again
    }
  }

  // Moves the centres to the means; an empty cluster's stays. Returns the largest squared distance that one moved.
  double move() {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(totals.begin(), totals.end(), 0.0);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t c = labels[i];
      totals[c] += weights[i];
      for (int64_t j = 0; j < dim; ++j) sums[c * dim + j] += weights[i] * rows[i * dim + j];
    }
    double farthest = 0;
    for (int64_t c = 0; c < k; ++c) {
      double square = 0;
      for (int64_t j = 0; j < dim && totals[c] > 0; ++j) {
        const double mean = sums[c * dim + j] / totals[c], step = mean - centres[c * dim + j];
        square += step * step;
        centres[c * dim + j] = mean;
      }
      moved[c] = std::sqrt(square);
      farthest = std::max(farthest, square);
    }
    const double most = std::sqrt(farthest);
    for (int64_t i = 0; i < n; ++i) {
      upper[i] = (upper[i] + moved[labels[i]]) * (1 + kMargin);
      lower[i] = (lower[i] - most) - kMargin * (std::fabs(lower[i]) + most);
    }
    return farthest;
  }

  double inertia() const {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum += weights[i] * squared_distance(rows + i * dim, centres + labels[i] * dim, dim);
    return sum;
  }

  const double *rows, *weights;
  int64_t n, dim, k;
  double* centres;
  int64_t* labels;
  std::vector<double> upper, lower, distances, moved, sums, totals;
};

// lloyd.py has checked shapes, types and that all numbers are finite.
py::tuple lloyd(const Doubles& rows, const Doubles& weights, const Doubles& start, int64_t rounds, double tolerance) {
  const int64_t n = rows.shape(0), dim = rows.shape(1), k = start.shape(0);
  Doubles centres({k, dim});
  Integers labels(n);
  std::copy_n(start.data(), k * dim, centres.mutable_data());
  std::fill_n(labels.mutable_data(), n, int64_t{-1});
  double inertia = 0;
  {
    double* to = centres.mutable_data();
    int64_t* label = labels.mutable_data();
    const py::gil_scoped_release release;
    KMeans kmeans(rows.data(), weights.data(), n, dim, k, to, label);
    for (int64_t round = 0; kmeans.assign() && round < rounds; ++round) {
      kmeans.fill_empty();
      if (kmeans.move() <= tolerance) {
        kmeans.assign();
        break;
      }
    }
    inertia = kmeans.inertia();
  }
  return py::make_tuple(labels, centres, inertia);
}

// The points that k-means++ starts from; draws (cluster - 1, trial) are uniform in [0, 1).
Integers spread(const Doubles& rows, const Doubles& weights, int64_t first, const Doubles& draws) {
  const int64_t n = rows.shape(0), dim = rows.shape(1), width = padded(n), trials = draws.shape(1);
  Integers chosen(draws.shape(0) + 1);
  int64_t* choice = chosen.mutable_data();
  const double *points = rows.data(), *weight = weights.data(), *draw = draws.data();
  const int64_t steps = draws.shape(0);
  const py::gil_scoped_release release;
  const std::vector<double> columns = transposed(points, n, dim);
  std::vector<double> nearest(width), candidate(width), best(width), ascending(n);
  choice[0] = first;
  squared_distances(points + first * dim, columns.data(), width, dim, nearest.data());
  for (int64_t step = 0; step < steps; ++step) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) ascending[i] = sum += weight[i] * nearest[i];
    double least = kFar;
    for (int64_t trial = 0; trial < trials; ++trial) {
      const double* at = std::upper_bound(ascending.data(), ascending.data() + n, draw[step * trials + trial] * sum);
      const int64_t point = std::min<int64_t>(at - ascending.data(), n - 1);
      squared_distances(points + point * dim, columns.data(), width, dim, candidate.data());
      double potential = 0;
      for (int64_t i = 0; i < n; ++i) {
        candidate[i] = std::min(candidate[i], nearest[i]);
        potential += weight[i] * candidate[i];
      }
      if (potential < least) {
        least = potential;
        choice[step + 1] = point;
        best.swap(candidate);
      }
    }
    nearest.swap(best);
  }
  return chosen;
}

// The matrix is one of scipy, whose indices fit; order holds the points by falling priority.
py::tuple aggregate(const Indices& offsets, const Indices& columns, const Doubles& values, const Doubles& scale,
                    const Integers& order) {
  const int64_t n = order.size();
  const int32_t *begin = offsets.data(), *column = columns.data();
  const double *value = values.data(), *scaling = scale.data();
  const int64_t* by_priority = order.data();
  Integers aggregates(n);
  int64_t* aggregate_of = aggregates.mutable_data();
  int64_t count = 0;
  {
    const py::gil_scoped_release release;
    std::vector<char> root(n, 0), near(n, 0);  // near: a root, or beside one
    for (int64_t place = 0; place < n; ++place) {
      const int64_t i = by_priority[place];
      bool free = !near[i];
      for (int32_t e = begin[i]; free && e < begin[i + 1]; ++e) free = !near[column[e]];
      if (!free) continue;
      root[i] = near[i] = 1;
      for (int32_t e = begin[i]; e < begin[i + 1]; ++e) near[column[e]] = 1;
    }
    std::vector<int64_t> left, joined;
    for (int64_t i = 0; i < n; ++i) {
      aggregate_of[i] = root[i] ? count++ : -1;
      if (!root[i]) left.push_back(i);
    }
    while (!left.empty()) {  // each round sees the aggregates of the one before
      joined.assign(left.size(), -1);
      for (std::size_t place = 0; place < left.size(); ++place) {
        const int64_t i = left[place];
        double strongest = -1;
        for (int32_t e = begin[i]; e < begin[i + 1]; ++e) {
          if (aggregate_of[column[e]] < 0) continue;
          const double strength = std::fabs(value[e]) * scaling[i] * scaling[column[e]];
          if (strength > strongest) {
            strongest = strength;
            joined[place] = aggregate_of[column[e]];
          }
        }
      }
      std::size_t waiting = 0;
      for (std::size_t place = 0; place < left.size(); ++place) {
        aggregate_of[left[place]] = joined[place];
        if (joined[place] < 0) left[waiting++] = left[place];
      }
      if (waiting == left.size()) {  // alone: nobody is near who has an aggregate
        for (const int64_t i : left) aggregate_of[i] = count++;
        break;
      }
      left.resize(waiting);
    }
  }
  return py::make_tuple(aggregates, count);
}

// The rows that one of several processes holds: before is how many columns come before those of its own points.
Indices largest_around(const Indices& offsets, const Indices& columns, const Indices& beside, int64_t before) {
  const int64_t n = offsets.size() - 1;
  const int32_t *begin = offsets.data(), *column = columns.data(), *value = beside.data();
  Indices largest(n);
  int32_t* result = largest.mutable_data();
  const py::gil_scoped_release release;
  for (int64_t i = 0; i < n; ++i) {
    int32_t most = value[before + i];
    for (int32_t e = begin[i]; e < begin[i + 1]; ++e) most = std::max(most, value[column[e]]);
    result[i] = most;
  }
  return largest;
}

// The aggregate of each point here after a round, -1: none. The scale and the aggregates are of all columns.
Integers joined(const Indices& offsets, const Indices& columns, const Doubles& values, const Doubles& scale,
                const Integers& aggregates, int64_t before) {
  const int64_t n = offsets.size() - 1;
  const int32_t *begin = offsets.data(), *column = columns.data();
  const double *value = values.data(), *scaling = scale.data();
  const int64_t* aggregate_of = aggregates.data();
  Integers found(n);
  int64_t* result = found.mutable_data();
  const py::gil_scoped_release release;
  for (int64_t i = 0; i < n; ++i) {
    result[i] = aggregate_of[before + i];
    if (result[i] >= 0) continue;
    double strongest = -1;
    for (int32_t e = begin[i]; e < begin[i + 1]; ++e) {
      if (aggregate_of[column[e]] < 0) continue;
      const double strength = std::fabs(value[e]) * scaling[before + i] * scaling[column[e]];
      if (strength > strongest) {
        strongest = strength;
        result[i] = aggregate_of[column[e]];
      }
    }
  }
  return found;
}

}  // namespace

PYBIND11_MODULE(_kernels, module) {
  module.doc() = "Loops of spectral clustering; call them through the functions of suite_spectral, which check.";
  module.def("lloyd", &lloyd, py::arg("rows").noconvert(), py::arg("weights").noconvert(),
             py::arg("start").noconvert(), py::arg("rounds"), py::arg("tolerance"));
  module.def("spread", &spread, py::arg("rows").noconvert(), py::arg("weights").noconvert(), py::arg("first"),
             py::arg("draws").noconvert());
  module.def("aggregate", &aggregate, py::arg("offsets").noconvert(), py::arg("columns").noconvert(),
             py::arg("values").noconvert(), py::arg("scale").noconvert(), py::arg("order").noconvert());
  module.def("largest_around", &largest_around, py::arg("offsets").noconvert(), py::arg("columns").noconvert(),
             py::arg("beside").noconvert(), py::arg("before"));
  module.def("joined", &joined, py::arg("offsets").noconvert(), py::arg("columns").noconvert(),
             py::arg("values").noconvert(), py::arg("scale").noconvert(), py::arg("aggregates").noconvert(),
             py::arg("before"));
}
