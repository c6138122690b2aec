/* layer.c: see layer.h. */
#include "lib/model/layer.h"

#include <stdio.h>

const char *layer_name(char *to, const struct layer_names *names, size_t layer, const char *ending)
{
	const char *mark = strstr(names->start, "%zu");
	snprintf(to, LAYER_NAME, "%.*s%zu%s%s", (int)(mark - names->start), names->start, layer,
		mark + 3, ending);
	return to;
}

void layer_load(struct weights *w, struct layer *l, const struct model_config *c,
	const struct layer_names *names, size_t layer)
{
	size_t n = c->hidden_size, wide = c->intermediate_size;
	const char *endings[] = { names->q, names->k, names->v, names->out, names->norm1, names->up,
		names->down, names->norm2 };
	char full[8][LAYER_NAME];
	const char *name[8];
	for (size_t k = 0; k < 8; k++)
		name[k] = layer_name(full[k], names, layer, endings[k]);
	l->qkv = weights_linear(w, 3, name, n, n, true);
	l->out = weights_linear(w, 1, &name[3], n, n, true);
	l->norm1 = weights_norm(w, n, c->norm_eps, name[4]);
	l->up = weights_linear(w, 1, &name[5], wide, n, true);
	l->down = weights_linear(w, 1, &name[6], n, wide, true);
	l->norm2 = weights_norm(w, n, c->norm_eps, name[7]);
}

void layer_norm_free(struct device *d, struct norm *n)
{
	tensor_release(d, &n->gamma);
	tensor_release(d, &n->beta);
}

void layer_free(struct device *d, struct layer *l)
{
	weight_free(l->qkv);
	weight_free(l->out);
	weight_free(l->up);
	weight_free(l->down);
	layer_norm_free(d, &l->norm1);
	layer_norm_free(d, &l->norm2);
}

enum dtype layer_between(const struct layer *l, size_t n)
{
	return n && weight_activation(l->qkv) == weight_activation(l->out) ? weight_activation(l->qkv)
									   : F32;
}

void layer_finish(struct device *lane, const struct layer *l, enum activation activation,
	struct tensor mixed, struct tensor h, struct tensor y)
{
	op_linear_norm(lane, h, mixed, l->out, h, l->norm1);
	op_feed_forward(lane, y, h, l->up, activation, l->down, l->norm2);
}
