#include "lib/model/batches.h"

/* One call. */
struct state {
	const struct encoding *encodings; /* [n] */
	size_t n, n_groups;
	size_t *order; /* [n], by length */
	size_t *groups; /* [n_groups + 1], into order */
	size_t first; /* group that is run first */
	batches_function *function;
	void *context;
};

/*
 * Texts by falling number of tokens, ties in their own order: counted, not compared, so it
 * takes linear time.
 */
static void sort_by_length(struct state *r)
{
	size_t longest = 0;
	for (size_t i = 0; i < r->n; i++)
		longest = r->encodings[i].n > longest ? r->encodings[i].n : longest;
	size_t *starts = mem_zero(longest + 2, sizeof *starts);
	for (size_t i = 0; i < r->n; i++)
		starts[longest - r->encodings[i].n + 1]++;
	for (size_t i = 1; i <= longest; i++)
		starts[i] += starts[i - 1];
	for (size_t i = 0; i < r->n; i++)
		r->order[starts[longest - r->encodings[i].n]++] = i;
	mem_free(starts);
}

/* Batches of texts that follow each other: as many as fit in limit tokens, at least one. */
static void group(struct state *r, size_t limit)
{
	size_t tokens = 0;
	r->n_groups = 0;
	for (size_t i = 0; i < r->n; i++) {
		size_t n = r->encodings[r->order[i]].n;
		if (i == 0 || tokens + n > limit) {
			r->groups[r->n_groups++] = i;
			tokens = 0;
		}
		tokens += n;
	}
	r->groups[r->n_groups] = r->n;
}

/* A batch's arrays, one allocation. */
static struct batch pack(const struct state *r, size_t from, size_t to, void **memory)
{
	size_t n = 0, k = to - from;
	for (size_t i = from; i < to; i++)
		n += r->encodings[r->order[i]].n;
	size_t *starts = mem_alloc((k + 1) * sizeof *starts + 3 * n * sizeof(uint32_t));
	uint32_t *ids = (uint32_t *)(starts + k + 1), *types = ids + n, *positions = types + n;
	size_t at = 0;
	for (size_t i = from; i < to; i++) {
		const struct encoding *x = &r->encodings[r->order[i]];
		starts[i - from] = at;
		for (size_t t = 0; t < x->n; t++, at++) {
			ids[at] = x->ids[t];
			types[at] = x->type_ids ? x->type_ids[t] : 0;
			positions[at] = (uint32_t)t;
		}
	}
	starts[k] = at;
	*memory = starts;
	return (struct batch){ n, k, ids, types, positions, starts };
}

static void run_group(void *context, struct device *lane, size_t g)
{
	struct state *r = context;
	void *memory;
	const size_t *group = &r->groups[r->first + g];
	struct batch b = pack(r, group[0], group[1], &memory);
	r->function(r->context, lane, &b, r->order + group[0]);
	mem_free(memory);
}

size_t batches_tokens(const struct model_config *config, struct device *device)
{
	/* a token takes its activations in a layer, about */
	size_t floats = 8 * config->hidden_size + 2 * config->intermediate_size + 64;
	size_t fits = device_memory(device) / 4 / sizeof(float) / floats;
	size_t want = device_group_tokens(device);
	return fits < 1 ? 1 : fits < want ? fits : want;
}

/* Groups one after another, each with all of the device's memory. */
static int run_single(struct state *r, struct device *device, size_t *failed, struct error *e)
{
	for (r->first = 0; r->first < r->n_groups; r->first++) {
		device_parallel(device, 1, run_group, r);
		if (device_sync(device, e) == 0)
			continue;
		if (!device_recover(device))
			return -1;
		*failed = r->order[r->groups[r->first]];
		size_t n = r->encodings[*failed].n;
		return error_wrap(e, "a text of %zu token%s does not fit", n, plural(n));
	}
	return 0;
}

int batches_run(struct device *device, const struct encoding *encodings, size_t n,
	size_t *batch_tokens, batches_function *function, void *context, size_t *failed,
	struct error *e)
{
	struct state r = {
		.encodings = encodings, .n = n, .function = function, .context = context
	};
	int result = -1;
	*failed = SIZE_MAX;
	r.order = MEM_ARRAY(size_t, n);
	r.groups = MEM_ARRAY(size_t, n + 1);
	sort_by_length(&r);
	for (;; *batch_tokens /= 2) {
		group(&r, *batch_tokens);
		device_parallel(device, r.n_groups, run_group, &r);
		result = device_sync(device, e);
		if (result == 0 || !device_recover(device))
			break;
		if (*batch_tokens == 1) {
			result = run_single(&r, device, failed, e);
			break;
		}
	}
	mem_free(r.order);
	mem_free(r.groups);
	return result;
}
