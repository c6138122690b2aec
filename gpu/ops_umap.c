/* ops_umap.c: UMAP's operations; see ops_umap.h. */
#include "gpu/ops_umap.h"

#include "gpu/kernels.h"
#include "gpu/umap.h"
#include "lib/base/math64.h"

enum { RUN = 1024 }; /* edges that a thread takes at once: about 20 us of work */

static bool is_vector(struct tensor t, enum dtype dtype, size_t n)
{
	return t.n_dims == 1 && t.dtype == dtype && t.shape[0] == n;
}

void op_umap_smooth(struct device *d, struct tensor sigma, struct tensor rho,
	struct tensor distances, float local_connectivity, float mean)
{
	size_t n = distances.shape[0], k = distances.shape[1];
	CHECK(distances.n_dims == 2 && distances.dtype == F32 && distances.stride[0] == k &&
		k >= 1);
	CHECK(is_vector(sigma, F32, n) && is_vector(rho, F32, n));
	struct umap_smooth_arguments a = { sigma.data, rho.data, distances.data, k,
		local_connectivity, mean, math_log64((double)k) / math_log64(2) };
	device_run(d, KERNEL_umap_smooth, &a, n, 256);
}

void op_umap_unite(struct device *d, struct tensor weight, struct tensor index,
	struct tensor distances, struct tensor sigma, struct tensor rho, float mix)
{
	size_t n = index.shape[0], k = index.shape[1];
	const struct tensor all[] = { weight, index, distances };
	for (size_t i = 0; i < 3; i++)
		CHECK(all[i].n_dims == 2 && all[i].dtype == (i == 1 ? I32 : F32) &&
			all[i].shape[0] == n && all[i].shape[1] == k && all[i].stride[0] == k);
	CHECK(is_vector(sigma, F32, n) && is_vector(rho, F32, n) && n <= INT32_MAX);
	struct arena_mark mark = device_mark(d);
	struct tensor member = tensor_matrix(d, F32, n, k);
	struct umap_unite_arguments a = { weight.data, member.data, index.data, distances.data,
		sigma.data, rho.data, k, mix };
	device_run(d, KERNEL_umap_members, &a, n, 256);
	device_run(d, KERNEL_umap_unite, &a, n, 256);
	device_reset(d, mark);
}

void op_umap_epochs(struct device *d, struct tensor y, struct tensor before,
	const struct umap_edges *edges, const struct umap_force *force, size_t first, size_t last,
	size_t n_epochs)
{
	size_t n = y.shape[0], dim = y.shape[1], colours = edges->n_colours,
	       count = colours ? edges->start[colours] : 0;
	CHECK(y.n_dims == 2 && y.dtype == F32 && y.stride[0] == dim && n <= INT32_MAX);
	CHECK(before.n_dims == 2 && before.dtype == F32 && before.stride[0] == dim &&
		before.shape[0] == n && before.shape[1] == dim);
	CHECK(is_vector(edges->head, I32, count) && is_vector(edges->tail, I32, count) &&
		is_vector(edges->every, F32, count));
	CHECK(is_vector(edges->next, F32, count) && is_vector(edges->next_negative, F32, count));
	struct umap_edges_arguments *a = MEM_ARRAY(struct umap_edges_arguments,
					    size_mul(last - first, colours + 1)),
				    *to = a;
	size_t *units = MEM_ARRAY(size_t, size_mul(last - first, colours + 1)), *unit = units;
	for (size_t epoch = first; epoch < last; epoch++) {
		struct umap_force f = *force;
		f.alpha *= 1 - (float)epoch / (float)n_epochs;
		*to++ = (struct umap_edges_arguments){
			.y = y.data, .before = before.data, .dim = dim
		};
		*unit++ = n;
		for (size_t c = 0; c < colours; c++) {
			size_t at = edges->start[c];
			*to++ = (struct umap_edges_arguments){ y.data, before.data,
				(int32_t *)edges->head.data + at, (int32_t *)edges->tail.data + at,
				(float *)edges->every.data + at, (float *)edges->next.data + at,
				(float *)edges->next_negative.data + at, n, dim, epoch, at, f };
			*unit++ = edges->start[c + 1] - at;
		}
	}
	device_run_steps(d, KERNEL_umap_edges, a, sizeof *a, units, (size_t)(unit - units), RUN);
	mem_free(units);
	mem_free(a);
}

void op_umap_place(struct device *d, struct tensor y, struct tensor fixed, struct tensor to,
	struct tensor weight, const uint64_t *salt, const struct umap_force *force, size_t n_epochs)
{
	size_t m = y.shape[0], dim = y.shape[1], k = to.shape[1];
	CHECK(y.n_dims == 2 && y.dtype == F32 && y.stride[0] == dim);
	CHECK(fixed.n_dims == 2 && fixed.dtype == F32 && fixed.shape[1] == dim &&
		fixed.stride[0] == dim && fixed.shape[0] <= INT32_MAX);
	CHECK(to.n_dims == 2 && to.dtype == I32 && to.shape[0] == m && to.stride[0] == k);
	CHECK(weight.n_dims == 2 && weight.dtype == F32 && weight.shape[0] == m &&
		weight.shape[1] == k && weight.stride[0] == k);
	struct umap_place_arguments a = { y.data, fixed.data, weight.data, to.data, salt,
		fixed.shape[0], dim, k, n_epochs, *force };
	device_run(d, KERNEL_umap_place, &a, m, 16);
}
