/* table.c: the kernels of this path. */
#include "gpu/cpu/product.h"

#define DECLARE(name) kernel_function KERNEL_NAME(name);
KERNELS(DECLARE)
void LOCAL(weight_pack)(const struct weight *, const float *, size_t, size_t, size_t);

#define TEXT(path) #path
#define NAME(path) TEXT(path)
#define ENTRY(name) [KERNEL_##name] = KERNEL_NAME(name),

extern const struct kernel_table LOCAL(kernel_table);
const struct kernel_table LOCAL(kernel_table) = {
	.name = NAME(KERNEL_PATH),
	.kernel = { KERNELS(ENTRY) },
	.panel = PANEL,
	.pack = LOCAL(weight_pack),
	.bf16_native = LOCAL(bf16_native),
};
