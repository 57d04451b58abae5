// The binding of ragged_attention: schemas, checks, outputs, and the kernel of the device.

#include "ragged_attention.h"

#include <algorithm>
#include <tuple>

#include "binding.h"

namespace lightning_suite::ragged_attention {
namespace {

constexpr char kForward[] = "ragged_attention";
constexpr char kBackward[] = "ragged_attention_backward";
constexpr int64_t kGrain = 1 << 16;  // multiplications that are worth another thread

// The tensors that both directions read.
struct Given {
  Tensor query, key, value, query_offsets, offsets;

  Given(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& query_offsets, const Tensor& offsets)
      : query(torch::stable::contiguous(query)),
        key(torch::stable::contiguous(key)),
        value(torch::stable::contiguous(value)),
        query_offsets(torch::stable::contiguous(query_offsets)),
        offsets(torch::stable::contiguous(offsets)) {}

  // Checks all, offsets on the CPU by every value: nothing else keeps a kernel within memory.
  Sizes sizes(const char* op, double scale, bool causal) const {
    const ScalarType dtype = query.scalar_type();
    check(query.dim() == 3 && key.dim() == 3 && value.dim() == 3, op, ": query, key and value must have three axes");
    check(dtype == ScalarType::Float || dtype == ScalarType::Double, op, ": query must be Float or Double, got ",
          torch::headeronly::toString(dtype));
    check(offsets.dim() == 1 && offsets.size(0) > 0, op, ": offsets must be of shape (sequence + 1,)");
    const Sizes sizes = {query.size(0), key.size(0), offsets.size(0) - 1, query.size(1),
                         query.size(2), value.size(2), scale, causal};
    check_like(op, "key", key, {sizes.values, sizes.heads, sizes.dim}, dtype, query);
    check_like(op, "value", value, {sizes.values, sizes.heads, sizes.value_dim}, dtype, query);
    check_like(op, "query_offsets", query_offsets, {sizes.sequences + 1}, ScalarType::Long, query);
    check_like(op, "offsets", offsets, {sizes.sequences + 1}, ScalarType::Long, query);
    check(query.is_cpu() || std::max(sizes.dim, sizes.value_dim) <= kMostDims, op, ": on a GPU dim and value_dim must be ",
          "at most ", kMostDims, ", got ", sizes.dim, " and ", sizes.value_dim);
    if (query.is_cpu()) {
      check_offsets(op, numbers_of<int64_t>(query_offsets), sizes.sequences, sizes.queries);
      check_offsets(op, numbers_of<int64_t>(offsets), sizes.sequences, sizes.values);
    }
    return sizes;
  }

  template <typename Number>
  Inputs<Number> inputs(const Sizes& sizes) const {
    return {sizes,
            numbers_of<Number>(query),
            numbers_of<Number>(key),
            numbers_of<Number>(value),
            numbers_of<int64_t>(query_offsets),
            numbers_of<int64_t>(offsets)};
  }
};

template <typename Some>
void with_float_or_double(ScalarType dtype, Some some) {
  dtype == ScalarType::Float ? some(float{}) : some(double{});
}

template <typename Kernel>
void in_parallel(const Sizes& sizes, Kernel kernel) {
  const int64_t jobs = sizes.sequences * sizes.heads, a_row = std::max<int64_t>(1, sizes.dim + sizes.value_dim);
  const int64_t rows = std::max<int64_t>(1, (sizes.queries + sizes.values) / std::max<int64_t>(1, sizes.sequences));
  torch::stable::parallel_for(0, jobs, std::max<int64_t>(1, kGrain / (a_row * rows)), kernel);
}

std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const Tensor& query_offsets, const Tensor& offsets, double scale, bool causal) {
  const Given given(query, key, value, query_offsets, offsets);
  const Sizes sizes = given.sizes(kForward, scale, causal);
  const Tensor out = torch::stable::new_empty(given.query, {sizes.queries, sizes.heads, sizes.value_dim});
  const Tensor norms = torch::stable::new_empty(given.query, {sizes.queries, sizes.heads});
  with_float_or_double(given.query.scalar_type(), [&](auto number) {
    using Number = decltype(number);
    const Forward<Number> arrays = {given.inputs<Number>(sizes), static_cast<Number*>(out.mutable_data_ptr()),
                                    static_cast<Number*>(norms.mutable_data_ptr())};
#ifdef WITH_CUDA
    if (!given.query.is_cpu()) {
      const int status = forward_cuda(arrays, CurrentStream(given.query).get());
      return check(status == 0, kForward, ": CUDA error ", status);
    }
#endif
    in_parallel(sizes, [&](int64_t begin, int64_t end) { forward_cpu(arrays, begin, end); });
  });
  return {out, norms};
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& given_grad_out, const Tensor& query, const Tensor& key,
                                            const Tensor& value, const Tensor& query_offsets, const Tensor& offsets,
                                            const Tensor& given_out, const Tensor& given_norms, double scale,
                                            bool causal) {
  const Given given(query, key, value, query_offsets, offsets);
  const Sizes sizes = given.sizes(kBackward, scale, causal);
  const Tensor grad_out = torch::stable::contiguous(given_grad_out), out = torch::stable::contiguous(given_out);
  const Tensor norms = torch::stable::contiguous(given_norms);
  const ScalarType dtype = given.query.scalar_type();
  check_like(kBackward, "out", out, {sizes.queries, sizes.heads, sizes.value_dim}, dtype, given.query);
  check_like(kBackward, "grad_out", grad_out, {sizes.queries, sizes.heads, sizes.value_dim}, dtype, given.query);
  check_like(kBackward, "norms", norms, {sizes.queries, sizes.heads}, dtype, given.query);
  const Tensor grad_query = torch::stable::empty_like(given.query), grad_key = torch::stable::empty_like(given.key);
  const Tensor grad_value = torch::stable::empty_like(given.value);
  with_float_or_double(dtype, [&](auto number) {
    using Number = decltype(number);
    const auto written = [](const Tensor& tensor) { return static_cast<Number*>(tensor.mutable_data_ptr()); };
    const Backward<Number> arrays = {given.inputs<Number>(sizes), numbers_of<Number>(out), numbers_of<Number>(norms),
                                     numbers_of<Number>(grad_out), written(grad_query),     written(grad_key),
                                     written(grad_value)};
#ifdef WITH_CUDA
    if (!given.query.is_cpu()) {
      const int status = backward_cuda(arrays, CurrentStream(given.query).get());
      return check(status == 0, kBackward, ": CUDA error ", status);
    }
#endif
    in_parallel(sizes, [&](int64_t begin, int64_t end) { backward_cpu(arrays, begin, end); });
  });
  return {grad_query, grad_key, grad_value};
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(lightning_suite, library) {
  library.def(
      "ragged_attention(Tensor query, Tensor key, Tensor value, Tensor query_offsets, Tensor offsets, float scale, "
      "bool causal) -> (Tensor out, Tensor norms)");
  library.def(
      "ragged_attention_backward(Tensor grad_out, Tensor query, Tensor key, Tensor value, Tensor query_offsets, Tensor "
      "offsets, Tensor out, Tensor norms, float scale, bool causal) -> (Tensor, Tensor, Tensor)");
}

STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CPU, library) {
  library.impl("ragged_attention", TORCH_BOX(&forward));
  library.impl("ragged_attention_backward", TORCH_BOX(&backward));
}

#ifdef WITH_CUDA
STABLE_TORCH_LIBRARY_IMPL(lightning_suite, CUDA, library) {
  library.impl("ragged_attention", TORCH_BOX(&forward));
  library.impl("ragged_attention_backward", TORCH_BOX(&backward));
}
#endif

}  // namespace lightning_suite::ragged_attention
