// Everything that the kernels take from here is in one file.
#include "cuda_runtime.h"
