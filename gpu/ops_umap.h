/*
 * ops_umap.h: the layout of UMAP by stochastic gradient descent (L. McInnes, J. Healy, J. Melville,
 * "UMAP: Uniform Manifold Approximation and Projection", 2018, algorithm 5). Definitions as in
 * ops.h; every sum is a chain, no fused multiply-add.
 */
#pragma once
#include "gpu/tensor.h"

/*
 * Smooth the distances of each row, [N, K] rising: rho, where the membership begins to fall: the
 * local_connectivity-th distance above 0 (between two for a fraction; the last one where there are
 * fewer; 0 without any), and sigma, for which the sum of math_exp64(-(d - rho) / sigma) over all
 * but the first (1 where d <= rho) is log2(K) within 1e-5, by 64 bisections in double; at least
 * 1e-3 times the row's mean distance, or `mean` where rho is 0: umap-learn's smooth_knn_dist.
 * sigma, rho [N].
 */
void op_umap_smooth(struct device *, struct tensor sigma, struct tensor rho,
	struct tensor distances, float local_connectivity, float mean);

/*
 * The union of the directed graphs of N rows and their K neighbours, index I32 [N, K] and distances [N,
 * K]. m[i, k] = umap_membership(distances[i, k], sigma[i], rho[i]) (gpu/umap.h); 0 where index[i, k] is i
 * or stands in the row before. With u = m[i, k] and v = m of i in row index[i, k], 0 where i is not
 * there: weight[i, k] = umap_united(u, v, mix); the same below 0 where v is 0: the other row has no such
 * edge; 0 where u is 0.
 */
void op_umap_unite(struct device *, struct tensor weight, struct tensor index,
	struct tensor distances, struct tensor sigma, struct tensor rho, float mix);

/* The curve 1 / (1 + a d^2b), the weight of negative samples, how many of them a positive one
 * has, the step. */
struct umap_force {
	float a, b, gamma, negative_rate, alpha;
	uint64_t seed;
};

/*
 * The edges of a layout, in order of their colour: edges of one colour share no vertex. An edge
 * stands for both of its directions and is drawn every[e] epochs. Tensors: head, tail I32 [E];
 * every, next, next_negative F32 [E], the last two changed by op_umap_epochs.
 */
struct umap_edges {
	struct tensor head, tail, every, next, next_negative;
	size_t n_colours;
	const size_t *start; /* [n_colours + 1], host */
};

/*
 * The epochs first … last - 1 of n_epochs. y [N, D] moves; before [N, D] is room for what y was
 * when an epoch began. alpha = force.alpha (1 - epoch / n_epochs). For each colour in order, each
 * edge e with next[e] <= epoch:
 *	p, q = y[head], y[tail]
 *	attract(p, q); repel(p, head, 0); attract(q, p); repel(q, tail, 1)
 *	next[e] += every[e]; next_negative[e] += n every[e] / negative_rate where n > 0
 * attract(p, q): d2 = the chain of (p - q)² over d, x = d2 + 2^-100, v = umap_power(x, b),
 *	g = -2 a b v / (x (a v + 1)); for each dimension step = clip(g (p - q)) alpha, p += step,
 *	q -= step.
 * repel(p, self, end): n = the whole part of (epoch - next_negative[e]) negative_rate / every[e],
 * at
 *	least 0. For i < n: v = random_below(random_mix(key + i 0xd1342543de82ef95), N), key =
 *	random_mix(seed 0x9e3779b97f4a7c15 + (epoch 2^40 xor 2 e) + end); unless v is self: o =
 *	before[v], d2 the chain of (p - o)², g = 2 gamma b / ((0.001 + d2) (a umap_power(d2 + 2^-100,
 *	b) + 1)), p += clip(g (p - o)) alpha.
 * Products and quotients go from left to right; clip(v) to [-4, 4]; umap_power is in gpu/umap.h.
 */
void op_umap_epochs(struct device *, struct tensor y, struct tensor before,
	const struct umap_edges *, const struct umap_force *, size_t first, size_t last,
	size_t n_epochs);

/*
 * New points among fixed ones: y [M, D] moves, fixed [N, D] stays. Point m has K edges, to[m, k]
 * with membership weight[m, k] (0: none). n_epochs epochs, alpha falling from force.alpha to 0: in
 * each, its edges in order of k, drawn every 1 / weight epochs: attract as above without moving the
 * fixed end, then repel from samples of the fixed points, with key = random_mix(seed
 * 0x9e3779b97f4a7c15 + salt[m] + (epoch 2^20 xor k)). Depends on nothing but the point itself. to
 * I32, weight F32; salt: [M] host.
 */
void op_umap_place(struct device *, struct tensor y, struct tensor fixed, struct tensor to,
	struct tensor weight, const uint64_t *salt, const struct umap_force *, size_t n_epochs);
