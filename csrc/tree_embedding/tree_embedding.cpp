// The binding of tree_embedding: schemas, checks, outputs, and the kernel of the device.

#include "tree_embedding.h"

#include <tuple>

#include "binding.h"

namespace lightning_suite::tree_embedding {
namespace {

constexpr char kForward[] = "tree_embedding";
constexpr char kBackward[] = "tree_embedding_backward";

// float32 and float64 alone.
template <typename Kernel>
void with_float(const char* op, ScalarType dtype, Kernel kernel) {
  if (dtype == ScalarType::Float) return kernel(float{});
  if (dtype == ScalarType::Double) return kernel(double{});
  check(false, op, ": u must be float32 or float64, got ", torch::headeronly::toString(dtype));
}

// Every node of a tree is a leaf, or has two children that are earlier nodes of the same tree and of nobody else.
void check_children(const char* op, const Forest& forest) {
  std::vector<bool> taken(forest.nodes);
  for (int64_t tree = 0; tree < forest.trees; ++tree) {
    for (int64_t node = forest.offsets[tree]; node < forest.offsets[tree + 1]; ++node) {
      const int64_t left = forest.children[2 * node], right = forest.children[2 * node + 1];
      if (left == -1 && right == -1) continue;
      for (const int64_t child : {left, right}) {
        check(child >= forest.offsets[tree] && child < node, op, ": node ", node, ", whose tree begins at ",
              forest.offsets[tree], ", must have earlier nodes of its tree as children, or -1 and -1, got ", left,
              " and ", right);
        check(!taken[child], op, ": node ", child, " must be the child of one node, and is so of ", node, " again");
        taken[child] = true;
      }
    }
  }
}

Forest checked_forest(const char* op, const Tensor& u, const Tensor& children, const Tensor& offsets) {
  check(u.dim() == 2 && u.size(1) > 0, op, ": u must be of shape (node, hidden) with at least one hidden");
  check(offsets.dim() == 1 && offsets.size(0) > 0, op, ": offsets must be of shape (tree + 1,)");
  check_like(op, "children", children, {u.size(0), 2}, ScalarType::Long, u);
  check_like(op, "offsets", offsets, {offsets.size(0)}, ScalarType::Long, u);
  const Forest forest = {u.size(0), offsets.size(0) - 1, u.size(1), numbers_of<int64_t>(children),
                         numbers_of<int64_t>(offsets)};
  check(forest.trees > 0 || forest.nodes == 0, op, ": there are ", forest.nodes, " nodes, but offsets of no tree");
  if (u.is_cpu()) {
    check_offsets(op, forest.offsets, forest.trees, forest.nodes);
    check_children(op, forest);
  }
  return forest;
}

Tensor forward(const Tensor& given_u, const Tensor& given_children, const Tensor& given_offsets,
               const Tensor& given_weight, const Tensor& given_bias) {
  const Tensor u = torch::stable::contiguous(given_u), children = torch::stable::contiguous(given_children);
  const Tensor offsets = torch::stable::contiguous(given_offsets), weight = torch::stable::contiguous(given_weight);
  const Tensor bias = torch::stable::contiguous(given_bias);
  const Forest forest = checked_forest(kForward, u, children, offsets);
  check_like(kForward, "weight", weight, {forest.hidden, 3 * forest.hidden}, u.scalar_type(), u);
  check_like(kForward, "bias", bias, {forest.hidden}, u.scalar_type(), u);
  const Tensor h = torch::stable::empty_like(u);
  with_float(kForward, u.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    const Forward<Number> arrays = {forest, numbers_of<Number>(u), numbers_of<Number>(weight),
                                    numbers_of<Number>(bias), static_cast<Number*>(h.mutable_data_ptr())};
#ifdef WITH_CUDA
    if (!u.is_cpu()) {
      const int status = forward_cuda(arrays, CurrentStream(u).get());
      return check(status == 0, kForward, ": CUDA error ", status);
    }
#endif
    torch::stable::parallel_for(0, parts(forest), 1,
                                [&](int64_t begin, int64_t end) { forward_cpu(arrays, begin, end); });
  });
  return h;
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& given_grad_h, const Tensor& given_u,
                                            const Tensor& given_children, const Tensor& given_offsets,
                                            const Tensor& given_weight, const Tensor& given_h) {
  const Tensor grad_h = torch::stable::contiguous(given_grad_h), u = torch::stable::contiguous(given_u);
  const Tensor children = torch::stable::contiguous(given_children);
  const Tensor offsets = torch::stable::contiguous(given_offsets), weight = torch::stable::contiguous(given_weight);
  const Tensor h = torch::stable::contiguous(given_h);
  const Forest forest = checked_forest(kBackward, u, children, offsets);
  const int64_t hidden = forest.hidden;
  check_like(kBackward, "weight", weight, {hidden, 3 * hidden}, u.scalar_type(), u);
  check_like(kBackward, "h", h, {forest.nodes, hidden}, u.scalar_type(), u);
  check_like(kBackward, "grad_h", grad_h, {forest.nodes, hidden}, u.scalar_type(), u);
  const Tensor grad_u = torch::stable::empty_like(u);
  const Tensor grad_weight = torch::stable::new_empty(u, {parts(forest), hidden, 3 * hidden});
  const Tensor grad_bias = torch::stable::new_empty(u, {parts(forest), hidden});
  with_float(kBackward, u.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    Backward<Number> arrays = {
        forest,
        numbers_of<Number>(u),
        numbers_of<Number>(weight),
        numbers_of<Number>(h),
        numbers_of<Number>(grad_h),
        static_cast<Number*>(grad_u.mutable_data_ptr()),
        static_cast<Number*>(grad_weight.mutable_data_ptr()),
        static_cast<Number*>(grad_bias.mutable_data_ptr()),
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
  const std::vector<int64_t> part = {0};
  return {grad_u, torch::stable::sum(grad_weight, part), torch::stable::sum(grad_bias, part)};
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def("tree_embedding(Tensor u, Tensor children, Tensor offsets, Tensor weight, Tensor bias) -> Tensor h");
  library.def(
      "tree_embedding_backward(Tensor grad_h, Tensor u, Tensor children, Tensor offsets, Tensor weight, Tensor h) -> "
      "(Tensor grad_u, Tensor grad_weight, Tensor grad_bias)");
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
