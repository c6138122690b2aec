/* cluster_report.c: see cluster_report.h. */
#include "lib/learn/cluster_report.h"

#include <math.h>

static void write_number(struct buffer *b, double x, bool csv)
{
	if (isfinite(x))
		json_write_double(b, x);
	else
		buffer_text(b, csv ? "inf" : "null");
}

void cluster_report_tree(struct buffer *b, const struct hdbscan_tree *t, bool csv)
{
	buffer_text(b, csv ? "parent,child,lambda,size\n" : "");
	for (size_t i = 0; i < t->n_rows; i++) {
		const struct hdbscan_row *r = &t->rows[i];
		const char *begin = csv ? "%u,%u," : "{\"parent\":%u,\"child\":%u,\"lambda\":";
		buffer_printf(b, begin, r->parent, r->child);
		write_number(b, r->lambda, csv);
		buffer_printf(b, csv ? ",%u\n" : ",\"size\":%u}\n", r->size);
	}
}

void cluster_report_joins(struct buffer *b, const struct hdbscan_join *joins, size_t n, bool csv)
{
	buffer_text(b, csv ? "left,right,distance,size\n" : "");
	for (size_t i = 0; i + 1 < n; i++) {
		const struct hdbscan_join *j = &joins[i];
		const char *begin = csv ? "%u,%u," : "{\"left\":%u,\"right\":%u,\"distance\":";
		buffer_printf(b, begin, j->left, j->right);
		write_number(b, j->distance, csv);
		buffer_printf(b, csv ? ",%u\n" : ",\"size\":%u}\n", j->size);
	}
}

static void write_cluster(
	struct buffer *b, const struct cluster_result *r, size_t k, size_t count, bool csv)
{
	if (csv)
		buffer_printf(b, "%zu,%zu", k, count);
	else
		buffer_printf(b, "%s\n{\"cluster\":%zu,\"count\":%zu", k ? "," : "", k, count);
	if (r->persistence) {
		buffer_text(b, csv ? "," : ",\"persistence\":");
		write_number(b, r->persistence[k], csv);
	}
	buffer_char(b, csv ? '\n' : '}');
}

void cluster_report(struct buffer *b, const struct cluster_result *r, bool csv)
{
	size_t *count = mem_zero(r->k + 1, sizeof *count);
	for (size_t i = 0; i < r->n; i++)
		count[r->label[i] + 1]++;
	if (csv) {
		buffer_printf(b, "cluster,count%s\n", r->persistence ? ",persistence" : "");
	} else {
		buffer_printf(b, "{\"method\":\"%s\",\"records\":%zu,\"outliers\":%zu", r->method,
			r->n, count[0]);
		if (r->iterations) {
			buffer_text(b, ",\"inertia\":");
			write_number(b, r->inertia, csv);
			buffer_printf(b, ",\"iterations\":%zu", r->iterations);
		}
		buffer_text(b, ",\"clusters\":[");
	}
	for (size_t k = 0; k < r->k; k++)
		write_cluster(b, r, k, count[k + 1], csv);
	buffer_text(b, csv ? "" : "]}\n");
	mem_free(count);
}
