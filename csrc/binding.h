// What the thin bindings between torch and the kernels share: checks that name op and argument, the choice of a
// kernel by dtype, the stream. Only torch's stable ABI is used.
#pragma once

#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "half_precision.h"

#ifdef WITH_CUDA
extern "C" AOTITorchError aoti_torch_get_current_cuda_stream(int32_t device_index, void** stream);
#endif

namespace lightning_suite {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// Refuses an argument: torch turns the exception into Python's RuntimeError.
template <typename... Parts>
void check(bool holds, const Parts&... message) {
  if (holds) return;
  std::ostringstream text;
  (text << ... << message);
  throw std::runtime_error(text.str());
}

inline std::string written(const std::vector<int64_t>& shape) {
  std::ostringstream text;
  for (size_t axis = 0; axis < shape.size(); ++axis) text << (axis ? ", " : "(") << shape[axis];
  return shape.empty() ? "()" : text.str() + ")";
}

// An argument that a kernel reads has this shape and dtype, and lies where the kernel's first argument lies.
inline void check_like(const char* op, const char* argument, const Tensor& tensor, const std::vector<int64_t>& shape,
                       ScalarType dtype, const Tensor& first) {
  std::vector<int64_t> got;
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) got.push_back(tensor.size(axis));
  check(got == shape, op, ": ", argument, " must have the shape ", written(shape), ", got ", written(got));
  check(tensor.scalar_type() == dtype, op, ": ", argument, " must be ", torch::headeronly::toString(dtype), ", got ",
        torch::headeronly::toString(tensor.scalar_type()));
  check(tensor.device() == first.device(), op, ": ", argument, " and the first argument are on different devices");
}

// Offsets on the CPU begin with 0, never fall and end with the number of values.
inline void check_offsets(const char* op, const int64_t* offsets, int64_t sequences, int64_t values) {
  check(offsets[0] == 0, op, ": offsets must begin with 0, got ", offsets[0]);
  for (int64_t i = 0; i < sequences; ++i) {
    check(offsets[i] <= offsets[i + 1], op, ": offsets must never fall, but offset ", i + 1, " is ", offsets[i + 1],
          " after ", offsets[i]);
  }
  check(offsets[sequences] == values, op, ": the last offset must be the number of values, ", values, ", got ",
        offsets[sequences]);
}

// What is computed with when numbers of a dtype are stored.
inline ScalarType precise(ScalarType dtype) { return dtype == ScalarType::Double ? dtype : ScalarType::Float; }

// Calls kernel with a value of the C++ type that a dtype is stored as.
template <typename Kernel>
void with_number(const char* op, ScalarType dtype, Kernel kernel) {
  switch (dtype) {
    case ScalarType::Float:
      return kernel(float{});
    case ScalarType::Double:
      return kernel(double{});
    case ScalarType::Half:
      return kernel(Half{});
    case ScalarType::BFloat16:
      return kernel(BFloat16{});
    default:
      check(false, op, ": expected float32, float64, float16 or bfloat16, got ", torch::headeronly::toString(dtype));
  }
}

// The numbers of a contiguous tensor; null where there is none.
template <typename Number>
const Number* numbers_of(const std::optional<Tensor>& tensor) {
  return tensor ? static_cast<const Number*>(tensor->const_data_ptr()) : nullptr;
}

#ifdef WITH_CUDA
// The stream that torch works on, with its device chosen, for as long as it lives.
class CurrentStream {
 public:
  explicit CurrentStream(const Tensor& tensor) : guard_(tensor.get_device_index()) {
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(tensor.get_device_index(), &stream_));
  }
  void* get() const { return stream_; }

 private:
  torch::stable::accelerator::DeviceGuard guard_;
  void* stream_ = nullptr;
};
#endif

}  // namespace lightning_suite
