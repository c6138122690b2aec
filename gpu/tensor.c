/* tensor.c: devices and tensors; see tensor.h. The CPU is the only backend of this release. */
#include "gpu/tensor.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/kernels.h"
#include "lib/base/math.h"

extern const struct kernel_table kernel_table_portable, kernel_table_avx2, kernel_table_avx512;

static pthread_mutex_t lanes = PTHREAD_MUTEX_INITIALIZER;

/* --- the choice of a path --- */

static bool has_portable(void)
{
	return true;
}

#if defined __x86_64__
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
}
#endif

/* The best last. */
static const struct path {
	const struct kernel_table *table;
	bool (*supported)(void);
} paths[] = {
	{ &kernel_table_portable, has_portable },
#if defined __x86_64__
	{ &kernel_table_avx2, has_avx2 },
	{ &kernel_table_avx512, has_avx512 },
#endif
};

static const struct kernel_table *choose(struct error *e)
{
	const char *want = getenv("HEDDLE_CPU");
	bool any = !want || !*want;
	for (size_t i = sizeof paths / sizeof *paths; i-- > 0;) {
		if (any ? paths[i].supported() : strcmp(want, paths[i].table->name) == 0) {
			if (paths[i].supported())
				return paths[i].table;
			error_set(e, ERROR_UNAVAILABLE, "HEDDLE_CPU=%s: this processor lacks it",
				want);
			return NULL;
		}
	}
	bool known = strcmp(want, "avx2") == 0 || strcmp(want, "avx512") == 0;
	error_set(e, known ? ERROR_UNAVAILABLE : ERROR_USAGE,
		known ? "HEDDLE_CPU=%s: this build lacks it"
		      : "HEDDLE_CPU=%s: not one of portable, avx2, avx512",
		want);
	return NULL;
}

/* --- devices --- */

static bool is_cuda(const char *name)
{
	if (strncmp(name, "cuda", 4) != 0)
		return false;
	const char *p = name + 4;
	return !*p || (*p == ':' && p[1] && strspn(p + 1, "0123456789") == strlen(p + 1));
}

static struct device *device_new(struct device *parent, const struct kernel_table *table)
{
	struct device *d = mem_zero(1, sizeof *d);
	d->parent = parent;
	d->table = table;
	d->arena = arena_new();
	d->scratch = arena_new();
	snprintf(d->name, sizeof d->name, "cpu %s", table->name);
	return d;
}

int device_open(const char *name, struct device **device, struct error *e)
{
	if (!name)
		name = "auto";
	if (is_cuda(name))
		return error_set(
			e, ERROR_UNAVAILABLE, "--device %s: this build has no CUDA backend", name);
	if (strcmp(name, "auto") != 0 && strcmp(name, "cpu") != 0)
		return error_set(
			e, ERROR_USAGE, "--device %s: not one of auto, cpu, cuda, cuda:N", name);
	const struct kernel_table *table = choose(e);
	if (!table)
		return -1;
	math_enter();
	*device = device_new(NULL, table);
	return 0;
}

void device_free(struct device *d)
{
	if (!d)
		return;
	for (struct device *l = d->free, *next; l; l = next) {
		next = l->next;
		device_free(l);
	}
	arena_free(d->arena);
	arena_free(d->scratch);
	mem_free(d);
}

int device_sync(struct device *d, struct error *e)
{
	if (d->failure.code == ERROR_NONE)
		return 0;
	return error_set(e, d->failure.code, "%s", d->failure.msg);
}

const char *device_name(const struct device *d)
{
	return d->name;
}

size_t device_group_tokens(const struct device *d)
{
	(void)d;
	return 400; /* activations of two layers in 1 MB of cache; larger groups gain nothing */
}

/* A lane of a root, for the calling thread alone. */
static struct device *lane_take(struct device *root)
{
	pthread_mutex_lock(&lanes);
	struct device *l = root->free;
	if (l)
		root->free = l->next;
	pthread_mutex_unlock(&lanes);
	return l ? l : device_new(root, root->table);
}

static void lane_give(struct device *root, struct device *l)
{
	pthread_mutex_lock(&lanes);
	l->next = root->free;
	root->free = l;
	pthread_mutex_unlock(&lanes);
}

void device_parallel(struct device *d, size_t n, device_function *fn, void *context)
{
	math_enter();
	if (n <= 1 || d->parent) {
		for (size_t i = 0; i < n; i++) {
			struct arena_mark m = device_mark(d);
			fn(context, d, i);
			device_reset(d, m);
		}
		return;
	}
	size_t threads = (size_t)omp_get_max_threads();
#pragma omp parallel num_threads((int)(threads < n ? threads : n))
	{
		math_enter();
		struct device *l = lane_take(d);
#pragma omp for schedule(dynamic, 1)
		for (size_t i = 0; i < n; i++) {
			fn(context, l, i);
			arena_clear(l->arena);
		}
		lane_give(d, l);
	}
}

void device_run(struct device *d, enum kernel kernel, const void *arguments, size_t n, size_t grain)
{
	kernel_function *fn = d->table->kernel[kernel];
	if (n == 0)
		return;
	math_enter();
	if (d->parent || n <= grain || omp_get_max_threads() == 1) {
		fn(arguments, 0, n, d->scratch);
		return;
	}
	/* enough runs to balance threads of unequal speed, none below the grain */
	size_t threads = (size_t)omp_get_max_threads(), run = n / (threads * 8);
	run = (run < grain ? grain : run / grain * grain);
	size_t runs = (n + run - 1) / run;
#pragma omp parallel num_threads((int)(threads < runs ? threads : runs))
	{
		math_enter();
		struct device *l = lane_take(d);
#pragma omp for schedule(dynamic, 1)
		for (size_t i = 0; i < runs; i++)
			fn(arguments, i * run, i + 1 < runs ? (i + 1) * run : n, l->scratch);
		lane_give(d, l);
	}
}

/* How far the threads are in a step. A step to itself a cache line. */
struct step {
	_Alignas(64) size_t taken, done;	/* runs */
};

static void steps_work(kernel_function *fn, const char *arguments, size_t size, const size_t *n,
	size_t steps, size_t grain, struct step *at, struct arena *scratch)
{
	for (size_t s = 0; s < steps; s++) {
		size_t runs = n[s] / grain + (n[s] % grain != 0), run;
		while ((run = __atomic_fetch_add(&at[s].taken, 1, __ATOMIC_RELAXED)) < runs) {
			size_t end = (run + 1) * grain < n[s] ? (run + 1) * grain : n[s];
			fn(arguments + s * size, run * grain, end, scratch);
			__atomic_fetch_add(&at[s].done, 1, __ATOMIC_RELEASE);
		}
		for (size_t spins = 0; __atomic_load_n(&at[s].done, __ATOMIC_ACQUIRE) < runs; spins++)
			if (spins > 4096)
				sched_yield();
	}
}

void device_run_steps(struct device *d, enum kernel kernel, const void *arguments, size_t size,
	const size_t *n, size_t steps, size_t grain)
{
	kernel_function *fn = d->table->kernel[kernel];
	size_t most = 0, threads = (size_t)omp_get_max_threads();
	for (size_t s = 0; s < steps; s++)
		most = n[s] > most ? n[s] : most;
	math_enter();
	if (d->parent || most <= grain || threads == 1) {
		for (size_t s = 0; s < steps; s++)
			fn((const char *)arguments + s * size, 0, n[s], d->scratch);
		return;
	}
	size_t runs = most / grain + (most % grain != 0);
	struct step *at = mem_zero(steps, sizeof *at);
	#pragma omp parallel num_threads((int)(threads < runs ? threads : runs))
	{
		math_enter();
		struct device *l = lane_take(d);
		steps_work(fn, arguments, size, n, steps, grain, at, l->scratch);
		lane_give(d, l);
	}
	mem_free(at);
}

/* --- tensors --- */

size_t dtype_size(enum dtype dtype)
{
	static const size_t sizes[] = { [F32] = 4, [BF16] = 2, [I8] = 1, [I32] = 4 };
	return sizes[dtype];
}

/* A contiguous tensor over data. */
static struct tensor contiguous(enum dtype dtype, unsigned n_dims, const size_t *shape, void *data)
{
	CHECK(n_dims >= 1 && n_dims <= TENSOR_DIMS);
	struct tensor t = { .data = data, .dtype = dtype, .n_dims = n_dims };
	size_t stride = 1;
	for (unsigned i = n_dims; i-- > 0;) {
		t.shape[i] = shape[i];
		t.stride[i] = stride;
		stride = size_mul(stride, shape[i]);
	}
	return t;
}

struct tensor tensor_new(struct device *d, enum dtype dtype, unsigned n_dims, const size_t *shape)
{
	struct tensor t = contiguous(dtype, n_dims, shape, NULL);
	t.data = arena_alloc(d->arena, size_mul(tensor_count(t), dtype_size(dtype)));
	return t;
}

struct tensor tensor_vector(struct device *d, enum dtype dtype, size_t n)
{
	return tensor_new(d, dtype, 1, &n);
}

struct tensor tensor_matrix(struct device *d, enum dtype dtype, size_t rows, size_t columns)
{
	return tensor_new(d, dtype, 2, (size_t[]){ rows, columns });
}

struct arena_mark device_mark(struct device *d)
{
	return arena_mark(d->arena);
}

void device_reset(struct device *d, struct arena_mark m)
{
	arena_reset(d->arena, m);
}

struct tensor tensor_upload(
	struct device *d, enum dtype dtype, size_t rows, size_t columns, const void *host)
{
	(void)d;
	union {
		const void *from;
		void *to;
	} p = { .from = host };
	return contiguous(dtype, columns ? 2 : 1, (size_t[]){ rows, columns }, p.to);
}

void tensor_release(struct device *d, struct tensor *t)
{
	(void)d;
	*t = TENSOR_NONE;
}

/* Copy a tensor row by row between its own layout and contiguous memory. */
static void copy(struct tensor t, char *host, bool to_host)
{
	size_t last = t.n_dims - 1, bytes = t.shape[last] * dtype_size(t.dtype);
	size_t rows = 1, index[TENSOR_DIMS] = { 0 };
	for (size_t i = 0; i < last; i++)
		rows *= t.shape[i];
	if (bytes == 0)
		return;
	for (size_t r = 0; r < rows; r++) {
		size_t at = 0;
		for (size_t i = 0; i < last; i++)
			at += index[i] * t.stride[i];
		char *own = (char *)t.data + at * dtype_size(t.dtype);
		memcpy(to_host ? host : own, to_host ? own : host, bytes);
		host += bytes;
		for (size_t i = last; i-- > 0 && ++index[i] == t.shape[i];)
			index[i] = 0;
	}
}

void tensor_read(struct device *d, struct tensor t, void *host)
{
	if (d->failure.code == ERROR_NONE)
		copy(t, host, true);
}

void tensor_write(struct device *d, struct tensor t, const void *host)
{
	union {
		const void *from;
		void *to;
	} p = { .from = host };
	if (d->failure.code == ERROR_NONE)
		copy(t, p.to, false);
}

struct tensor tensor_rows(struct tensor t, size_t from, size_t n)
{
	CHECK(t.n_dims >= 1 && from <= t.shape[0] && n <= t.shape[0] - from);
	t.shape[0] = n;
	if (t.data)
		t.data = (char *)t.data + from * t.stride[0] * dtype_size(t.dtype);
	return t;
}

struct tensor tensor_columns(struct tensor t, size_t from, size_t n)
{
	CHECK(t.n_dims == 2 && from <= t.shape[1] && n <= t.shape[1] - from);
	t.shape[1] = n;
	if (t.data)
		t.data = (char *)t.data + from * dtype_size(t.dtype);
	return t;
}

size_t tensor_count(struct tensor t)
{
	size_t n = 1;
	for (unsigned i = 0; i < t.n_dims; i++)
		n = size_mul(n, t.shape[i]);
	return t.n_dims ? n : 0;
}

/* --- weights --- */

struct weight *weight_new(struct device *d, enum dtype dtype, size_t n, size_t k, size_t stride,
	const float *w, const float *bias)
{
	CHECK((dtype == F32 || dtype == BF16) && stride >= k);
	const struct kernel_table *table = d->table;
	struct weight *r = mem_zero(1, sizeof *r);
	size_t panels = n / table->panel + (n % table->panel != 0);
	*r = (struct weight){
		.table = table, .dtype = dtype, .n = n, .k = k, .panel = table->panel
	};
	r->paired = dtype == BF16 && table->bf16_native();
	size_t elements = size_mul(size_mul(panels, table->panel), r->paired ? (k + 1) / 2 * 2 : k);
	r->packed = mem_alloc(size_mul(elements, dtype_size(r->paired ? BF16 : F32)));
	if (bias) {
		r->bias = mem_zero(size_mul(panels, table->panel), sizeof *bias);
		memcpy(r->bias, bias, n * sizeof *bias);
	}
#pragma omp parallel for schedule(static) if (!d->parent && elements > 1 << 18)
	for (size_t p = 0; p < panels; p++)
		table->pack(r, w, stride, p, p + 1);
	return r;
}

void weight_free(struct weight *w)
{
	if (!w)
		return;
	mem_free(w->packed);
	mem_free(w->bias);
	mem_free(w);
}

size_t weight_outputs(const struct weight *w)
{
	return w->n;
}

size_t weight_inputs(const struct weight *w)
{
	return w->k;
}
