/* umap_unite.c: the union of directed graphs (ops_umap.h). Lists are short and not sorted: all of one are
 * looked at, without a branch. */
#include "gpu/cpu/kernels.h"
#include "gpu/umap.h"

KERNEL(umap_members)
{
	const struct umap_unite_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		const int32_t *index = a->index + i * a->k;
		for (size_t j = 0; j < a->k; j++) {
			int seen = index[j] == (int32_t)i;
			for (size_t before = 0; before < j; before++)
				seen |= index[before] == index[j];
			float distance = a->distances[i * a->k + j];
			a->member[i * a->k + j] =
				seen ? 0 : umap_membership(distance, a->sigma[i], a->rho[i]);
		}
	}
}

KERNEL(umap_unite)
{
	const struct umap_unite_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++)
		for (size_t j = i * a->k; j < (i + 1) * a->k; j++) {
			const int32_t *index = a->index + (size_t)a->index[j] * a->k;
			const float *member = a->member + (size_t)a->index[j] * a->k;
			int32_t bits = 0; /* of the one that is not 0 */
			for (size_t l = 0; l < a->k; l++)
				bits |= index[l] == (int32_t)i ? math_bits(member[l]) : 0;
			float u = a->member[j], v = math_float(bits);
			float w = umap_united(u, v, a->mix);
			a->weight[j] = u > 0 ? (v > 0 ? w : -w) : 0;
		}
}
