#include "lib/model/batches.h"

/* One call. */
struct state {
	const struct encoding *encodings; /* [n] */
	size_t n, n_groups;
	size_t *order; /* [n], by length */
	size_t *groups; /* [n_groups + 1], into order */
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
	struct batch b = pack(r, r->groups[g], r->groups[g + 1], &memory);
	r->function(r->context, lane, &b, r->order + r->groups[g]);
	mem_free(memory);
}

void batches_run(struct device *device, const struct encoding *encodings, size_t n,
	size_t batch_tokens, batches_function *function, void *context)
{
	struct state r = {
		.encodings = encodings, .n = n, .function = function, .context = context
	};
	r.order = MEM_ARRAY(size_t, n);
	r.groups = MEM_ARRAY(size_t, n + 1);
	sort_by_length(&r);
	group(&r, batch_tokens);
	device_parallel(device, r.n_groups, run_group, &r);
	mem_free(r.order);
	mem_free(r.groups);
}
