/*
 * hdbscan_select.c: clusters out of a condensed tree, with hdbscan's numbers: excess of mass or
 * leaves (Campello, Moulavi, Sander 2013), the distance threshold of Malzer and Baum ("A hybrid
 * approach to hierarchical density-based cluster selection", 2020), labels, probabilities,
 * persistence, and the outlier scores of GLOSH (Campello, Moulavi, Zimek, Sander, "Hierarchical
 * density estimates for data clustering, visualization, and outlier detection", TKDD 2015).
 *
 * Followed to the letter, because labels turn on it: stabilities are summed in order of rows,
 * those of a cluster's children in float32; a comparison with the NaN of infinite lambdas (equal
 * points) is false. Two departures, both where hdbscan gives NaN because lambda is infinite: a
 * point in a cluster of infinite lambda, itself of finite lambda, has outlier score 1 (the
 * limit), and infinite persistence is 1.
 */
#include <math.h>

#include "lib/learn/hdbscan.h"

enum { NONE = UINT32_MAX };

struct cluster {
	uint32_t parent, size; /* parent: index of the cluster; NONE for the root */
	uint32_t child, sibling; /* first child, next child of the parent, in order of rows */
	double birth, death; /* lambda at which it appears; the largest among its own rows */
	double stability;
	bool selected;
};

/* Clusters by id - n, the root first; a parent stands before its children. */
static struct cluster *clusters_of(const struct hdbscan_tree *t)
{
	struct cluster *c = mem_zero(t->n_clusters, sizeof *c);
	uint32_t *last = MEM_ARRAY(uint32_t, t->n_clusters);
	for (size_t i = 0; i < t->n_clusters; i++)
		c[i].child = c[i].sibling = c[i].parent = last[i] = NONE;
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		uint32_t parent = row->parent - (uint32_t)t->n, child = row->child - (uint32_t)t->n;
		c[parent].death = row->lambda > c[parent].death ? row->lambda : c[parent].death;
		if (row->child < t->n)
			continue;
		c[child].birth = row->lambda;
		c[child].parent = parent;
		c[child].size = row->size;
		*(last[parent] == NONE ? &c[parent].child : &c[last[parent]].sibling) = child;
		last[parent] = child;
	}
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		struct cluster *parent = &c[row->parent - t->n];
		parent->stability += (row->lambda - parent->birth) * row->size;
	}
	mem_free(last);
	return c;
}

/* Of the root hdbscan knows the size of its children alone, and as its distance the largest in
 * the tree. */
static void measure_root(struct cluster *c, const struct hdbscan_tree *t, double *distance)
{
	c[0].size = 0;
	for (uint32_t child = c[0].child; child != NONE; child = c[child].sibling)
		c[0].size += c[child].size;
	*distance = 0;
	for (size_t r = 0; r < t->n_rows; r++)
		*distance = 1 / t->rows[r].lambda > *distance ? 1 / t->rows[r].lambda : *distance;
}

/* Excess of mass, from the leaves up: a cluster stays where it is as stable as the best of what
 * is below it. */
static void select_mass(
	struct cluster *c, const struct hdbscan_tree *t, const struct hdbscan_options *o)
{
	size_t limit = o->max_cluster_size ? o->max_cluster_size : t->n + 1;
	double distance_max = o->epsilon_max > 0 ? o->epsilon_max : INFINITY, root_distance = 0;
	size_t first = o->allow_single_cluster ? 0 : 1;
	if (o->allow_single_cluster)
		measure_root(c, t, &root_distance);
	for (size_t i = t->n_clusters; i-- > first;) {
		float below = 0;
		for (uint32_t child = c[i].child; child != NONE; child = c[child].sibling)
			below = (float)(below + c[child].stability);
		double distance = i ? 1 / c[i].birth : root_distance;
		c[i].selected =
			!(below > c[i].stability || c[i].size > limit || distance > distance_max);
		if (!c[i].selected)
			c[i].stability = below;
	}
	/* below a selected cluster nothing is */
	bool *under = mem_zero(t->n_clusters, sizeof *under);
	for (size_t i = 1; i < t->n_clusters; i++) {
		under[i] = c[c[i].parent].selected || under[c[i].parent];
		c[i].selected = c[i].selected && !under[i];
	}
	mem_free(under);
}

/* Selected clusters that were born below the distance give way to the nearest ancestor born
 * above it. */
static void select_by_distance(
	struct cluster *c, const struct hdbscan_tree *t, const struct hdbscan_options *o)
{
	bool *chosen = mem_zero(t->n_clusters, sizeof *chosen),
	     *taken = mem_zero(t->n_clusters, sizeof *taken);
	for (size_t i = t->n_clusters; i-- > 1;) {
		if (!c[i].selected)
			continue;
		uint32_t at = (uint32_t)i;
		if (!(1 / c[i].birth < o->epsilon)) {
			chosen[i] = true;
			continue;
		}
		for (uint32_t up = c[at].parent;; up = c[at].parent) {
			if (up == 0) {
				at = o->allow_single_cluster
					     ? 0
					     : at; /* else the one next to the root */
				break;
			}
			at = up;
			if (1 / c[at].birth > o->epsilon)
				break;
		}
		taken[at] = true;
	}
	for (size_t i = 0; i < t->n_clusters; i++)
		c[i].selected = chosen[i] || taken[i];
	mem_free(chosen);
	mem_free(taken);
}

static void select_clusters(
	struct cluster *c, const struct hdbscan_tree *t, const struct hdbscan_options *o)
{
	bool split = t->n_clusters > 1;
	if (o->method == HDBSCAN_LEAF) {
		for (size_t i = 1; i < t->n_clusters; i++)
			c[i].selected = c[i].child == NONE;
	} else {
		select_mass(c, t, o);
	}
	/* a root selected alone has no distance to compare */
	if (o->epsilon > 0 && split && !c[0].selected)
		select_by_distance(c, t, o);
}

/* --- Labels and scores ---------------------------------------------------------------------- */

struct labelling {
	const struct hdbscan_tree *t;
	struct cluster *c;
	int32_t *label; /* [clusters]: of the cluster itself or the nearest selected above it; -1 */
	uint32_t *owner; /* [clusters]: that cluster; NONE */
};

static void label_clusters(struct hdbscan *h, struct labelling *l)
{
	size_t k = 0, n = l->t->n_clusters;
	for (size_t i = 0; i < n; i++)
		k += l->c[i].selected;
	h->k = k;
	h->selected = MEM_ARRAY(uint32_t, k);
	k = 0;
	for (size_t i = 0; i < n; i++) {
		bool own = l->c[i].selected;
		l->label[i] = own ? (int32_t)k : i ? l->label[l->c[i].parent] : -1;
		l->owner[i] = own ? (uint32_t)i : i ? l->owner[l->c[i].parent] : (uint32_t)NONE;
		if (own)
			h->selected[k++] = (uint32_t)(l->t->n + i);
	}
}

/* A point of the root belongs to it, where it is the one cluster, if it leaves below epsilon, or
 * else with the last points. */
static bool in_root(const struct labelling *l, const struct hdbscan *h,
	const struct hdbscan_options *o, double lambda)
{
	if (h->k != 1 || !o->allow_single_cluster)
		return false;
	return o->epsilon > 0 ? lambda >= 1 / o->epsilon : lambda >= l->c[0].death;
}

static void label_points(
	struct hdbscan *h, const struct labelling *l, const struct hdbscan_options *o)
{
	const struct hdbscan_tree *t = l->t;
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		if (row->child >= t->n)
			continue;
		size_t i = row->parent - t->n;
		int32_t label = l->label[i];
		if (label >= 0 && l->owner[i] == 0 && !in_root(l, h, o, row->lambda))
			label = -1;
		double peak = label < 0 ? 0 : l->c[l->owner[i]].death,
		       lambda = row->lambda < peak ? row->lambda : peak;
		h->label[row->child] = label;
		h->probability[row->child] = label < 0                         ? 0
					     : peak == 0 || isinf(row->lambda) ? 1
									       : lambda / peak;
	}
}

/* GLOSH: how far below the densest point of its cluster, or of what it splits into, a point
 * leaves. */
static void score_outliers(struct hdbscan *h, const struct labelling *l)
{
	const struct hdbscan_tree *t = l->t;
	double *peak = MEM_ARRAY(double, t->n_clusters);
	for (size_t i = t->n_clusters; i-- > 0;) {
		peak[i] = l->c[i].death;
		for (uint32_t child = l->c[i].child; child != NONE; child = l->c[child].sibling)
			peak[i] = peak[child] > peak[i] ? peak[child] : peak[i];
	}
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		if (row->child >= t->n)
			continue;
		double top = peak[row->parent - t->n], score = 0;
		if (top != 0 && isfinite(row->lambda))
			score = isinf(top) ? 1 : (top - row->lambda) / top;
		h->outlier_score[row->child] = score;
	}
	mem_free(peak);
}

static void score_clusters(struct hdbscan *h, const struct cluster *c)
{
	size_t *size = mem_zero(h->k, sizeof *size);
	for (size_t i = 0; i < h->n; i++)
		if (h->label[i] >= 0)
			size[h->label[i]]++;
	double top = 0;
	for (size_t r = 0; r < h->tree.n_rows; r++)
		top = h->tree.rows[r].lambda > top ? h->tree.rows[r].lambda : top;
	h->persistence = MEM_ARRAY(double, h->k);
	for (size_t k = 0; k < h->k; k++) {
		double stability = c[h->selected[k] - h->n].stability;
		h->persistence[k] = isinf(top) || top == 0 || size[k] == 0
					    ? 1
					    : stability / ((double)size[k] * top);
	}
	mem_free(size);
}

void hdbscan_select(struct hdbscan *h, const struct hdbscan_options *o)
{
	const struct hdbscan_tree *t = &h->tree;
	h->n = t->n;
	h->label = MEM_ARRAY(int32_t, h->n);
	h->probability = MEM_ARRAY(double, h->n);
	h->outlier_score = MEM_ARRAY(double, h->n);
	struct cluster *c = clusters_of(t);
	struct labelling l = { t, c, MEM_ARRAY(int32_t, t->n_clusters),
		MEM_ARRAY(uint32_t, t->n_clusters) };
	select_clusters(c, t, o);
	label_clusters(h, &l);
	label_points(h, &l, o);
	score_outliers(h, &l);
	score_clusters(h, c);
	mem_free(l.label);
	mem_free(l.owner);
	mem_free(c);
}
