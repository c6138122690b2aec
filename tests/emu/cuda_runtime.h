/* cuda_runtime.h: CUDA's language and runtime for g++, see tests/emu/emu.h. */
#pragma once
#include "cuda_runtime_api.h"
#include "emu.h"

#if defined __cplusplus
#include "emu_device.h"
#endif
