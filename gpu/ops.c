/* ops.c: each operation checks its shapes once, fills its kernel's arguments and dispatches; see
 * ops.h. */
#include "gpu/ops.h"

#include "gpu/kernels.h"

static bool is_matrix(struct tensor t, size_t rows, size_t columns)
{
	return t.n_dims == 2 && t.dtype == F32 && t.shape[0] == rows && t.shape[1] == columns;
}

/* That an operation writes which keeps no twin. */
static bool is_output(struct tensor t, size_t rows, size_t columns)
{
	return is_matrix(t, rows, columns) && !t.twin;
}

/* What products with w take and give: F32, or contiguous halves. */
static bool is_activation(struct tensor t, size_t rows, size_t columns, const struct weight *w)
{
	if (t.n_dims != 2 || t.dtype == F32)
		return is_matrix(t, rows, columns);
	return t.dtype == weight_activation(w) && t.shape[0] == rows && t.shape[1] == columns &&
	       t.stride[0] == columns;
}

static bool is_vector(struct tensor t, size_t n)
{
	return t.n_dims == 1 && t.dtype == F32 && t.shape[0] == n;
}

static bool is_offsets(size_t n, const size_t *offsets, size_t total)
{
	bool good = n == 0 ? total == 0 : offsets[0] == 0 && offsets[n] == total;
	for (size_t i = 0; i < n; i++)
		good = good && offsets[i] <= offsets[i + 1];
	return good;
}

/* --- products --- */

static struct linear_arguments linear(
	struct tensor y, struct tensor x, const struct weight *w, enum activation activation)
{
	CHECK(activation < ACTIVATION_COUNT);
	CHECK(!y.twin || y.twin_dtype == w->dtype);
	bool reads_twin = x.twin && x.twin_dtype == weight_activation(w);
	return (struct linear_arguments){ .y = y.dtype == F32 ? y.data : NULL,
		.x = x.dtype == F32 ? x.data : NULL,
		.rows = x.shape[0],
		.y_stride = y.stride[0],
		.x_stride = x.stride[0],
		.w = w,
		.activation = activation,
		.x_half = x.dtype != F32 ? x.data : reads_twin ? x.twin : NULL,
		.y_half = y.dtype != F32 ? y.data : y.twin };
}

/* Units of a product: the panels of each block of rows. */
static size_t product_units(size_t rows, const struct weight *w)
{
	return size_mul(device_units(rows, BLOCK_ROWS), device_units(w->n, w->panel));
}

/* So many that a run of them is worth a thread: about a million multiplications. */
static size_t product_grain(size_t rows, const struct weight *w)
{
	size_t unit = (rows < BLOCK_ROWS ? rows : BLOCK_ROWS) * w->panel * (w->k + 1) + 1;
	return (1 << 20) / unit + 1;
}

void op_linear(struct device *d, struct tensor y, struct tensor x, const struct weight *w,
	enum activation activation)
{
	CHECK(w->table == d->table && is_activation(x, x.shape[0], w->k, w));
	CHECK(is_activation(y, x.shape[0], w->n, w));
	struct linear_arguments a = linear(y, x, w, activation);
	device_run(d, KERNEL_linear, &a, product_units(a.rows, w), product_grain(a.rows, w));
}

void op_matmul(struct device *d, struct tensor y, struct tensor x, struct tensor w)
{
	CHECK(is_matrix(w, y.shape[1], x.shape[1]));
	struct weight *packed = weight_of(d, w);
	op_linear(d, y, x, packed, ACTIVATION_NONE);
	weight_free(packed);
}

/* --- layers of an encoder --- */

static struct norm_arguments norm(struct tensor y, struct tensor x, struct norm n)
{
	size_t columns = y.shape[1];
	bool y_half = y.dtype != F32, x_half = x.dtype != F32;
	CHECK(y.n_dims == 2 && is_vector(n.gamma, columns) && is_vector(n.beta, columns));
	return (struct norm_arguments){ .y = y_half ? NULL : y.data,
		.x = x_half ? NULL : x.data,
		.gamma = n.gamma.data,
		.beta = n.beta.data,
		.y_stride = y.stride[0],
		.x_stride = x.stride[0],
		.columns = columns,
		.eps = n.eps,
		.twin = y_half ? y.data : y.twin,
		.twin_dtype = y_half ? y.dtype : y.twin_dtype,
		.x_half = x_half ? x.data : NULL };
}

/* What the norm behind a product with w reads and writes: F32, or of a card's BF16 such, contiguous, of
 * whole eights. */
static bool is_residual(struct tensor t, size_t rows, const struct weight *w)
{
	if (t.n_dims != 2 || t.dtype == F32)
		return is_matrix(t, rows, w->n);
	return t.dtype == BF16 && w->dtype == BF16 && w->backend && w->paired && w->n % 8 == 0 &&
	       t.shape[0] == rows && t.shape[1] == w->n && t.stride[0] == w->n;
}

void op_norm(struct device *d, struct tensor y, struct tensor x, struct norm n)
{
	struct norm_arguments a = norm(y, x, n);
	CHECK(is_matrix(x, y.shape[0], y.shape[1]) && is_matrix(y, y.shape[0], y.shape[1]));
	device_run(d, KERNEL_norm, &a, y.shape[0], 64);
}

void op_embed(struct device *d, struct tensor y, size_t n, const uint32_t *ids, struct tensor word,
	const uint32_t *types, struct tensor type, const uint32_t *positions,
	struct tensor position, struct norm norms)
{
	size_t columns = y.shape[1];
	CHECK(is_matrix(y, n, columns) && is_matrix(word, word.shape[0], columns));
	CHECK(type.n_dims == 0 ? !types : is_matrix(type, type.shape[0], columns));
	CHECK(position.n_dims == 0 ? !positions : is_matrix(position, position.shape[0], columns));
	for (size_t t = 0; t < n; t++) {
		CHECK(ids[t] < word.shape[0] && (!types || types[t] < type.shape[0]));
		CHECK(!positions || positions[t] < position.shape[0]);
	}
	struct embed_arguments a = { norm(y, TENSOR_NONE, norms), ids, types, positions, word.data,
		type.data, position.data, word.stride[0], type.stride[0], position.stride[0] };
	device_run(d, KERNEL_embed, &a, n, 64);
}

void op_linear_norm(struct device *d, struct tensor y, struct tensor x, const struct weight *w,
	struct tensor residual, struct norm n)
{
	CHECK(w->table == d->table && is_activation(x, x.shape[0], w->k, w));
	CHECK(is_residual(y, x.shape[0], w) && is_residual(residual, x.shape[0], w));
	struct linear_norm_arguments a = { linear(TENSOR_NONE, x, w, ACTIVATION_NONE),
		norm(y, residual, n) };
	device_run(d, KERNEL_linear_norm, &a, device_units(x.shape[0], BLOCK_ROWS), 1);
}

void op_feed_forward(struct device *d, struct tensor y, struct tensor x, const struct weight *up,
	enum activation activation, const struct weight *down, struct norm n)
{
	CHECK(up->table == d->table && down->table == d->table && up->dtype == down->dtype);
	CHECK(down->k == up->n && down->n == up->k);
	CHECK(is_residual(x, x.shape[0], down) && is_residual(y, x.shape[0], down));
	struct feed_forward_arguments a = { linear(TENSOR_NONE, x, up, activation), down,
		norm(y, x, n) };
	device_run(d, KERNEL_feed_forward, &a, device_units(x.shape[0], BLOCK_ROWS), 1);
}

/* Floats, or on a card halves of the type that factors are rounded to. */
static bool is_factor(
	const struct device *d, struct tensor t, size_t rows, size_t columns, enum dtype dtype)
{
	if (t.n_dims != 2 || t.dtype == F32)
		return is_matrix(t, rows, columns);
	return d->backend && t.dtype == dtype && dtype_size(dtype) == 2 && t.shape[0] == rows &&
	       t.shape[1] == columns;
}

/* The arguments that every attention has, all keys in reach; *longest: of the sequences. */
static struct attention_arguments attention(const struct device *d, struct tensor out,
	struct tensor q, struct tensor k,
	struct tensor v, size_t n_sequences, const size_t *cu_seqlens, size_t n_heads, float scale,
	enum dtype dtype, size_t *longest)
{
	size_t tokens = out.shape[0], columns = out.shape[1];
	CHECK(n_heads > 0 && columns % n_heads == 0 && is_offsets(n_sequences, cu_seqlens, tokens));
	bool half = q.dtype != F32, half_out = out.dtype != F32;
	CHECK(is_factor(d, out, tokens, columns, dtype) && !out.twin && dtype <= TF32);
	CHECK(is_factor(d, q, tokens, columns, dtype) && is_factor(d, k, tokens, columns, dtype));
	CHECK(is_factor(d, v, tokens, columns, dtype) && k.dtype == q.dtype && v.dtype == q.dtype);
	CHECK(!half_out || (columns % 8 == 0 && out.stride[0] == columns));
	*longest = 0;
	for (size_t b = 0; b < n_sequences; b++) {
		size_t n = cu_seqlens[b + 1] - cu_seqlens[b];
		*longest = n > *longest ? n : *longest;
	}
	return (struct attention_arguments){ .out = half_out ? NULL : out.data,
		.q = half ? NULL : q.data,
		.k = half ? NULL : k.data,
		.v = half ? NULL : v.data,
		.out_stride = out.stride[0],
		.q_stride = q.stride[0],
		.k_stride = k.stride[0],
		.v_stride = v.stride[0],
		.cu_seqlens = cu_seqlens,
		.heads = n_heads,
		.size = columns / n_heads,
		.reach = SIZE_MAX,
		.scale = scale,
		.dtype = dtype == TF32 ? F32 : dtype,
		.q_half = half ? q.data : NULL,
		.k_half = half ? k.data : NULL,
		.v_half = half ? v.data : NULL,
		.out_half = half_out ? out.data : NULL };
}

void op_attention(struct device *d, struct tensor out, struct tensor q, struct tensor k,
	struct tensor v, size_t n_sequences, const size_t *cu_seqlens, size_t n_heads, float scale,
	struct tensor position_bias, size_t reach, enum dtype dtype)
{
	size_t longest;
	struct attention_arguments a =
		attention(d, out, q, k, v, n_sequences, cu_seqlens, n_heads, scale, dtype, &longest);
	a.reach = reach;
	if (position_bias.n_dims) {
		size_t width = position_bias.shape[1];
		CHECK(is_matrix(position_bias, n_heads, width));
		CHECK(width % 2 == 1 && longest <= width / 2 + 1);
		a.bias = position_bias.data;
		a.bias_stride = position_bias.stride[0];
		a.bias_zero = width / 2;
	}
	device_run(d, KERNEL_attention, &a, size_mul(n_sequences, n_heads), 1);
}

void op_attention_relative(struct device *d, struct tensor out, struct tensor q, struct tensor k,
	struct tensor v, size_t n_sequences, const size_t *cu_seqlens, size_t n_heads, float scale,
	struct tensor query_terms, struct tensor key_terms, size_t n_places, const int32_t *place,
	enum dtype dtype)
{
	size_t longest, tokens = out.shape[0], terms = query_terms.shape[1];
	struct attention_arguments a =
		attention(d, out, q, k, v, n_sequences, cu_seqlens, n_heads, scale, dtype, &longest);
	CHECK(terms % n_heads == 0 && is_matrix(query_terms, tokens, terms));
	CHECK(is_matrix(key_terms, tokens, terms));
	CHECK(n_places % 2 == 1 && longest <= n_places / 2 + 1);
	for (size_t i = 0; i < n_places; i++)
		CHECK(place[i] >= 0 && (size_t)place[i] < terms / n_heads);
	struct attention_relative_arguments relative = { a, query_terms.data, key_terms.data,
		query_terms.stride[0], key_terms.stride[0], terms / n_heads, place + n_places / 2 };
	device_run(d, KERNEL_attention_relative, &relative, size_mul(n_sequences, n_heads), 1);
}

void op_rotate(struct device *d, struct tensor x, size_t n_heads, const uint32_t *positions,
	struct tensor cosine, struct tensor sine)
{
	size_t rows = x.shape[0], columns = x.shape[1], length = cosine.shape[0];
	CHECK(n_heads > 0 && columns % (2 * n_heads) == 0 && is_output(x, rows, columns));
	CHECK(is_matrix(cosine, length, columns / n_heads / 2));
	CHECK(is_matrix(sine, length, columns / n_heads / 2));
	for (size_t t = 0; t < rows; t++)
		CHECK(positions[t] < length);
	struct rotate_arguments a = { x.data, cosine.data, sine.data, x.stride[0], cosine.stride[0],
		sine.stride[0], n_heads, columns / n_heads, positions };
	device_run(d, KERNEL_rotate, &a, rows, 64);
}

void op_gate(struct device *d, struct tensor y, struct tensor x, enum activation activation)
{
	size_t rows = y.shape[0], columns = y.shape[1];
	CHECK(activation < ACTIVATION_COUNT && is_output(y, rows, columns));
	CHECK(is_matrix(x, rows, 2 * columns));
	struct gate_arguments a = { y.data, x.data, y.stride[0], x.stride[0], columns, activation };
	device_run(d, KERNEL_gate, &a, rows, 64);
}

void op_add(struct device *d, struct tensor y, struct tensor a, struct tensor b)
{
	size_t rows = y.shape[0], columns = y.shape[1];
	CHECK(is_output(y, rows, columns) && is_matrix(a, rows, columns));
	CHECK(is_matrix(b, rows, columns));
	struct add_arguments arguments = { y.data, a.data, b.data, y.stride[0], a.stride[0],
		b.stride[0], columns };
	device_run(d, KERNEL_add, &arguments, rows, 256);
}

/* --- sentences --- */

void op_pool(struct device *d, struct tensor y, struct tensor x, size_t n_sequences,
	const size_t *cu_seqlens, enum pooling pooling)
{
	CHECK(pooling < POOLING_COUNT && is_offsets(n_sequences, cu_seqlens, x.shape[0]));
	CHECK(is_matrix(x, x.shape[0], y.shape[1]) && is_output(y, n_sequences, y.shape[1]));
	struct pool_arguments a = { y.data, x.data, y.stride[0], x.stride[0], y.shape[1],
		cu_seqlens, pooling };
	device_run(d, KERNEL_pool, &a, n_sequences, 4);
}

void op_normalize(struct device *d, struct tensor y, struct tensor x)
{
	CHECK(is_matrix(x, y.shape[0], y.shape[1]) && is_output(y, y.shape[0], y.shape[1]));
	struct normalize_arguments a = { y.data, x.data, y.stride[0], x.stride[0], y.shape[1] };
	device_run(d, KERNEL_normalize, &a, y.shape[0], 256);
}

void op_bag(struct device *d, struct tensor y, struct tensor table, struct tensor scales,
	const uint32_t *ids, size_t n_sequences, const size_t *cu_seqlens, bool mean)
{
	size_t columns = y.shape[1], n = n_sequences ? cu_seqlens[n_sequences] : 0;
	CHECK(is_output(y, n_sequences, columns) && is_offsets(n_sequences, cu_seqlens, n));
	CHECK(table.n_dims == 2 && table.shape[1] == columns);
	CHECK(table.dtype == F32 || table.dtype == I8);
	CHECK(scales.n_dims == 0 || is_vector(scales, table.shape[0]));
	for (size_t t = 0; t < n; t++)
		CHECK(ids[t] < table.shape[0]);
	struct bag_arguments a = { y.data, table.data, table.dtype, scales.data, y.stride[0],
		table.stride[0], columns, ids, cu_seqlens, mean };
	device_run(d, KERNEL_bag, &a, n_sequences, 64);
}

void op_column_sum(struct device *d, struct tensor y, struct tensor x)
{
	CHECK(is_matrix(x, x.shape[0], x.shape[1]) && is_vector(y, x.shape[1]));
	struct column_sum_arguments a = { y.data, x.data, x.stride[0], x.shape[0], x.shape[1] };
	device_run(d, KERNEL_column_sum, &a, device_units(x.shape[1], 16), 1);
}

/* --- distances --- */

void op_square_norms(struct device *d, struct tensor y, struct tensor x)
{
	CHECK(is_matrix(x, x.shape[0], x.shape[1]) && is_vector(y, x.shape[0]));
	struct square_norms_arguments a = { y.data, x.data, x.stride[0], x.shape[1] };
	device_run(d, KERNEL_square_norms, &a, x.shape[0], 256);
}

void op_square_distances(struct device *d, struct tensor y, struct tensor x, const struct weight *w,
	struct tensor xx, struct tensor ww)
{
	CHECK(w->table == d->table && !w->bias && is_matrix(x, x.shape[0], w->k));
	CHECK(is_output(y, x.shape[0], w->n) && is_vector(xx, x.shape[0]) && is_vector(ww, w->n));
	struct square_distances_arguments a = { linear(y, x, w, ACTIVATION_NONE), xx.data,
		ww.data };
	size_t rows = a.product.rows;
	device_run(d, KERNEL_square_distances, &a, product_units(rows, w), product_grain(rows, w));
}

void op_pair_distances(struct device *d, struct tensor y, struct tensor x, struct tensor z,
	struct tensor i, struct tensor j, enum metric metric)
{
	size_t n = y.shape[0];
	CHECK(metric < METRIC_COUNT && is_vector(y, n));
	CHECK(i.n_dims == 1 && i.dtype == I32 && i.shape[0] == n);
	CHECK(j.n_dims == 1 && j.dtype == I32 && j.shape[0] == n);
	CHECK(is_matrix(x, x.shape[0], x.shape[1]) && is_matrix(z, z.shape[0], x.shape[1]));
	struct pair_distances_arguments a = { y.data, x.data, z.data, i.data, j.data, x.stride[0],
		z.stride[0], x.shape[1], metric };
	device_run(d, KERNEL_pair_distances, &a, n, 1024);
}

void op_top_k_clear(struct device *d, struct tensor values, struct tensor indices)
{
	CHECK(is_matrix(values, values.shape[0], values.shape[1]) && indices.dtype == I32);
	CHECK(indices.n_dims == 2 && indices.shape[0] == values.shape[0]);
	CHECK(indices.shape[1] == values.shape[1]);
	struct top_k_arguments a = { .values = values.data,
		.indices = indices.data,
		.values_stride = values.stride[0],
		.indices_stride = indices.stride[0],
		.k = values.shape[1] };
	device_run(d, KERNEL_top_k_clear, &a, values.shape[0], 1024);
}

void op_top_k(struct device *d, struct tensor values, struct tensor indices, struct tensor y,
	size_t first)
{
	size_t rows = y.shape[0], k = values.shape[1];
	CHECK(is_matrix(y, rows, y.shape[1]) && is_matrix(values, rows, k) && indices.dtype == I32);
	CHECK(indices.n_dims == 2 && indices.shape[0] == rows && indices.shape[1] == k);
	CHECK(first <= INT32_MAX && y.shape[1] <= INT32_MAX - first);
	struct top_k_arguments a = { values.data, indices.data, y.data, values.stride[0],
		indices.stride[0], y.stride[0], k, y.shape[1], first };
	device_run(d, KERNEL_top_k, &a, rows, 16);
}
