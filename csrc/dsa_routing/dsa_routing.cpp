// The binding of dsa_routing: schemas, checks, outputs, and the kernel of the device.

#include "dsa_routing.h"

#include <algorithm>
#include <tuple>

#include "binding.h"

namespace lightning_suite::dsa_routing {
namespace {

constexpr char kForward[] = "dsa_routing";
constexpr char kBackward[] = "dsa_routing_backward";
constexpr int64_t kGrain = 1 << 15;  // numbers of x that are worth another thread

// Checks x and offsets, where they lie on the CPU by every value: nothing else keeps a kernel within memory.
Sizes checked_sizes(const char* op, const Tensor& x, const Tensor& offsets, int64_t iterations,
                    double negative_slope) {
  check(x.dim() == 3, op, ": x must be of shape (word, head, head_dim), got ", x.dim(), " axes");
  check(offsets.dim() == 1 && offsets.size(0) > 0, op, ": offsets must be of shape (sentence + 1,)");
  check_like(op, "offsets", offsets, {offsets.size(0)}, ScalarType::Long, x);
  check(iterations >= 1, op, ": iterations must be at least 1, got ", iterations);
  check(negative_slope >= 0 && negative_slope <= 1, op, ": negative_slope must be in [0, 1], got ", negative_slope);
  check(x.is_cpu() || negative_slope == 1, op, ": negative_slope must be 1 except on a CPU, got ", negative_slope);
  const Sizes sizes = {x.size(0), offsets.size(0) - 1, x.size(1), x.size(2), iterations, negative_slope};
  check(sizes.head_dim > 0, op, ": x must have a head_dim of at least 1");
  check(sizes.sentences > 0 || sizes.words == 0, op, ": there are ", sizes.words, " words, but offsets of no sentence");
  if (x.is_cpu()) check_offsets(op, numbers_of<int64_t>(offsets), sizes.sentences, sizes.words);
  return sizes;
}

template <typename Kernel>
void in_parallel(const Sizes& sizes, Kernel kernel) {
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, sizes.head_dim));
  torch::stable::parallel_for(0, work(sizes), grain, kernel);
}

std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& given_x, const Tensor& given_offsets, int64_t iterations,
                                           double negative_slope) {
  const Tensor x = torch::stable::contiguous(given_x), offsets = torch::stable::contiguous(given_offsets);
  const Sizes sizes = checked_sizes(kForward, x, offsets, iterations, negative_slope);
  const ScalarType dtype = x.scalar_type();
  const Tensor z = torch::stable::new_empty(x, {sizes.sentences, sizes.heads, sizes.head_dim});
  const Tensor weights = torch::stable::new_empty(x, {iterations - 1, sizes.words, sizes.heads}, precise(dtype));
  const Tensor vectors =
      torch::stable::new_empty(x, {iterations - 1, sizes.sentences, sizes.heads, sizes.head_dim}, precise(dtype));
  with_number(kForward, dtype, [&](auto number) {
    using Number = decltype(number);
    const Forward<Number> arrays = {
        sizes,
        numbers_of<Number>(x),
        numbers_of<int64_t>(offsets),
        static_cast<Number*>(z.mutable_data_ptr()),
        static_cast<Precise<Number>*>(weights.mutable_data_ptr()),
        static_cast<Precise<Number>*>(vectors.mutable_data_ptr()),
    };
#ifdef WITH_CUDA
    if (!x.is_cpu()) {
      const int status = forward_cuda(arrays, CurrentStream(x).get());
      return check(status == 0, kForward, ": CUDA error ", status);
    }
#endif
    in_parallel(sizes, [&](int64_t begin, int64_t end) { forward_cpu(arrays, begin, end); });
  });
  return {z, weights, vectors};
}

Tensor backward(const std::optional<Tensor>& given_grad_z, const std::optional<Tensor>& given_grad_weights,
                const std::optional<Tensor>& given_grad_vectors, const Tensor& given_x, const Tensor& given_offsets,
                const Tensor& given_z, const Tensor& given_weights, const Tensor& given_vectors,
                double negative_slope) {
  const auto dense = [](const std::optional<Tensor>& tensor) {
    return tensor ? std::optional<Tensor>(torch::stable::contiguous(*tensor)) : std::nullopt;
  };
  const auto grad_z = dense(given_grad_z), grad_weights = dense(given_grad_weights);
  const auto grad_vectors = dense(given_grad_vectors);
  const Tensor x = torch::stable::contiguous(given_x), offsets = torch::stable::contiguous(given_offsets);
  const Tensor z = torch::stable::contiguous(given_z), weights = torch::stable::contiguous(given_weights);
  const Tensor vectors = torch::stable::contiguous(given_vectors);
  const int64_t iterations = weights.dim() > 0 ? weights.size(0) + 1 : 0;
  const Sizes sizes = checked_sizes(kBackward, x, offsets, iterations, negative_slope);
  const ScalarType dtype = x.scalar_type(), wide = precise(dtype);
  const std::vector<int64_t> z_shape = {sizes.sentences, sizes.heads, sizes.head_dim};
  const std::vector<int64_t> weights_shape = {sizes.iterations - 1, sizes.words, sizes.heads};
  const std::vector<int64_t> vectors_shape = {sizes.iterations - 1, sizes.sentences, sizes.heads, sizes.head_dim};
  check_like(kBackward, "z", z, z_shape, dtype, x);
  check_like(kBackward, "weights", weights, weights_shape, wide, x);
  check_like(kBackward, "vectors", vectors, vectors_shape, wide, x);
  if (grad_z) check_like(kBackward, "grad_z", *grad_z, z_shape, dtype, x);
  if (grad_weights) check_like(kBackward, "grad_weights", *grad_weights, weights_shape, wide, x);
  if (grad_vectors) check_like(kBackward, "grad_vectors", *grad_vectors, vectors_shape, wide, x);
  const Tensor grad_x = torch::stable::empty_like(x);
  with_number(kBackward, dtype, [&](auto number) {
    using Number = decltype(number);
    using Wide = Precise<Number>;
    Backward<Number> arrays = {
        sizes,
        numbers_of<Number>(x),
        numbers_of<int64_t>(offsets),
        numbers_of<Number>(z),
        numbers_of<Wide>(weights),
        numbers_of<Wide>(vectors),
        numbers_of<Number>(grad_z),
        numbers_of<Wide>(grad_weights),
        numbers_of<Wide>(grad_vectors),
        static_cast<Number*>(grad_x.mutable_data_ptr()),
    };
#ifdef WITH_CUDA
    if (!x.is_cpu()) {
      const Tensor scratch = torch::stable::new_empty(x, {backward_cuda_scratch(sizes)}, wide);
      arrays.scratch = static_cast<Wide*>(scratch.mutable_data_ptr());
      const int status = backward_cuda(arrays, CurrentStream(x).get());
      return check(status == 0, kBackward, ": CUDA error ", status);
    }
#endif
    in_parallel(sizes, [&](int64_t begin, int64_t end) { backward_cpu(arrays, begin, end); });
  });
  return grad_x;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def(
      "dsa_routing(Tensor x, Tensor offsets, int iterations, float negative_slope=1.0) -> (Tensor z, Tensor weights, "
      "Tensor vectors)");
  library.def(
      "dsa_routing_backward(Tensor? grad_z, Tensor? grad_weights, Tensor? grad_vectors, Tensor x, Tensor offsets, "
      "Tensor z, Tensor weights, Tensor vectors, float negative_slope=1.0) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CPU, library) {
  library.impl("dsa_routing", TORCH_BOX(&forward));
  library.impl("dsa_routing_backward", TORCH_BOX(&backward));
}

#ifdef WITH_CUDA
STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CUDA, library) {
  library.impl("dsa_routing", TORCH_BOX(&forward));
  library.impl("dsa_routing_backward", TORCH_BOX(&backward));
}
#endif

}  // namespace lightning_suite::dsa_routing
