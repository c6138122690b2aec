/*
 * ops.h: the operations. A backend implements them and nothing else; models and algorithms call
 * them and look at a tensor's data in no other way.
 *
 * ONE ARITHMETIC. The float32 result of an operation is defined here to the bit, and every backend,
 * path and number of threads gives it (DESIGN.md). "Rounded" means IEEE 754 binary32, to nearest
 * even, with subnormals; an expression such as a * b + c rounds twice unless fma is written.
 * Functions are those of lib/base/math.h.
 *
 *   product  a . b over k: blocks of 256 from k = 0, the last may be shorter. A block is s = +0,
 *	then s = fma(a[k], b[k], s) in order of k. The sum of the first block, then + the sum of the
 *	next, rounded, in order. k = 0 gives +0. No term is skipped, none is added.
 *   lanes    sum of n terms: 16 lanes from +0; term i goes to lane i mod 16 in order of i, by lane +
 *	term, or fma(a, b, lane) where the term is a product a b. Then lane[i] += lane[i + w] for i <
 *	w, for w = 8, 4, 2, 1; the result is lane[0]. Above 4096 terms each 4096 are summed so, and
 *	these sums again by the same rule.
 *   columns  sum down a column: the product with ones (rows in blocks of 256).
 *
 * A maximum that is zero is +0. Which elements are NaN is defined, their bits are not. Nothing
 * depends on the other rows of a batch.
 *
 * Fast modes, by the weight (weight_new): the inputs of a product are rounded to nearest even to
 * bfloat16 (BF16) or binary16 (F16: from 65520 on infinite), sums are float32 in an order that the
 * processor chooses; the result differs from the exact product of the rounded inputs by at most k 2^-24
 * sum |a b|, and inputs and sums below 2^-126 may count as 0. TF32: inputs may be rounded to 10 bits of
 * fraction, either way; the result differs from the exact product by at most (2^-9 + k 2^-24) sum |a b|;
 * the CPU does not round, so its TF32 is F32. The same bytes for any batch and number of threads on one
 * kind of processor with the same libraries.
 *
 * Where weight_activation is not F32 op_linear takes x and gives y of that type too, and
 * op_linear_norm takes x of it, contiguous. What is given is rounded: bias and activation follow a
 * sum that may itself be rounded to the type (BF16, or no activation), as may the bias; so do those
 * within op_feed_forward. Attention takes and gives such matrices too, q, k and v of any stride. A y
 * with a twin (tensor_twin) may be given to op_embed, op_norm, op_linear, op_linear_norm and
 * op_feed_forward. With weights of BF16 that the card multiplies as such the last two take residuals
 * and give norms that are BF16 too, contiguous, of whole eights of columns, in any mixture with F32;
 * the norm's sums may then be in another order. GELU and GELU_TANH behind such products are within
 * 2^-15 of their formulas before what is given is rounded, or by a library within 2^-15 + 2^-11 |x|,
 * where what is given is BF16, or GELU_TANH as F16.
 *
 * Shapes are in brackets: T tokens, C channels, H heads, D head size, B sequences, N rows of a
 * weight's matrix. Tensors are F32 unless said; wrong shapes are bugs (CHECK). Outputs may not
 * overlap inputs unless said. Host arrays (ids, cu_seqlens) are read before the call returns. Sizes
 * may be 0.
 *
 * TO ADD AN OPERATION: its prototype and definition here (or in gpu/ops_X.h, for a family that one
 * algorithm uses), its checks and dispatch in gpu/ops.c (or gpu/ops_X.c), and a kernel: see
 * gpu/kernels.h.
 */
#pragma once
#include "gpu/tensor.h"

enum activation {
	ACTIVATION_NONE,
	ACTIVATION_GELU, /* math_gelu: (0.5 x) (1 + erf(x sqrt(1/2))) */
	ACTIVATION_GELU_TANH, /* math_gelu_tanh, the "gelu_new" of Hugging Face */
	ACTIVATION_RELU, /* x > 0 ? x : 0; a NaN stays */
	ACTIVATION_TANH, /* math_tanh */
	ACTIVATION_COUNT
};

/* --- products --- */

/* y [T, N] = act(x [T, K] w^T + bias): the product; then the bias is added, if the weight has one;
 * then the activation. */
void op_linear(
	struct device *, struct tensor y, struct tensor x, const struct weight *w, enum activation);

/* y [M, N] = x [M, K] w [N, K]^T, the product, both on the device. Lays w out anew every time: for
 * a matrix that is used often make a weight. */
void op_matmul(struct device *, struct tensor y, struct tensor x, struct tensor w);

/* --- layers of an encoder --- */

/* Layer normalisation of a row t [C] (J. Ba et al., 2016): m = lanes(t) / C; v = lanes(d d) / C by
 * fma, d = t - m; r = 1 / sqrt(v + eps); y = fma((t - m) r, gamma, beta). Below: norm(t). gamma,
 * beta [C]. */
struct norm {
	struct tensor gamma, beta;
	float eps;
};

/* y [T, C] = norm(x [T, C]). y may be x. */
void op_norm(struct device *, struct tensor y, struct tensor x, struct norm);

/* y [T, C] = norm((word[ids[t]] + type[types[t]]) + position[positions[t]]), rows of word [V, C]
 * F32; type [., C] and position [., C] may be TENSOR_NONE, then that sum is left out (and types,
 * positions NULL). */
void op_embed(struct device *, struct tensor y, size_t n, const uint32_t *ids, struct tensor word,
	const uint32_t *types, struct tensor type, const uint32_t *positions,
	struct tensor position, struct norm);

/* y [T, N] = norm(residual [T, N] + (x [T, K] w^T + bias)). y may be residual. */
void op_linear_norm(struct device *, struct tensor y, struct tensor x, const struct weight *w,
	struct tensor residual, struct norm);

/* y [T, C] = norm(x + (act(x up^T + bias) down^T + bias)), x [T, C], up [F, C], down [C, F]. y may
 * be x. */
void op_feed_forward(struct device *, struct tensor y, struct tensor x, const struct weight *up,
	enum activation, const struct weight *down, struct norm);

/*
 * Attention of every token over the tokens of its own sequence (A. Vaswani et al., 2017). out, q,
 * k, v [T, H D], usually q, k and v are columns of one matrix; sequence b has the tokens
 * cu_seqlens[b] .. cu_seqlens[b + 1], n_sequences + 1 offsets from 0 to T, not falling. A head h is
 * columns h D .. (h + 1) D.
 *	s[j] = (scale q) . k[j] by the product, q scaled first;
 *	s[j] += bias[h, j - i + L - 1] where there is a bias
 *	m = the maximum of s (a zero is +0); p[j] = math_exp_neg(s[j] - m); z = lanes(p)
 *	out = (p . v by the product over keys) / z
 * A query i sees the keys |i - j| <= reach (SIZE_MAX: all); the others are left out of m and of the
 * product, whose blocks are still the 256 keys from the sequence's first on, those without a key
 * in reach left out too; in z their p is +0.
 * position_bias [H, 2 L - 1] for relative positions -(L - 1) .. L - 1, L >= the longest sequence,
 * or TENSOR_NONE. dtype is that of the products beside it: with BF16 or F16 scale q, k, p and v may be
 * rounded to it, keys out of reach may count in the product with p = 0, and sums are float32 in any
 * order, the same bytes for any batch on one kind of processor; F32 and TF32 are as above.
 */
void op_attention(struct device *, struct tensor out, struct tensor q, struct tensor k,
	struct tensor v, size_t n_sequences, const size_t *cu_seqlens, size_t n_heads, float scale,
	struct tensor position_bias, size_t reach, enum dtype);

/*
 * The same, all keys in reach, with scores that depend on the distance and on either token (P. He
 * et al., DeBERTa, 2021):
 *	s[j] = ((scale q) . k[j]) + (query_terms[i, h P + p] + key_terms[j, h P + p]),
 *	p = place[i - j + L - 1]
 * query_terms, key_terms [T, H P]; place [2 L - 1] in host memory, 0 .. P - 1, L >= the longest
 * sequence; read before the call returns.
 */
void op_attention_relative(struct device *, struct tensor out, struct tensor q, struct tensor k,
	struct tensor v, size_t n_sequences, const size_t *cu_seqlens, size_t n_heads, float scale,
	struct tensor query_terms, struct tensor key_terms, size_t n_places, const int32_t *place,
	enum dtype);

/*
 * Rotary positions (J. Su et al., RoFormer, 2021), in place: x [T, H D], D even. Row t is at
 * positions[t]; of each head and for d < D / 2, with a = x[d], b = x[d + D / 2]:
 *	x[d] = a cosine[d] - b sine[d], x[d + D / 2] = b cosine[d] + a sine[d]
 * products rounded, then the sum; cosine, sine [L, D / 2], row positions[t] < L.
 */
void op_rotate(struct device *, struct tensor x, size_t n_heads, const uint32_t *positions,
	struct tensor cosine, struct tensor sine);

/* y [T, F] = act(x[., 0 .. F]) x[., F .. 2 F], rounded; x [T, 2 F]: a gated linear unit (N.
 * Shazeer, 2020). */
void op_gate(struct device *, struct tensor y, struct tensor x, enum activation);

/* y [T, C] = a + b. y may be a or b. */
void op_add(struct device *, struct tensor y, struct tensor a, struct tensor b);

/* --- sentences --- */

enum pooling {
	POOLING_MEAN, /* columns / n */
	POOLING_CLS, /* the first token */
	POOLING_MAX, /* the maximum, a zero is +0; NaN where a token's is */
	POOLING_LAST, /* the last token */
	POOLING_WEIGHTED_MEAN, /* product with 1 … n, / (n (n + 1) / 2): Muennighoff, SGPT, 2022 */
	POOLING_COUNT
};

/* y [B, C] from x [T, C]; offsets as in op_attention. A sequence without tokens gives zeros. */
void op_pool(struct device *, struct tensor y, struct tensor x, size_t n_sequences,
	const size_t *cu_seqlens, enum pooling);

/* y [N, C] = x / max(sqrt(lanes(x x)), 1e-12), as torch.nn.functional.normalize. y may be x. */
void op_normalize(struct device *, struct tensor y, struct tensor x);

/* y [B, C]: sum of rows of a table [V, C] (F32 or I8), in order of the ids of sequence b: the
 * product of the scales [V] of the rows (ones for TENSOR_NONE) with the rows; divided by the number
 * of ids where mean is set. Zeros for no ids. cu_seqlens counts into ids. */
void op_bag(struct device *, struct tensor y, struct tensor table, struct tensor scales,
	const uint32_t *ids, size_t n_sequences, const size_t *cu_seqlens, bool mean);

/* y [C] = sum of the rows of x [T, C]: columns. */
void op_column_sum(struct device *, struct tensor y, struct tensor x);

/* --- distances --- */

/* y [N] = x . x for rows of x [N, C], by the product. */
void op_square_norms(struct device *, struct tensor y, struct tensor x);

/* y [M, N] = (xx[i] + ww[j]) - 2 (x[i] . w[j]) by the product, negative becoming 0; xx [M], ww [N]
 * are the op_square_norms of x [M, K] and of the weight's rows: a copy is at distance 0. */
void op_square_distances(struct device *, struct tensor y, struct tensor x, const struct weight *w,
	struct tensor xx, struct tensor ww);

enum metric {
	METRIC_EUCLIDEAN, /* sqrt(lanes(d d)), d = x - z */
	METRIC_SQEUCLIDEAN, /* lanes(d d) */
	METRIC_MANHATTAN, /* lanes(|d|) */
	METRIC_COSINE, /* 1 - xz / sqrt(xx zz), by lanes, negative becoming 0; where xx zz is 0:
			* 0 if xx = zz, else 1 */
	METRIC_DOT, /* -lanes(x z): the largest product is nearest */
	METRIC_COUNT
};

/* y [P] = metric(x [N, C] row i[p], z [M, C] row j[p]). The distances that are stored, whichever
 * search found the pairs. i, j: I32 [P]. */
void op_pair_distances(struct device *, struct tensor y, struct tensor x, struct tensor z,
	struct tensor i, struct tensor j, enum metric);

/*
 * The k smallest, kept over blocks of columns. values [M, k] and indices I32 [M, k] hold each row's
 * smallest so far in order of (value, index), -0 as +0, a NaN never; y [M, N] are the values of
 * columns first .. first + N, which the lists do not hold yet. Lists begin with op_top_k_clear:
 * values +inf, indices -1 (never kept against a real +inf: an empty place is the last of all).
 */
void op_top_k_clear(struct device *, struct tensor values, struct tensor indices);
void op_top_k(struct device *, struct tensor values, struct tensor indices, struct tensor y,
	size_t first);
