// The binding of tree_embedding: schemas, checks, outputs, and the kernel of the device.

#include "tree_embedding.h"

#include <tuple>

#include "forest_binding.h"

namespace lightning_suite::tree_embedding {
namespace {

constexpr char kForward[] = "tree_embedding";
constexpr char kBackward[] = "tree_embedding_backward";

template <typename Number>
Number* numbers_to(const Tensor& tensor) {
  return static_cast<Number*>(tensor.mutable_data_ptr());
}

Forest checked_inputs(const char* op, const Tensor& x, const Tensor& children, const Tensor& offsets, const Tensor& w_u,
                      const Tensor& b_u, const Tensor& w_h) {
  check(x.dim() == 2, op, ": x must be of shape (node, feature)");
  check(w_u.dim() == 2 && w_u.size(0) > 0, op, ": w_u must be of shape (hidden, feature) with at least one hidden");
  const Forest forest = checked_forest(op, x, w_u.size(0), children, offsets);
  const int64_t hidden = forest.hidden;
  check_like(op, "w_u", w_u, {hidden, x.size(1)}, x.scalar_type(), x);
  check_like(op, "b_u", b_u, {hidden}, x.scalar_type(), x);
  check_like(op, "w_h", w_h, {hidden, 3 * hidden}, x.scalar_type(), x);
  return forest;
}

Tensor forward(const Tensor& given_x, const Tensor& given_children, const Tensor& given_offsets,
               const Tensor& given_w_u, const Tensor& given_b_u, const Tensor& given_w_h, const Tensor& given_b_h) {
  using torch::stable::contiguous;
  const Tensor x = contiguous(given_x), children = contiguous(given_children), offsets = contiguous(given_offsets);
  const Tensor w_u = contiguous(given_w_u), b_u = contiguous(given_b_u);
  const Tensor w_h = contiguous(given_w_h), b_h = contiguous(given_b_h);
  const Forest forest = checked_inputs(kForward, x, children, offsets, w_u, b_u, w_h);
  check_like(kForward, "b_h", b_h, {forest.hidden}, x.scalar_type(), x);
  const Tensor h = torch::stable::new_empty(x, {forest.nodes, forest.hidden});
  with_float(kForward, x.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    Forward<Number> arrays = {
        forest,
        x.size(1),
        numbers_of<Number>(x),
        numbers_of<Number>(w_u),
        numbers_of<Number>(b_u),
        numbers_of<Number>(w_h),
        numbers_of<Number>(b_h),
        numbers_to<Number>(h),
    };
#ifdef WITH_CUDA
    if (!x.is_cpu()) {
      const Tensor scratch = torch::stable::new_empty(x, {forward_cuda_scratch(forest, x.size(1))});
      arrays.scratch = numbers_to<Number>(scratch);
      const int status = forward_cuda(arrays, CurrentStream(x).get());
      return check(status == 0, kForward, ": CUDA error ", status);
    }
#endif
    torch::stable::parallel_for(0, parts(forest), 1,
                                [&](int64_t begin, int64_t end) { forward_cpu(arrays, begin, end); });
  });
  return h;
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> backward(
    const Tensor& given_grad_h, const Tensor& given_x, const Tensor& given_children, const Tensor& given_offsets,
    const Tensor& given_w_u, const Tensor& given_b_u, const Tensor& given_w_h, const Tensor& given_h, bool for_x) {
  using torch::stable::contiguous;
  const Tensor grad_h = contiguous(given_grad_h), x = contiguous(given_x), children = contiguous(given_children);
  const Tensor offsets = contiguous(given_offsets), w_u = contiguous(given_w_u), b_u = contiguous(given_b_u);
  const Tensor w_h = contiguous(given_w_h), h = contiguous(given_h);
  const Forest forest = checked_inputs(kBackward, x, children, offsets, w_u, b_u, w_h);
  const int64_t hidden = forest.hidden, features = x.size(1);
  check_like(kBackward, "h", h, {forest.nodes, hidden}, x.scalar_type(), x);
  check_like(kBackward, "grad_h", grad_h, {forest.nodes, hidden}, x.scalar_type(), x);
  const auto empty = [&](const std::vector<int64_t>& shape) { return torch::stable::new_empty(x, shape); };
  const Tensor grad_x = empty({for_x ? forest.nodes : 0, features});
  const Tensor grad_w_u = empty({parts(forest), hidden, features}), grad_b_u = empty({parts(forest), hidden});
  const Tensor grad_w_h = empty({parts(forest), hidden, 3 * hidden}), grad_b_h = empty({parts(forest), hidden});
  with_float(kBackward, x.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    Backward<Number> arrays = {
        forest,
        features,
        numbers_of<Number>(x),
        numbers_of<Number>(w_u),
        numbers_of<Number>(b_u),
        numbers_of<Number>(w_h),
        numbers_of<Number>(h),
        numbers_of<Number>(grad_h),
        for_x ? numbers_to<Number>(grad_x) : nullptr,
        numbers_to<Number>(grad_w_u),
        numbers_to<Number>(grad_b_u),
        numbers_to<Number>(grad_w_h),
        numbers_to<Number>(grad_b_h),
    };
#ifdef WITH_CUDA
    if (!x.is_cpu()) {
      const Tensor scratch = empty({backward_cuda_scratch(forest, features)});
      arrays.scratch = numbers_to<Number>(scratch);
      const int status = backward_cuda(arrays, CurrentStream(x).get());
      return check(status == 0, kBackward, ": CUDA error ", status);
    }
#endif
    torch::stable::parallel_for(0, parts(forest), 1,
                                [&](int64_t begin, int64_t end) { backward_cpu(arrays, begin, end); });
  });
  // The parts' sums, added up in their order.
  const auto sum = [](const Tensor& of_parts) {
    const std::vector<int64_t> part = {0};
    return torch::stable::sum(of_parts, part);
  };
  return {grad_x, sum(grad_w_u), sum(grad_b_u), sum(grad_w_h), sum(grad_b_h)};
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def(
      "tree_embedding(Tensor x, Tensor children, Tensor offsets, Tensor w_u, Tensor b_u, Tensor w_h, Tensor b_h) -> "
      "Tensor h");
  library.def(
      "tree_embedding_backward(Tensor grad_h, Tensor x, Tensor children, Tensor offsets, Tensor w_u, Tensor b_u, "
      "Tensor w_h, Tensor h, bool for_x) -> "
      "(Tensor grad_x, Tensor grad_w_u, Tensor grad_b_u, Tensor grad_w_h, Tensor grad_b_h)");
}

STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CPU, library) {
  library.impl("tree_embedding", TORCH_BOX(&forward));
  library.impl("tree_embedding_backward", TORCH_BOX(&backward));
}

#ifdef WITH_CUDA
STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CUDA, library) {
  library.impl("tree_embedding", TORCH_BOX(&forward));
  library.impl("tree_embedding_backward", TORCH_BOX(&backward));
}
#endif

}  // namespace lightning_suite::tree_embedding
