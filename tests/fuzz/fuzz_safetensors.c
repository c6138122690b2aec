/*
 * Any bytes are a safetensors file or an error; where they are a file, every element can be
 * read.
 */
#include <stdint.h>

#include "lib/file/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e;
	struct tensor_file *f =
		tensor_file_from((struct slice){ (const char *)data, size }, "fuzz", &e);
	if (!f)
		return 0;
	struct arena *arena = arena_new();
	for (size_t i = 0; i < tensor_file_count(f); i++) {
		const struct file_tensor *t = tensor_file_at(f, i);
		char *name = arena_string(arena, t->name);
		tensor_file_floats(f, name, t->n_dims, t->shape, arena, &e);
		tensor_file_bytes(f, name, t->dtype, 0, NULL, arena, &e);
		CHECK(memchr(t->name.data, 0, t->name.size) || tensor_file_find(f, name) == t);
	}
	tensor_file_metadata(f, "format", arena);
	arena_free(arena);
	tensor_file_close(f);
	return 0;
}
