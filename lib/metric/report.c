/* report.c: findings as text, JSON and CSV. */
#include "lib/metric/report.h"

#include "lib/record/csv.h"

static size_t digits_of(const struct measure *m, size_t digits)
{
	return digits != SIZE_MAX ? digits : m->metric->percent || m->metric->report ? 2 : 4;
}

/* --- Text ------------------------------------------------------------------------------------- */

static void put_fixed(struct buffer *b, double x, size_t digits)
{
	if (isnan(x))
		buffer_text(b, "nan");
	else
		buffer_printf(b, "%.*f", (int)digits, x);
}

static void text_figure(
	struct buffer *b, const struct finding *f, size_t i, size_t digits, size_t width)
{
	struct slice name = slice_from(f->measure->names[i]);
	buffer_visible(b, name);
	buffer_printf(b, "%*s  ", (int)(width - visible_width(name)), "");
	put_fixed(b, f->value[i], digits);
	if (f->low) {
		buffer_text(b, "  [");
		put_fixed(b, f->low[i], digits);
		buffer_text(b, ", ");
		put_fixed(b, f->high[i], digits);
		buffer_char(b, ']');
	}
	if (f->other) {
		buffer_text(b, "  other ");
		put_fixed(b, f->other[i], digits);
		if (!isnan(f->p[i]))
			buffer_printf(b, "  p %.4f", f->p[i]);
	}
	buffer_char(b, '\n');
}

/* Figures of classes are in the report already. */
static bool is_shown(const struct finding *f, size_t i)
{
	return !f->measure->metric->report || !strchr(f->measure->names[i], '[');
}

static void text_finding(struct buffer *b, const struct finding *f, size_t digits)
{
	const struct measure *m = f->measure;
	size_t width = 0, d = digits_of(m, digits);
	if (m->metric->report && f->n) {
		m->metric->report(m, f->units, f->n, d, b);
		if (!f->low && !f->other)
			return;
		buffer_char(b, '\n');
	}
	for (size_t i = 0; i < m->n_figures; i++) {
		size_t n = visible_width(slice_from(m->names[i]));
		width = n > width && is_shown(f, i) ? n : width;
	}
	for (size_t i = 0; i < m->n_figures; i++)
		if (is_shown(f, i))
			text_figure(b, f, i, d, width);
}

static void text_group(struct buffer *b, const struct group *g, size_t digits)
{
	for (size_t i = 0; i < g->n; i++) {
		if (i)
			buffer_char(b, '\n');
		text_finding(b, &g->findings[i], digits);
	}
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_number(struct buffer *b, double x)
{
	if (isfinite(x))
		json_write_double(b, x == 0 ? 0 : x);
	else
		buffer_text(b, "null");
}

static void put_range(struct buffer *b, double low, double high)
{
	buffer_char(b, '[');
	put_number(b, low);
	buffer_text(b, ", ");
	put_number(b, high);
	buffer_char(b, ']');
}

static void put_name(struct buffer *b, const char *name)
{
	json_write_string(b, slice_from(name));
	buffer_text(b, ": ");
}

static void json_intervals(struct buffer *b, const struct finding *f)
{
	const struct measure *m = f->measure;
	buffer_text(b, ", \"ci\": ");
	put_range(b, f->low[m->main], f->high[m->main]);
	if (m->n_figures < 2)
		return;
	buffer_text(b, ", \"intervals\": {");
	for (size_t i = 0; i < m->n_figures; i++) {
		buffer_text(b, i ? ", " : "");
		put_name(b, m->names[i]);
		put_range(b, f->low[i], f->high[i]);
	}
	buffer_char(b, '}');
}

static void json_paired(struct buffer *b, const struct finding *f)
{
	const struct measure *m = f->measure;
	size_t at = m->main;
	buffer_printf(b, ", \"paired\": {\"test\": \"%s\", \"other\": ", f->test);
	put_number(b, f->other[at]);
	buffer_text(b, ", \"difference\": ");
	put_number(b, f->value[at] - f->other[at]);
	buffer_text(b, ", \"p\": ");
	put_number(b, f->p[at]);
	buffer_text(b, ", \"figures\": {");
	for (size_t i = 0; i < m->n_figures; i++) {
		buffer_text(b, i ? ", " : "");
		put_name(b, m->names[i]);
		buffer_text(b, "{\"other\": ");
		put_number(b, f->other[i]);
		buffer_text(b, ", \"difference\": ");
		put_number(b, f->value[i] - f->other[i]);
		buffer_text(b, ", \"p\": ");
		put_number(b, f->p[i]);
		buffer_char(b, '}');
	}
	buffer_text(b, "}}");
}

static void json_finding(struct buffer *b, const struct finding *f)
{
	const struct measure *m = f->measure;
	struct buffer signature = { 0 };
	put_name(b, m->metric->name);
	buffer_text(b, "{\"score\": ");
	put_number(b, m->n_figures ? f->value[m->main] : NAN);
	buffer_text(b, ", \"signature\": ");
	measure_signature(m, f->extra, &signature);
	json_write_string(b, buffer_view(&signature));
	buffer_free(&signature);
	buffer_printf(b, ", \"n\": %zu", f->n);
	for (size_t i = 0; i < m->n_figures && m->n_figures > 1; i++) {
		buffer_text(b, ", ");
		put_name(b, m->names[i]);
		put_number(b, f->value[i]);
	}
	if (f->low)
		json_intervals(b, f);
	if (f->other)
		json_paired(b, f);
	if (m->metric->detail)
		m->metric->detail(m, f->units, f->n, b);
	buffer_char(b, '}');
}

static void json_group(struct buffer *b, const struct group *g)
{
	buffer_char(b, '{');
	for (size_t i = 0; i < g->n; i++) {
		buffer_text(b, i ? ",\n " : "");
		json_finding(b, &g->findings[i]);
	}
	buffer_char(b, '}');
}

static void write_json(struct buffer *b, const struct group *groups, size_t n, const char *by)
{
	buffer_text(b, "{\"metrics\": ");
	json_group(b, &groups[0]);
	if (by) {
		buffer_text(b, ",\n \"by\": ");
		json_write_string(b, slice_from(by));
		buffer_text(b, ", \"groups\": {");
		for (size_t i = 1; i < n; i++) {
			buffer_text(b, i > 1 ? ",\n " : "\n ");
			json_write_string(b, groups[i].name);
			buffer_text(b, ": ");
			json_group(b, &groups[i]);
		}
		buffer_char(b, '}');
	}
	buffer_text(b, "}\n");
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void csv_number(struct buffer *b, double x)
{
	buffer_char(b, ',');
	if (isfinite(x))
		json_write_double(b, x == 0 ? 0 : x);
}

static void csv_finding(
	struct buffer *b, const struct finding *f, struct slice group, const char *by)
{
	const struct measure *m = f->measure;
	struct buffer signature = { 0 };
	measure_signature(m, f->extra, &signature);
	for (size_t i = 0; i < m->n_figures; i++) {
		if (by) {
			csv_encode(b, group, ',');
			buffer_char(b, ',');
		}
		buffer_printf(b, "%s,", m->metric->name);
		csv_encode(b, slice_from(m->names[i]), ',');
		csv_number(b, f->value[i]);
		if (f->low) {
			csv_number(b, f->low[i]);
			csv_number(b, f->high[i]);
		}
		if (f->other) {
			csv_number(b, f->other[i]);
			csv_number(b, f->value[i] - f->other[i]);
			csv_number(b, f->p[i]);
		}
		buffer_printf(b, ",%zu,", f->n);
		csv_encode(b, buffer_view(&signature), ',');
		buffer_char(b, '\n');
	}
	buffer_free(&signature);
}

static void write_csv(struct buffer *b, const struct group *groups, size_t n, const char *by)
{
	const struct finding *first = groups[0].findings;
	if (by) {
		csv_encode(b, slice_from(by), ',');
		buffer_char(b, ',');
	}
	buffer_printf(b, "metric,figure,value%s%s,n,signature\n", first->low ? ",low,high" : "",
		first->other ? ",other,difference,p" : "");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < groups[i].n; j++)
			csv_finding(b, &groups[i].findings[j], groups[i].name, by);
}

void report_write(struct buffer *b, enum report_format format, const struct group *groups, size_t n,
	const char *by, size_t digits)
{
	if (format == REPORT_JSON)
		write_json(b, groups, n, by);
	if (format == REPORT_CSV)
		write_csv(b, groups, n, by);
	for (size_t i = 0; i < n && format == REPORT_TEXT; i++) {
		if (i) {
			buffer_printf(b, "\n%s = ", by);
			buffer_visible(b, groups[i].name);
			buffer_char(b, '\n');
		}
		text_group(b, &groups[i], digits);
	}
}
