/* tensor.c: devices and tensors; see tensor.h. The CPU's are here, a GPU's behind gpu/backend.h. */
#include "gpu/tensor.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/backend.h"
#include "lib/base/math.h"

extern const struct kernel_table kernel_table_portable, kernel_table_avx2, kernel_table_avx512;

enum { CARD_LANES = 3 }; /* one packs, one copies, one computes */

static pthread_mutex_t lanes = PTHREAD_MUTEX_INITIALIZER;
static device_watcher *watcher;

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

/* Whether the name is "cuda" or "cuda:N"; N, or -1. */
static bool is_cuda(const char *name, int *ordinal)
{
	*ordinal = -1;
	if (strncmp(name, "cuda", 4) != 0)
		return false;
	const char *p = name + 4;
	size_t digits = *p == ':' ? strspn(p + 1, "0123456789") : 0;
	if (*p == ':' && digits > 0 && digits < 9 && !p[1 + digits])
		*ordinal = atoi(p + 1);
	return !*p || *ordinal >= 0;
}

static struct device *device_new(struct device *parent, const struct kernel_table *table)
{
	struct device *d = mem_zero(1, sizeof *d);
	d->parent = parent;
	d->table = table;
	if (parent && parent->backend) {
		d->backend = parent->backend;
		d->lane = d->backend->lane_new(parent->lane);
		return d;
	}
	d->arena = arena_new();
	d->scratch = arena_new();
	snprintf(d->name, sizeof d->name, "cpu %s", table->name);
	return d;
}

static int open_cuda(int ordinal, struct device **device, struct error *e)
{
	struct device *d = mem_zero(1, sizeof *d);
	d->backend = cuda_open(ordinal, &d->lane, e);
	math_enter();
	if (!d->backend) {
		mem_free(d);
		return -1;
	}
	d->table = &d->backend->table;
	*device = d;
	return 0;
}

static int open_named(const char *name, struct device **device, struct error *e)
{
	int ordinal;
	const char *cpu = getenv("HEDDLE_CPU");
	bool any = !name || strcmp(name, "auto") == 0;
	if (!any && is_cuda(name, &ordinal))
		return open_cuda(ordinal, device, e);
	if (!any && strcmp(name, "cpu") != 0)
		return error_set(
			e, ERROR_USAGE, "--device %s: not one of auto, cpu, cuda, cuda:N", name);
	if (any && !(cpu && *cpu) && cuda_likely() && open_cuda(-1, device, NULL) == 0)
		return 0;
	const struct kernel_table *table = choose(e);
	if (!table)
		return -1;
	math_enter();
	*device = device_new(NULL, table);
	return 0;
}

int device_open(const char *name, struct device **device, struct error *e)
{
	int result = open_named(name, device, e);
	if (result == 0 && watcher)
		watcher(*device);
	return result;
}

void device_watch(device_watcher *fn)
{
	watcher = fn;
}

static void lanes_free(struct device *d)
{
	for (struct device *l = d->free, *next; l; l = next) {
		next = l->next;
		device_free(l);
	}
	d->free = NULL;
}

void device_free(struct device *d)
{
	if (!d)
		return;
	if (!d->parent && watcher)
		watcher(d);
	lanes_free(d);
	if (d->backend && d->parent)
		d->backend->lane_free(d->lane);
	else if (d->backend)
		d->backend->close(d->lane);
	arena_free(d->arena);
	arena_free(d->scratch);
	mem_free(d);
}

int device_sync(struct device *d, struct error *e)
{
	if (d->backend)
		return d->backend->sync(d->lane, e);
	if (d->failure.code == ERROR_NONE)
		return 0;
	return error_set(e, d->failure.code, "%s", d->failure.msg);
}

struct listing {
	device_line *line;
	void *context;
};

static void list_card(void *context, int ordinal, const char *text)
{
	const struct listing *l = context;
	char name[32];
	snprintf(name, sizeof name, "cuda:%d", ordinal);
	l->line(l->context, name, text);
}

void device_list(device_line *line, void *context)
{
	struct listing l = { line, context };
	struct error e;
	char about[64];
	const struct kernel_table *table = choose(&e);
	if (table)
		snprintf(about, sizeof about, "%s, %d thread%s", table->name, omp_get_max_threads(),
			plural((size_t)omp_get_max_threads()));
	line(context, "cpu", table ? about : e.msg);
	if (cuda_describe(list_card, &l, &e))
		line(context, "cuda", e.msg);
	math_enter();
}

bool device_recover(struct device *d)
{
	if (!d->backend || !d->backend->recover(d->lane))
		return false;
	lanes_free(d);
	return true;
}

bool device_on_card(const struct device *d)
{
	return d->backend;
}

size_t device_memory(struct device *d)
{
	size_t available = SIZE_MAX, total;
	if (d->backend)
		d->backend->memory(d->lane, &available, &total);
	return available;
}

const char *device_name(const struct device *d)
{
	return d->backend ? d->backend->name(d->lane) : d->name;
}

const char *device_note(const struct device *d)
{
	return d->backend ? d->backend->note(d->lane) : NULL;
}

size_t device_group_tokens(const struct device *d)
{
	if (d->backend)
		return 16384; /* some 128 rows for each of a large card's processors */
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
	if (d->backend) {
		/* more would only wait for the card */
		threads = threads < CARD_LANES ? threads : CARD_LANES;
		device_sync(d, NULL);
	}
#pragma omp parallel num_threads((int)(threads < n ? threads : n))
	{
		math_enter();
		struct device *l = lane_take(d);
		struct arena_mark start = device_mark(l);
#pragma omp for schedule(dynamic, 1)
		for (size_t i = 0; i < n; i++) {
			fn(context, l, i);
			device_reset(l, start);
		}
		if (d->backend)
			device_sync(l, NULL);
		lane_give(d, l);
	}
}

void device_run(struct device *d, enum kernel kernel, const void *arguments, size_t n, size_t grain)
{
	kernel_function *fn = d->table->kernel[kernel];
	if (n == 0)
		return;
	if (d->backend) {
		d->backend->run(d->lane, kernel, arguments, n);
		return;
	}
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
	_Alignas(64) size_t taken, done; /* runs */
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
		for (size_t spins = 0; __atomic_load_n(&at[s].done, __ATOMIC_ACQUIRE) < runs;
			spins++)
			if (spins > 4096)
				sched_yield();
	}
}

void device_run_steps(struct device *d, enum kernel kernel, const void *arguments, size_t size,
	const size_t *n, size_t steps, size_t grain)
{
	kernel_function *fn = d->table->kernel[kernel];
	size_t most = 0, threads = (size_t)omp_get_max_threads();
	for (size_t s = 0; s < steps; s++) {
		most = n[s] > most ? n[s] : most;
		if (d->backend)
			device_run(d, kernel, (const char *)arguments + s * size, n[s], grain);
	}
	if (d->backend)
		return;
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
	static const size_t sizes[] = { 4, 2, 2, 4, 1, 4, 8, 8 }; /* in order of enum dtype */
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
	size_t size = size_mul(tensor_count(t), dtype_size(dtype));
	t.data = d->backend ? d->backend->arena_alloc(d->lane, size) : arena_alloc(d->arena, size);
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

struct tensor tensor_twin(struct device *d, struct tensor t, enum dtype dtype)
{
	if (dtype == F32)
		return t;
	CHECK(d->backend && t.n_dims == 2 && t.dtype == F32 && dtype_size(dtype) == 2);
	CHECK(t.shape[1] % 8 == 0);
	t.twin = tensor_matrix(d, dtype, t.shape[0], t.shape[1]).data;
	t.twin_dtype = dtype;
	return t;
}

struct tensor tensor_halves(struct tensor t)
{
	return t.twin ? contiguous(t.twin_dtype, 2, t.shape, t.twin) : t;
}

struct arena_mark device_mark(struct device *d)
{
	return d->backend ? d->backend->arena_mark(d->lane) : arena_mark(d->arena);
}

void device_reset(struct device *d, struct arena_mark m)
{
	if (d->backend)
		d->backend->arena_reset(d->lane, m);
	else
		arena_reset(d->arena, m);
}

struct tensor tensor_upload(
	struct device *d, enum dtype dtype, size_t rows, size_t columns, const void *host)
{
	union {
		const void *from;
		void *to;
	} p = { .from = host };
	struct tensor t = contiguous(dtype, columns ? 2 : 1, (size_t[]){ rows, columns }, p.to);
	if (d->backend) {
		t.data = d->backend->alloc(d->lane, size_mul(tensor_count(t), dtype_size(dtype)));
		tensor_write(d, t, host);
		device_sync(d, NULL); /* lanes may use it from now on */
	}
	return t;
}

void tensor_release(struct device *d, struct tensor *t)
{
	if (d->backend)
		d->backend->release(d->lane, t->data);
	*t = TENSOR_NONE;
}

/* `rows` rows of `bytes`, contiguous at host, `stride` bytes apart at own. */
static void copy_rows(struct device *d, char *own, char *host, size_t rows, size_t bytes,
	size_t stride, bool to_host)
{
	if (d->backend && to_host)
		d->backend->read(d->lane, host, own, rows, bytes, stride);
	else if (d->backend)
		d->backend->write(d->lane, own, host, rows, bytes, stride);
	for (size_t r = 0; r < rows && !d->backend && own != host; r++)
		memcpy(to_host ? host + r * bytes : own + r * stride,
			to_host ? own + r * stride : host + r * bytes, bytes);
}

/* Copy a tensor between its own layout and contiguous memory, matrix by matrix. */
static void copy(struct device *d, struct tensor t, char *host, bool to_host)
{
	size_t size = dtype_size(t.dtype), last = t.n_dims - 1, outer = t.n_dims > 1 ? last - 1 : 0;
	size_t bytes = t.shape[last] * size, rows = t.n_dims > 1 ? t.shape[last - 1] : 1;
	size_t stride = t.n_dims > 1 ? t.stride[last - 1] * size : bytes, matrices = 1;
	size_t index[TENSOR_DIMS] = { 0 };
	if (t.n_dims == 0 || d->failure.code != ERROR_NONE || tensor_count(t) == 0)
		return;
	for (size_t i = 0; i < outer; i++)
		matrices *= t.shape[i];
	for (size_t m = 0; m < matrices; m++) {
		size_t at = 0;
		for (size_t i = 0; i < outer; i++)
			at += index[i] * t.stride[i];
		copy_rows(d, (char *)t.data + at * size, host, rows, bytes, stride, to_host);
		host += rows * bytes;
		for (size_t i = outer; i-- > 0 && ++index[i] == t.shape[i];)
			index[i] = 0;
	}
}

void tensor_read(struct device *d, struct tensor t, void *host)
{
	copy(d, t, host, true);
}

void tensor_write(struct device *d, struct tensor t, const void *host)
{
	union {
		const void *from;
		void *to;
	} p = { .from = host };
	CHECK(!t.twin);
	copy(d, t, p.to, false);
}

struct tensor tensor_rows(struct tensor t, size_t from, size_t n)
{
	CHECK(t.n_dims >= 1 && from <= t.shape[0] && n <= t.shape[0] - from);
	t.shape[0] = n;
	if (t.data)
		t.data = (char *)t.data + from * t.stride[0] * dtype_size(t.dtype);
	if (t.twin)
		t.twin = (char *)t.twin + from * t.shape[1] * dtype_size(t.twin_dtype);
	return t;
}

struct tensor tensor_columns(struct tensor t, size_t from, size_t n)
{
	CHECK(t.n_dims == 2 && from <= t.shape[1] && n <= t.shape[1] - from);
	t.shape[1] = n;
	if (t.data)
		t.data = (char *)t.data + from * dtype_size(t.dtype);
	t.twin = NULL;
	return t;
}

size_t tensor_count(struct tensor t)
{
	size_t n = 1;
	for (unsigned i = 0; i < t.n_dims; i++)
		n = size_mul(n, t.shape[i]);
	return t.n_dims ? n : 0;
}
