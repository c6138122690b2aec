/* cluster_state.c: the metadata of saved clusterings. */
#include "lib/learn/cluster_state.h"

static const char *const methods[] = { "hdbscan", "kmeans" };
static const char *const metrics[] = { "euclidean", "cosine", "manhattan" };

/* The number of a word, or n. */
static size_t word_of(struct json v, const char *const *words, size_t n)
{
	size_t i = 0;
	while (i < n && !(v.type == JSON_STRING && json_text_is(v, words[i])))
		i++;
	return i;
}

int cluster_state_read(const struct tensor_file *file, struct cluster_state *s, struct arena *arena,
	struct error *e)
{
	const char *path = tensor_file_path(file);
	struct slice kind = tensor_file_metadata(file, "heddle", arena);
	if (!kind.data || !slice_equal(kind, SLICE("cluster 1")))
		return error_set(e, ERROR_MODEL, "%s: no clustering saved by cluster --save", path);
	struct slice text = tensor_file_metadata(file, "parameters", arena);
	if (!text.data || json_read(text, &s->parameters, NULL))
		return error_set(e, ERROR_MODEL, "%s: the parameters are missing or no JSON", path);
	size_t method = word_of(json_get(s->parameters, "method"), methods, 2);
	size_t metric = word_of(json_get(s->parameters, "metric"), metrics, 3);
	if (method == 2 || metric == 3)
		return error_set(
			e, ERROR_MODEL, "%s: unknown method or metric in the parameters", path);
	s->method = (enum cluster_method)method;
	s->metric = (enum space_metric)metric;
	return 0;
}

void cluster_state_begin(struct buffer *b, enum cluster_method method, enum space_metric metric)
{
	buffer_printf(b, "{\"method\":\"%s\",\"metric\":\"%s\"", methods[method], metrics[metric]);
}

void cluster_state_number(struct buffer *b, const char *name, double value)
{
	buffer_printf(b, ",\"%s\":", name);
	json_write_double(b, value);
}

void cluster_state_write(struct buffer *b, struct tensor_writer *writer)
{
	buffer_char(b, '}');
	tensor_writer_metadata(writer, "heddle", SLICE("cluster 1"));
	tensor_writer_metadata(writer, "parameters", buffer_view(b));
}
