// The Python module lightning_suite._C. Importing it registers the ops of csrc/*/ with torch, which each of them does
// by itself; the module itself says only what it was built for.

#include <Python.h>
#include <torch/headeronly/version.h>

#include "instruction_sets.h"

namespace {

PyObject* instruction_set(PyObject*, PyObject*) {
  return PyUnicode_FromString(lightning_suite::instruction_set());
}

PyMethodDef methods[] = {
    {"instruction_set", instruction_set, METH_NOARGS, "The instruction set that the CPU kernels use on this machine."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__C(void) {
  PyObject* made = PyModule_Create(&module);
  if (made == nullptr) return nullptr;
#ifdef WITH_CUDA
  const int cuda = 1;
#else
  const int cuda = 0;
#endif
  if (PyModule_AddStringConstant(made, "TORCH", TORCH_VERSION) < 0 || PyModule_AddIntConstant(made, "CUDA", cuda) < 0) {
    Py_DECREF(made);
    return nullptr;
  }
  return made;
}
