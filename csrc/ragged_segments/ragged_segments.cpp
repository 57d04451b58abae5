// The bindings of segment_sum, segment_max, segment_softmax and weighted_sum: schemas, checks, outputs, and the kernel
// of the device.

#include "ragged_segments.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "binding.h"

namespace lightning_suite::ragged_segments {
namespace {

constexpr int64_t kGrain = 1 << 15;  // numbers that are worth another thread

// The offsets of values (value, ...), which every op has; on the CPU each of them is checked: nothing else keeps a
// kernel within memory.
struct Given {
  const char* op;
  Tensor first;  // the op's first argument
  Tensor offsets;
  Sizes sizes;

  Given(const char* op, const Tensor& first, const Tensor& given_offsets, int64_t values, int64_t heads, int64_t dim)
      : op(op), first(first), offsets(torch::stable::contiguous(given_offsets)) {
    check(offsets.dim() == 1 && offsets.size(0) > 0, op, ": offsets must be of shape (sequence + 1,)");
    check_like(op, "offsets", offsets, {offsets.size(0)}, ScalarType::Long, first);
    sizes = {values, offsets.size(0) - 1, heads, dim};
    check(values >= 0, op, ": the number of values must not be negative, got ", values);
    check(sizes.sequences > 0 || values == 0, op, ": there are values, but offsets of no sequence");
    if (first.is_cpu()) check_offsets(op, at(), sizes.sequences, values);
  }
  const int64_t* at() const { return numbers_of<int64_t>(offsets); }

  void require(const char* argument, const Tensor& tensor, const std::vector<int64_t>& shape) const {
    check_like(op, argument, tensor, shape, first.scalar_type(), first);
  }
};

// Runs a kernel: on a CPU the sequences are divided so that every thread has as many values, a sequence counting as one
// more, which tells empty ones apart.
template <typename Arrays>
void run(const Given& given, const Arrays& arrays) {
#ifdef WITH_CUDA
  if (!given.first.is_cpu()) {
    const int status = on_gpu(arrays, CurrentStream(given.first).get());
    return check(status == 0, given.op, ": CUDA error ", status);
  }
#endif
  const Sizes& sizes = given.sizes;
  const int64_t* offsets = given.at();
  const auto sequence_at = [&](int64_t work) {  // the first whose work begins there or later
    int64_t begin = 0, end = sizes.sequences;
    while (begin < end) {
      const int64_t middle = begin + (end - begin) / 2;
      offsets[middle] + middle < work ? begin = middle + 1 : end = middle;
    }
    return begin;
  };
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, sizes.heads * sizes.dim));
  torch::stable::parallel_for(0, sizes.values + sizes.sequences, grain, [&](int64_t begin, int64_t end) {
    on_cpu(arrays, sequence_at(begin), sequence_at(end));
  });
}

void check_axes(const char* op, const char* argument, const Tensor& tensor, int64_t axes) {
  check(tensor.dim() == axes, op, ": ", argument, " must have ", axes, " axes, got ", tensor.dim());
}

template <typename Number>
Number* written_to(const Tensor& tensor) {
  return static_cast<Number*>(tensor.mutable_data_ptr());
}

Tensor segment_sum(const Tensor& given_values, const Tensor& offsets) {
  const Tensor values = torch::stable::contiguous(given_values);
  check_axes("segment_sum", "values", values, 2);
  const Given given("segment_sum", values, offsets, values.size(0), 1, values.size(1));
  const Tensor sums = torch::stable::new_empty(values, {given.sizes.sequences, values.size(1)});
  with_number(given.op, values.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, Sum<Number>{given.sizes, given.at(), numbers_of<Number>(values), nullptr, written_to<Number>(sums)});
  });
  return sums;
}

Tensor segment_sum_backward(const Tensor& given_grad, const Tensor& offsets, int64_t values) {
  const Tensor grad = torch::stable::contiguous(given_grad);
  check_axes("segment_sum_backward", "grad_sums", grad, 2);
  const Given given("segment_sum_backward", grad, offsets, values, 1, grad.size(1));
  given.require("grad_sums", grad, {given.sizes.sequences, grad.size(1)});
  const Tensor grad_values = torch::stable::new_empty(grad, {values, grad.size(1)});
  with_number(given.op, grad.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, SumBackward<Number>{given.sizes, given.at(), numbers_of<Number>(grad), nullptr, nullptr,
                                   written_to<Number>(grad_values), nullptr});
  });
  return grad_values;
}

Tensor weighted_sum(const Tensor& given_values, const Tensor& given_weights, const Tensor& offsets) {
  const Tensor values = torch::stable::contiguous(given_values), weights = torch::stable::contiguous(given_weights);
  check_axes("weighted_sum", "values", values, 3);
  const Given given("weighted_sum", values, offsets, values.size(0), values.size(1), values.size(2));
  given.require("weights", weights, {values.size(0), values.size(1)});
  const Tensor sums = torch::stable::new_empty(values, {given.sizes.sequences, values.size(1), values.size(2)});
  with_number(given.op, values.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, Sum<Number>{given.sizes, given.at(), numbers_of<Number>(values), numbers_of<Number>(weights),
                           written_to<Number>(sums)});
  });
  return sums;
}

std::tuple<Tensor, Tensor> weighted_sum_backward(const Tensor& given_grad, const Tensor& given_values,
                                                 const Tensor& given_weights, const Tensor& offsets,
                                                 bool for_values, bool for_weights) {
  const Tensor values = torch::stable::contiguous(given_values), weights = torch::stable::contiguous(given_weights);
  const Tensor grad = torch::stable::contiguous(given_grad);
  check_axes("weighted_sum_backward", "values", values, 3);
  const Given given("weighted_sum_backward", values, offsets, values.size(0), values.size(1), values.size(2));
  given.require("weights", weights, {values.size(0), values.size(1)});
  given.require("grad_sums", grad, {given.sizes.sequences, values.size(1), values.size(2)});
  const int64_t heads = values.size(1);
  const Tensor grad_values = torch::stable::new_empty(values, {for_values ? values.size(0) : 0, heads, values.size(2)});
  const Tensor grad_weights = torch::stable::new_empty(weights, {for_weights ? weights.size(0) : 0, heads});
  with_number(given.op, values.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, SumBackward<Number>{given.sizes, given.at(), numbers_of<Number>(grad), numbers_of<Number>(values),
                                   numbers_of<Number>(weights), for_values ? written_to<Number>(grad_values) : nullptr,
                                   for_weights ? written_to<Number>(grad_weights) : nullptr});
  });
  return {grad_values, grad_weights};
}

std::tuple<Tensor, Tensor> segment_max(const Tensor& given_values, const Tensor& offsets, bool with_places) {
  const Tensor values = torch::stable::contiguous(given_values);
  check_axes("segment_max", "values", values, 2);
  check(values.size(0) <= kMostRows, "segment_max: at most ", kMostRows, " values, got ", values.size(0));
  const Given given("segment_max", values, offsets, values.size(0), 1, values.size(1));
  const std::vector<int64_t> shape = {given.sizes.sequences, values.size(1)};
  const Tensor greatest = torch::stable::new_empty(values, shape);
  const Tensor places = torch::stable::new_empty(values, {with_places ? shape[0] : 0, shape[1]}, ScalarType::Int);
  with_number(given.op, values.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, Max<Number>{given.sizes, given.at(), numbers_of<Number>(values), written_to<Number>(greatest),
                           with_places ? written_to<int32_t>(places) : nullptr});
  });
  return {greatest, places};
}

Tensor segment_max_backward(const Tensor& given_grad, const Tensor& given_places, const Tensor& offsets,
                            int64_t values) {
  const Tensor grad = torch::stable::contiguous(given_grad), places = torch::stable::contiguous(given_places);
  check_axes("segment_max_backward", "grad_greatest", grad, 2);
  const Given given("segment_max_backward", grad, offsets, values, 1, grad.size(1));
  given.require("grad_greatest", grad, {given.sizes.sequences, grad.size(1)});
  check_like(given.op, "places", places, {given.sizes.sequences, grad.size(1)}, ScalarType::Int, grad);
  const Tensor grad_values = torch::stable::new_empty(grad, {values, grad.size(1)});
  with_number(given.op, grad.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, MaxBackward<Number>{given.sizes, given.at(), numbers_of<int32_t>(places), numbers_of<Number>(grad),
                                   written_to<Number>(grad_values)});
  });
  return grad_values;
}

Tensor segment_softmax(const Tensor& given_scores, const Tensor& offsets) {
  const Tensor scores = torch::stable::contiguous(given_scores);
  check_axes("segment_softmax", "scores", scores, 2);
  const Given given("segment_softmax", scores, offsets, scores.size(0), scores.size(1), 1);
  const Tensor shares = torch::stable::empty_like(scores);
  with_number(given.op, scores.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, Softmax<Number>{given.sizes, given.at(), numbers_of<Number>(scores), written_to<Number>(shares)});
  });
  return shares;
}

Tensor segment_softmax_backward(const Tensor& given_grad, const Tensor& given_shares, const Tensor& offsets) {
  const Tensor grad = torch::stable::contiguous(given_grad), shares = torch::stable::contiguous(given_shares);
  check_axes("segment_softmax_backward", "shares", shares, 2);
  const Given given("segment_softmax_backward", shares, offsets, shares.size(0), shares.size(1), 1);
  given.require("grad_shares", grad, {shares.size(0), shares.size(1)});
  const Tensor grad_scores = torch::stable::empty_like(shares);
  with_number(given.op, shares.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    run(given, SoftmaxBackward<Number>{given.sizes, given.at(), numbers_of<Number>(shares), numbers_of<Number>(grad),
                                       written_to<Number>(grad_scores)});
  });
  return grad_scores;
}

template <typename Library>
void implement(Library& library) {
  library.impl("segment_sum", TORCH_BOX(&segment_sum));
  library.impl("segment_sum_backward", TORCH_BOX(&segment_sum_backward));
  library.impl("weighted_sum", TORCH_BOX(&weighted_sum));
  library.impl("weighted_sum_backward", TORCH_BOX(&weighted_sum_backward));
  library.impl("segment_max", TORCH_BOX(&segment_max));
  library.impl("segment_max_backward", TORCH_BOX(&segment_max_backward));
  library.impl("segment_softmax", TORCH_BOX(&segment_softmax));
  library.impl("segment_softmax_backward", TORCH_BOX(&segment_softmax_backward));
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def("segment_sum(Tensor values, Tensor offsets) -> Tensor");
  library.def("segment_sum_backward(Tensor grad_sums, Tensor offsets, SymInt values) -> Tensor");
  library.def("weighted_sum(Tensor values, Tensor weights, Tensor offsets) -> Tensor");
  library.def(
      "weighted_sum_backward(Tensor grad_sums, Tensor values, Tensor weights, Tensor offsets, bool for_values=True, "
      "bool for_weights=True) -> (Tensor, Tensor)");
  library.def("segment_max(Tensor values, Tensor offsets, bool with_places) -> (Tensor greatest, Tensor places)");
  library.def(
      "segment_max_backward(Tensor grad_greatest, Tensor places, Tensor offsets, SymInt values) -> Tensor");
  library.def("segment_softmax(Tensor scores, Tensor offsets) -> Tensor");
  library.def("segment_softmax_backward(Tensor grad_shares, Tensor shares, Tensor offsets) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CPU, library) { implement(library); }

#ifdef WITH_CUDA
STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CUDA, library) { implement(library); }
#endif

}  // namespace lightning_suite::ragged_segments
