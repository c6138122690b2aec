/* describe.h: what a model folder holds, in words. */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/error.h"

/*
 * Append lines of "what value" about the model called name (lib/model/folder.h): folder, modules,
 * sizes, parameters, prompts, and the SHA-256 of each file used; with tensors, also a line a
 * tensor. -1 and the error otherwise.
 */
int model_describe(const char *name, bool tensors, struct buffer *, struct error *);
