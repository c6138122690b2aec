/*
 * hdbscan_span.c: the minimum spanning tree under mutual reach, by rounds of Boruvka (1926; for
 * trees of boxes: March, Ram, Gray, "Fast Euclidean minimum spanning tree", KDD 2010): in a
 * round each component finds the least edge that leaves it, and these edges join components.
 * Edges are in total order (weight, smaller index, larger index), so the tree is unique and no
 * order of work shows in it.
 *
 * What keeps the rounds short:
 * - The largest component does not search: the others find the edges to it.
 * - A point keeps the nearest point outside its component that it has found, which stays the
 *   nearest until it is taken in; else it keeps a lower bound of its edges, and does not search
 *   while its component has a better edge.
 * - The least weight found so far for a component is shared by the threads. It only cuts
 *   searches short: a point whose search was cut below what it found keeps a bound, not an edge,
 *   so what is kept is exact and does not depend on timing.
 *
 * In few dimensions a point searches by the tree, passing over boxes inside its own component.
 * In many dimensions the pass that finds core distances keeps some neighbours more, and a point
 * whose neighbours are all taken in is compared with all points, in blocks.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/learn/hdbscan.h"

/* MORE: neighbours kept beyond the core distance's, without a tree. */
enum { NONE = UINT32_MAX, CHUNK = 256, MORE = 24, GROUP = 32 };

struct span {
	const struct space *s;
	double alpha;
	double *core; /* [N], all by place */
	double *node_core; /* [nodes]: the least core distance below */
	uint32_t *component; /* [N]: the place that stands for its component */
	uint32_t *node_component; /* [nodes]: NONE where they are mixed */
	uint32_t *candidate; /* [N]: the place of the nearest point outside, NONE if not known */
	double *bound; /* [N]: the candidate's weight, or what no edge of the point goes below */
	double *best; /* [N], by component: least weight found; shared */
	uint32_t *edge; /* [N], by component: the place whose candidate is its least edge */
	uint32_t *size; /* [N], by component */
	struct hit *near; /* [N, n_near], without a tree */
	size_t n_near;
	uint32_t largest; /* the component that does not search */
};

static inline double weight(const struct span *g, double raw, double core_a, double core_b)
{
	double w = space_distance(g->s->metric, raw) / g->alpha;
	w = core_a > w ? core_a : w;
	return core_b > w ? core_b : w;
}

static inline double shared_get(const double *x)
{
	double value;
	__atomic_load(x, &value, __ATOMIC_RELAXED);
	return value;
}

static void shared_lower(double *x, double value)
{
	double old = shared_get(x);
	while (value < old && !__atomic_compare_exchange(
				      x, &old, &value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* --- Searching the nearest point outside ---------------------------------------------------- */

struct search {
	struct span *g;
	const double *point;
	uint32_t at, component;
	double core;
	double limit; /* the component's best weight as last read: edges above are of no use */
	double found; /* weight of the nearest so far, infinite for none */
	uint32_t candidate, index; /* its place and index */
	double cutoff; /* the smaller of limit and found */
	double raw_cutoff; /* what no useful raw distance exceeds */
};

static void search_cut(struct search *q)
{
	double shared = shared_get(&q->g->best[q->component]);
	if (shared < q->limit)
		q->limit = shared;
	q->cutoff = q->found < q->limit ? q->found : q->limit;
	q->raw_cutoff = space_raw_bound(q->g->s->metric, q->cutoff * q->g->alpha);
}

static void search_begin(struct search *q, struct span *g, uint32_t at, const double *point)
{
	*q = (struct search){ .g = g,
		.point = point,
		.at = at,
		.component = g->component[at],
		.core = g->core[at],
		.limit = INFINITY,
		.found = INFINITY,
		.candidate = NONE,
		.index = NONE };
	search_cut(q);
}

static void search_take(struct search *q, const double *raw, size_t place, size_t n)
{
	struct span *g = q->g;
	for (size_t i = 0; i < n; i++) {
		size_t p = place + i;
		if (!(raw[i] <= q->raw_cutoff) || p >= g->s->n || g->component[p] == q->component)
			continue;
		double w = weight(g, raw[i], q->core, g->core[p]);
		if (w > q->cutoff || (w == q->found && g->s->order[p] > q->index))
			continue;
		q->found = w;
		q->candidate = (uint32_t)p;
		q->index = g->s->order[p];
		shared_lower(&g->best[q->component], w);
		search_cut(q);
	}
}

static void search_end(const struct search *q)
{
	bool exact = q->candidate != NONE && q->found <= q->limit;
	q->g->candidate[q->at] = exact ? q->candidate : NONE;
	q->g->bound[q->at] = exact ? q->found : q->limit;
}

static void visit(struct search *q, size_t node, size_t leaf, size_t leaves, double box)
{
	const struct span *g = q->g;
	if (g->node_component[node] == q->component || box > q->raw_cutoff)
		return;
	double low = weight(g, box, q->core, g->node_core[node]);
	if (low > q->cutoff || (low == q->found && g->s->first[node] > q->index))
		return;
	const struct space *s = g->s;
	if (leaves == 1) {
		double raw[SPACE_LEAF] __attribute__((aligned(64)));
		space_block(s->metric, q->point, s->blocks + leaf * SPACE_LEAF * s->c,
			SPACE_LEAF / SPACE_LANES, s->c, raw);
		search_take(q, raw, leaf * SPACE_LEAF, SPACE_LEAF);
		search_cut(q);
		return;
	}
	size_t left = (leaves + 1) / 2, near = node + 1, far = node + 2 * left;
	double a = space_box(s, q->point, near), b = space_box(s, q->point, far);
	if (a < b || (a == b && s->first[near] < s->first[far])) {
		visit(q, near, leaf, left, a);
		visit(q, far, leaf + left, leaves - left, b);
	} else {
		visit(q, far, leaf + left, leaves - left, b);
		visit(q, near, leaf, left, a);
	}
}

/* Has the point to search, or does what it knows suffice? */
static bool must_search(const struct span *g, size_t p)
{
	uint32_t component = g->component[p];
	return component != g->largest && g->candidate[p] == NONE &&
	       g->bound[p] <= shared_get(&g->best[component]);
}

static void search_by_tree(struct span *g)
{
	const struct space *s = g->s;
#pragma omp parallel
	{
		double *point = MEM_ARRAY(double, s->c);
#pragma omp for schedule(dynamic, CHUNK)
		for (size_t p = 0; p < s->n; p++) {
			if (!must_search(g, p))
				continue;
			struct search q;
			space_at(s, p, point);
			search_begin(&q, g, (uint32_t)p, point);
			visit(&q, 0, 0, s->n_leaves, 0);
			search_end(&q);
		}
		mem_free(point);
	}
}

/* Look among the neighbours kept: the nearest outside is the answer where nothing that was not
 * kept can be as near. */
static void search_kept(struct span *g, size_t p)
{
	const struct hit *near = g->near + p * g->n_near;
	double all = weight(g, near[g->n_near - 1].raw, g->core[p],
		0); /* a lower bound for what was not kept */
	if (g->n_near == g->s->n)
		all = INFINITY;
	double found = INFINITY;
	uint32_t candidate = NONE;
	for (size_t i = 0; i < g->n_near; i++) {
		uint32_t other = near[i].index;
		if (g->component[other] == g->component[p])
			continue;
		double w = weight(g, near[i].raw, g->core[p], g->core[other]);
		if (w < found || (w == found && other < candidate)) {
			found = w;
			candidate = other;
		}
	}
	if (candidate != NONE)
		shared_lower(&g->best[g->component[p]], found);
	bool exact = candidate != NONE && found < all;
	double low = all < g->bound[p] ? g->bound[p] : all;
	g->candidate[p] = exact ? candidate : NONE;
	g->bound[p] = exact ? found : low;
}

static void search_group(struct span *g, const uint32_t *places, size_t n, double *points,
	double *const out[4], size_t chunk)
{
	const struct space *s = g->s;
	struct search q[GROUP];
	for (size_t i = 0; i < n; i++) {
		space_at(s, places[i], points + i * s->c);
		search_begin(q + i, g, places[i], points + i * s->c);
	}
	size_t blocks = s->n_leaves * SPACE_LEAF / SPACE_LANES;
	for (size_t b = 0; b < blocks; b += chunk) {
		size_t count = blocks - b < chunk ? blocks - b : chunk;
		for (size_t i = 0; i < n; i += 4) {
			const double *four[4];
			for (size_t j = 0; j < 4; j++)
				four[j] = q[i + j < n ? i + j : i].point;
			space_block4(s->metric, four, s->blocks + b * s->c * SPACE_LANES, count,
				s->c, out);
			for (size_t j = 0; j < 4 && i + j < n; j++)
				search_take(
					q + i + j, out[j], b * SPACE_LANES, count * SPACE_LANES);
		}
	}
	for (size_t i = 0; i < n; i++)
		search_end(q + i);
}

static void search_by_blocks(struct span *g)
{
	const struct space *s = g->s;
#pragma omp parallel for schedule(dynamic, CHUNK)
	for (size_t p = 0; p < s->n; p++)
		if (must_search(g, p))
			search_kept(g, p);
	uint32_t *places = MEM_ARRAY(uint32_t, s->n);
	size_t n = 0;
	for (size_t p = 0; p < s->n; p++)
		if (must_search(g, p))
			places[n++] = (uint32_t)p;
	size_t chunk = space_chunk(s->c);
#pragma omp parallel
	{
		double *points = MEM_ARRAY(double, size_mul(GROUP, s->c));
		double *raw = MEM_ARRAY(double, 4 * chunk * SPACE_LANES);
		double *const out[4] = { raw, raw + chunk * SPACE_LANES,
			raw + 2 * chunk * SPACE_LANES, raw + 3 * chunk * SPACE_LANES };
#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < n; i += GROUP)
			search_group(
				g, places + i, n - i < GROUP ? n - i : GROUP, points, out, chunk);
		mem_free(points);
		mem_free(raw);
	}
	mem_free(places);
}

/* --- Rounds --------------------------------------------------------------------------------- */

static uint32_t find(uint32_t *component, uint32_t p)
{
	while (component[p] != p) {
		component[p] = component[component[p]];
		p = component[p];
	}
	return p;
}

/* The edge of a place and its candidate comes before that of another place. */
static bool edge_before(const struct span *g, uint32_t p, uint32_t other)
{
	if (g->bound[p] != g->bound[other])
		return g->bound[p] < g->bound[other];
	const uint32_t *order = g->s->order;
	uint32_t a = order[p], b = order[g->candidate[p]], c = order[other],
		 d = order[g->candidate[other]];
	uint32_t low = a < b ? a : b, low_other = c < d ? c : d;
	if (low != low_other)
		return low < low_other;
	return (a < b ? b : a) < (c < d ? d : c);
}

static void mark_nodes(struct span *g, size_t node, size_t leaf, size_t leaves)
{
	const struct space *s = g->s;
	if (leaves > 1) {
		size_t left = (leaves + 1) / 2, near = node + 1, far = node + 2 * left;
		mark_nodes(g, near, leaf, left);
		mark_nodes(g, far, leaf + left, leaves - left);
		g->node_component[node] = g->node_component[near] == g->node_component[far]
						  ? g->node_component[near]
						  : (uint32_t)NONE;
		g->node_core[node] = g->node_core[near] < g->node_core[far] ? g->node_core[near]
									    : g->node_core[far];
		return;
	}
	size_t from = leaf * SPACE_LEAF, to = from + SPACE_LEAF < s->n ? from + SPACE_LEAF : s->n;
	uint32_t same = g->component[from];
	double core = g->core[from];
	for (size_t p = from + 1; p < to; p++) {
		same = g->component[p] == same ? same : (uint32_t)NONE;
		core = g->core[p] < core ? g->core[p] : core;
	}
	g->node_component[node] = same;
	g->node_core[node] = core;
}

/* Begin a round: who is in which component, and what is known of its least edge. */
static void round_begin(struct span *g)
{
	size_t n = g->s->n;
	for (size_t p = 0; p < n; p++) {
		g->component[p] = find(g->component, (uint32_t)p);
		g->size[p] = 0;
		g->best[p] = INFINITY;
		g->edge[p] = NONE;
	}
	g->largest = 0;
	for (size_t p = 0; p < n; p++)
		g->size[g->component[p]]++;
	for (size_t p = 1; p < n; p++)
		if (g->size[p] > g->size[g->largest])
			g->largest = (uint32_t)p;
	for (size_t p = 0; p < n; p++) {
		uint32_t component = g->component[p];
		if (g->candidate[p] == NONE)
			continue;
		if (g->component[g->candidate[p]] == component)
			g->candidate[p] = NONE; /* taken in; its weight remains a lower bound */
		else if (g->bound[p] < g->best[component])
			g->best[component] = g->bound[p];
	}
	if (g->s->tree)
		mark_nodes(g, 0, 0, g->s->n_leaves);
}

/* End it: join the components along their least edges. Returns how many edges there are now. */
static size_t round_end(struct span *g, struct hdbscan_edge *edges, size_t n_edges)
{
	size_t n = g->s->n;
	for (size_t p = 0; p < n; p++) {
		uint32_t component = g->component[p];
		if (component == g->largest || g->candidate[p] == NONE)
			continue;
		uint32_t *edge = &g->edge[component];
		if (*edge == NONE || edge_before(g, (uint32_t)p, *edge))
			*edge = (uint32_t)p;
	}
	for (size_t p = 0; p < n; p++) {
		uint32_t from = g->edge[p];
		if (from == NONE)
			continue;
		uint32_t to = g->candidate[from], a = find(g->component, (uint32_t)p),
			 b = find(g->component, to);
		if (a == b)
			continue; /* the other component chose the same edge */
		g->component[a > b ? a : b] = a > b ? b : a;
		uint32_t i = g->s->order[from], j = g->s->order[to];
		edges[n_edges++] =
			(struct hdbscan_edge){ g->bound[from], i < j ? i : j, i < j ? j : i };
	}
	return n_edges;
}

/* --- Core distances ------------------------------------------------------------------------- */

static void core_distances(
	struct span *g, size_t wanted, hdbscan_progress *progress, double *predict_core)
{
	const struct space *s = g->s;
	size_t samples = wanted < s->n ? wanted : s->n - 1; /* beside the point itself */
	size_t itself = wanted == 0 ? 0 : wanted <= s->n ? wanted - 1 : s->n - 1, done = 0;
	g->n_near = s->tree ? samples + 1 : samples + 1 + MORE;
	g->n_near = g->n_near < s->n ? g->n_near : s->n;
	if (!s->tree)
		g->near = MEM_ARRAY(struct hit, size_mul(s->n, g->n_near));
#pragma omp parallel for schedule(dynamic)
	for (size_t from = 0; from < s->n; from += CHUNK) {
		size_t to = from + CHUNK < s->n ? from + CHUNK : s->n;
		struct hit *hits = s->tree ? MEM_ARRAY(struct hit, CHUNK * g->n_near)
					   : g->near + from * g->n_near;
		space_nearest_places(s, from, to, g->n_near, hits);
		for (size_t p = from; p < to; p++) {
			const struct hit *h = hits + (p - from) * g->n_near;
			g->core[p] = space_distance(s->metric, h[samples].raw);
			if (predict_core)
				predict_core[s->order[p]] =
					space_distance(s->metric, h[itself].raw);
		}
		if (s->tree)
			mem_free(hits);
		if (progress) {
#pragma omp critical
			progress("core distances", done += to - from, s->n);
		}
	}
}

static int compare_edges(const void *x, const void *y)
{
	const struct hdbscan_edge *e = x, *f = y;
	if (e->weight != f->weight)
		return e->weight < f->weight ? -1 : 1;
	if (e->a != f->a)
		return e->a < f->a ? -1 : 1;
	return (e->b > f->b) - (e->b < f->b);
}

void hdbscan_span(const struct space *s, size_t min_samples, double alpha,
	hdbscan_progress *progress, struct hdbscan_edge *edges, double *predict_core)
{
	size_t n = s->n;
	CHECK(n >= 1);
	struct span g = { .s = s, .alpha = alpha };
	g.core = MEM_ARRAY(double, n);
	g.bound = MEM_ARRAY(double, n);
	g.best = MEM_ARRAY(double, n);
	g.component = MEM_ARRAY(uint32_t, n);
	g.candidate = MEM_ARRAY(uint32_t, n);
	g.edge = MEM_ARRAY(uint32_t, n);
	g.size = MEM_ARRAY(uint32_t, n);
	g.node_core = MEM_ARRAY(double, s->n_nodes);
	g.node_component = MEM_ARRAY(uint32_t, s->n_nodes);
	core_distances(&g, min_samples, progress, predict_core);
	for (size_t p = 0; p < n; p++) {
		g.component[p] = (uint32_t)p;
		g.candidate[p] = NONE;
		g.bound[p] = g.core[p];
	}
	for (size_t n_edges = 0; n_edges + 1 < n;) {
		round_begin(&g);
		if (s->tree)
			search_by_tree(&g);
		else
			search_by_blocks(&g);
		n_edges = round_end(&g, edges, n_edges);
		if (progress)
			progress("spanning tree", n_edges, n - 1);
	}
	qsort(edges, n - 1, sizeof *edges, compare_edges);
	mem_free(g.core);
	mem_free(g.bound);
	mem_free(g.best);
	mem_free(g.component);
	mem_free(g.candidate);
	mem_free(g.edge);
	mem_free(g.size);
	mem_free(g.node_core);
	mem_free(g.node_component);
	mem_free(g.near);
}
