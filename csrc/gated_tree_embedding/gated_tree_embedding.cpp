// The binding of gated_tree_embedding: schemas, checks, outputs, and the kernel of the device.

#include "gated_tree_embedding.h"

#include <tuple>

#include "forest_binding.h"

namespace lightning_suite::gated_tree_embedding {
namespace {

constexpr char kForward[] = "gated_tree_embedding";
constexpr char kBackward[] = "gated_tree_embedding_backward";

std::tuple<Tensor, Tensor> forward(const Tensor& given_u, const Tensor& given_children, const Tensor& given_offsets,
                                   const Tensor& given_w_r, const Tensor& given_b_r, const Tensor& given_w_h,
                                   const Tensor& given_b_h, const Tensor& given_w_z, const Tensor& given_b_z,
                                   bool keep) {
  const Tensor u = torch::stable::contiguous(given_u), children = torch::stable::contiguous(given_children);
  const Tensor offsets = torch::stable::contiguous(given_offsets);
  const Tensor w_r = torch::stable::contiguous(given_w_r), b_r = torch::stable::contiguous(given_b_r);
  const Tensor w_h = torch::stable::contiguous(given_w_h), b_h = torch::stable::contiguous(given_b_h);
  const Tensor w_z = torch::stable::contiguous(given_w_z), b_z = torch::stable::contiguous(given_b_z);
  const Forest forest = checked_forest(kForward, u, children, offsets);
  const int64_t hidden = forest.hidden;
  check_like(kForward, "w_r", w_r, {3 * hidden, 3 * hidden}, u.scalar_type(), u);
  check_like(kForward, "b_r", b_r, {3 * hidden}, u.scalar_type(), u);
  check_like(kForward, "w_h", w_h, {hidden, 3 * hidden}, u.scalar_type(), u);
  check_like(kForward, "b_h", b_h, {hidden}, u.scalar_type(), u);
  check_like(kForward, "w_z", w_z, {4 * hidden, 4 * hidden}, u.scalar_type(), u);
  check_like(kForward, "b_z", b_z, {4 * hidden}, u.scalar_type(), u);
  const Tensor h = torch::stable::empty_like(u);
  const Tensor kept = torch::stable::new_empty(u, {keep ? forest.nodes : 0, 8 * hidden});
  with_float(kForward, u.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    Forward<Number> arrays = {
        forest,
        numbers_of<Number>(u),
        {numbers_of<Number>(w_r), numbers_of<Number>(b_r), numbers_of<Number>(w_h), numbers_of<Number>(b_h),
         numbers_of<Number>(w_z), numbers_of<Number>(b_z)},
        static_cast<Number*>(h.mutable_data_ptr()),
        keep ? static_cast<Number*>(kept.mutable_data_ptr()) : nullptr,
    };
#ifdef WITH_CUDA
    if (!u.is_cpu()) {
      const Tensor space = keep ? kept : torch::stable::new_empty(u, {forest.nodes, 8 * hidden});
      const Tensor scratch = torch::stable::new_empty(u, {forward_cuda_scratch(forest)});
      arrays.kept = static_cast<Number*>(space.mutable_data_ptr());
      arrays.scratch = static_cast<Number*>(scratch.mutable_data_ptr());
      const int status = forward_cuda(arrays, CurrentStream(u).get());
      return check(status == 0, kForward, ": CUDA error ", status);
    }
#endif
    torch::stable::parallel_for(0, parts(forest), 1,
                                [&](int64_t begin, int64_t end) { forward_cpu(arrays, begin, end); });
  });
  return {h, kept};
}

std::tuple<Tensor, Tensor> backward(const Tensor& given_grad_h, const Tensor& given_u, const Tensor& given_children,
                                    const Tensor& given_offsets, const Tensor& given_w_r, const Tensor& given_w_h,
                                    const Tensor& given_w_z, const Tensor& given_h, const Tensor& given_kept) {
  const Tensor grad_h = torch::stable::contiguous(given_grad_h), u = torch::stable::contiguous(given_u);
  const Tensor children = torch::stable::contiguous(given_children);
  const Tensor offsets = torch::stable::contiguous(given_offsets), w_r = torch::stable::contiguous(given_w_r);
  const Tensor w_h = torch::stable::contiguous(given_w_h), w_z = torch::stable::contiguous(given_w_z);
  const Tensor h = torch::stable::contiguous(given_h), kept = torch::stable::contiguous(given_kept);
  const Forest forest = checked_forest(kBackward, u, children, offsets);
  const int64_t hidden = forest.hidden;
  check_like(kBackward, "w_r", w_r, {3 * hidden, 3 * hidden}, u.scalar_type(), u);
  check_like(kBackward, "w_h", w_h, {hidden, 3 * hidden}, u.scalar_type(), u);
  check_like(kBackward, "w_z", w_z, {4 * hidden, 4 * hidden}, u.scalar_type(), u);
  check_like(kBackward, "h", h, {forest.nodes, hidden}, u.scalar_type(), u);
  check_like(kBackward, "kept", kept, {forest.nodes, 8 * hidden}, u.scalar_type(), u);
  check_like(kBackward, "grad_h", grad_h, {forest.nodes, hidden}, u.scalar_type(), u);
  const Tensor grad_u = torch::stable::empty_like(u);
  const Tensor grad_weights = torch::stable::new_empty(u, {parts(forest), weight_numbers(hidden)});
  with_float(kBackward, u.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    Backward<Number> arrays = {
        forest,
        numbers_of<Number>(u),
        {numbers_of<Number>(w_r), nullptr, numbers_of<Number>(w_h), nullptr, numbers_of<Number>(w_z), nullptr},
        numbers_of<Number>(h),
        numbers_of<Number>(kept),
        numbers_of<Number>(grad_h),
        static_cast<Number*>(grad_u.mutable_data_ptr()),
        static_cast<Number*>(grad_weights.mutable_data_ptr()),
    };
#ifdef WITH_CUDA
    if (!u.is_cpu()) {
      const Tensor scratch = torch::stable::new_empty(u, {backward_cuda_scratch(forest)});
      arrays.scratch = static_cast<Number*>(scratch.mutable_data_ptr());
      const int status = backward_cuda(arrays, CurrentStream(u).get());
      return check(status == 0, kBackward, ": CUDA error ", status);
    }
#endif
    torch::stable::parallel_for(0, parts(forest), 1,
                                [&](int64_t begin, int64_t end) { backward_cpu(arrays, begin, end); });
  });
  // The parts' sums, added up in their order.
  return {grad_u, torch::stable::sum(grad_weights, std::vector<int64_t>{0})};
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def(
      "gated_tree_embedding(Tensor u, Tensor children, Tensor offsets, Tensor w_r, Tensor b_r, Tensor w_h, Tensor b_h, "
      "Tensor w_z, Tensor b_z, bool keep) -> (Tensor h, Tensor kept)");
  library.def(
      "gated_tree_embedding_backward(Tensor grad_h, Tensor u, Tensor children, Tensor offsets, Tensor w_r, Tensor w_h, "
      "Tensor w_z, Tensor h, Tensor kept) -> (Tensor grad_u, Tensor grad_weights)");
}

STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CPU, library) {
  library.impl("gated_tree_embedding", TORCH_BOX(&forward));
  library.impl("gated_tree_embedding_backward", TORCH_BOX(&backward));
}

#ifdef WITH_CUDA
STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CUDA, library) {
  library.impl("gated_tree_embedding", TORCH_BOX(&forward));
  library.impl("gated_tree_embedding_backward", TORCH_BOX(&backward));
}
#endif

}  // namespace lightning_suite::gated_tree_embedding
