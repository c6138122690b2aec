/*
 * plot: draw records as a document map, or the words of their topics as bars, in SVG, PNG, PDF or
 * HTML.
 */
#include "cmd/command.h"

#include <stdio.h>

#include "lib/base/contents.h"
#include "lib/base/memory.h"
#include "lib/learn/vector_source.h"
#include "lib/plot/bars.h"
#include "lib/plot/canvas.h"
#include "lib/plot/chart.h"
#include "lib/plot/lettering.h"
#include "lib/plot/map.h"
#include "lib/plot/page.h"

enum kind { KIND_MAP, KIND_BARS, KIND_CONFUSION, KIND_ROC, KIND_CALIBRATION };
enum { FORMAT_SVG, FORMAT_PNG, FORMAT_PDF, FORMAT_HTML, FORMATS };

static int kind, output_format;
static const char *evaluation_path, *figure, *report_path, *topic_key, *aspect, *title = "";
static size_t width = 1600, height, n_words, label_count = 100, n_topics = 12, text_length = 300;
static double point_size, opacity;
static bool dark;

static const struct option options[] = {
	OPTION_CHOICE(0, "kind", &kind, "map|bars|confusion|roc|calibration",
		"map: the records as points; bars: the topics' words, or figures of evaluate's "
		"report, as the others [map]"),
	OPTION_STRING('t', "topics", &report_path, "REPORT",
		"the report of topics (JSON or CSV), for names and words"),
	OPTION_STRING(0, "evaluation", &evaluation_path, "REPORT",
		"evaluate's report (JSON), for confusion, roc, calibration and bars"),
	OPTION_STRING(0, "figure", &figure, "NAME",
		"bars of evaluate's report: of this figure [score of groups, f1 of classes]"),
	OPTION_STRING(0, "topic-key", &topic_key, "NAME",
		"key of the topic [topic, else cluster, else label]"),
	OPTION_STRING(
		0, "aspect", &aspect, "NAME", "take the words from this aspect of the report"),
	OPTION_CHOICE(0, "output-format", &output_format, "svg|png|pdf|html",
		"what to write [by the extension of -o]"),
	OPTION_HEADING("Look"),
	OPTION_STRING(0, "title", &title, "TEXT", "a title [none]"),
	OPTION_COUNT(0, "width", &width, 100, CANVAS_MOST, "PIXELS", "width [1600]"),
	OPTION_COUNT(0, "height", &height, 100, CANVAS_MOST, "PIXELS",
		"height [3/4 of the width; for bars, what they need]"),
	OPTION_FLAG(0, "dark", &dark, "draw on a dark ground"),
	OPTION_NUMBER(0, "point-size", &point_size, 0.1, 200, "PIXELS",
		"diameter of a point [by their number]"),
	OPTION_NUMBER(
		0, "opacity", &opacity, 0.01, 1, "NUMBER", "opacity of a point [by their number]"),
	OPTION_COUNT(0, "label-count", &label_count, 0, 1000, "N",
		"name at most so many topics on the map, the largest first [100]"),
	OPTION_COUNT(0, "words", &n_words, 1, 100, "N",
		"words of a topic that has no name of its own [3; bars 8]"),
	OPTION_COUNT(0, "n-topics", &n_topics, 1, 10000, "N",
		"bars: draw so many topics, the largest [12]"),
	OPTION_COUNT(0, "text-length", &text_length, 0, 1000000, "N",
		"HTML: keep so many characters of a text [300]"),
	OPTION_END,
};

static bool reads_no_records(void)
{
	return kind != KIND_MAP;
}

static const char *const examples[] = {
	"reduce -n 2 --output-key xy assigned.jsonl | plot --topics topics.json -o map.html",
	"a page to explore in a browser",
	"plot --topics topics.json --title 'Reviews' -o map.png assigned.jsonl",
	"a picture",
	"plot --kind bars --topics topics.json -o topics.svg",
	"the topics' words",
	NULL,
};

static const struct command command = {
	.name = "plot",
	.summary = "draw document maps and topics",
	.options = options,
	.input_usual = "xy, else reduced",
	.has = COMMAND_OWN_OUTPUT | COMMAND_TEXT_KEY | COMMAND_INPUT_KEY | COMMAND_VECTORS_IN,
	.examples = examples,
	.no_records = reads_no_records,
};

/* --- Options -------------------------------------------------------------------------------- */

static void choose_format(void)
{
	static const char *const extensions[FORMATS] = { ".svg", ".png", ".pdf", ".html" };
	if (command_given("output-format"))
		return;
	size_t length = run.output_path ? strlen(run.output_path) : 0;
	for (int f = 0; f < FORMATS; f++) {
		size_t size = strlen(extensions[f]);
		if (length > size &&
			strcasecmp(run.output_path + length - size, extensions[f]) == 0) {
			output_format = f;
			return;
		}
	}
	if (run.output_path)
		command_usage("cannot tell the format of '%s': end it in .svg, .png, .pdf or .html,"
			      " or use --output-format",
			run.output_path);
	command_usage("where to? Use -o FILE.svg, .png, .pdf or .html,"
		      " or --output-format for the standard output");
}

static bool read_report(struct report *report)
{
	struct error e = { 0 };
	if (!report_path) {
		if (aspect)
			command_usage("--aspect needs --topics REPORT");
		return false;
	}
	if (report_read(report, report_path, &e))
		command_fail(&e);
	if (aspect && !report_has_aspect(report, aspect)) {
		command_stop(ERROR_USAGE, "%s has no aspect '%s'", report_path, aspect);
	}
	return true;
}

/* --- Records -------------------------------------------------------------------------------- */

/* Which of several keys the records have: the first record decides. */
struct choice {
	const char *names[3];
	size_t n, places[3];
	const char *name; /* chosen; NULL: the records have none of them */
	size_t place;
	bool decided;
};

static void want(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->places[i] = reader_want(run.reader, c->names[i]);
}

static void decide(struct choice *c, const struct record *record)
{
	for (size_t i = 0; i < c->n && !c->decided; i++) {
		if (!record_has(record, c->places[i]))
			continue;
		c->name = c->names[i];
		c->place = c->places[i];
		c->decided = true;
	}
	c->decided = true;
}

/* null, or an empty field of CSV. */
static bool is_empty(const struct record *record, size_t place)
{
	const struct value *v = &record->values[place];
	return v->is_field ? v->field.size == 0 : v->json.type == JSON_NULL;
}

struct input {
	struct vector_source xy;
	struct choice topic;
	size_t text;
	bool texts; /* keep texts: the page shows them */
	size_t cut; /* texts that were shortened */
};

static int read_topic(const struct input *in, const struct record *record, struct arena *arena,
	struct slice *topic, struct error *e)
{
	struct slice json;
	*topic = (struct slice){ "", 0 };
	if (!in->topic.name)
		return 0;
	if (!record_has(record, in->topic.place))
		return record_error(record, e, "no key \"%s\", which the records before it have",
			in->topic.name);
	if (is_empty(record, in->topic.place))
		return 0;
	return record_label(record, in->topic.place, in->topic.name, arena, topic, &json, e);
}

/* The text as the page shows it: at most text_length characters. */
static int read_text(struct input *in, const struct record *record, struct arena *arena,
	struct slice *text, struct error *e)
{
	*text = (struct slice){ "", 0 };
	if (!in->texts || !record_has(record, in->text) || is_empty(record, in->text))
		return 0;
	if (record_text(record, in->text, run.text_key, arena, text, e))
		return -1;
	bool cut;
	*text = lettering_cut(*text, text_length, &cut);
	in->cut += cut;
	if (cut) {
		struct buffer b = { 0 };
		buffer_slice(&b, *text);
		buffer_text(&b, "…");
		*text = arena_copy(arena, buffer_view(&b));
		buffer_free(&b);
	}
	return 0;
}

static int add_record(struct map *map, struct input *in, const struct record *record,
	struct arena *arena, struct error *e)
{
	const float *xy;
	struct slice topic, text;
	if (vector_source_next(&in->xy, record, arena, &xy, e) ||
		read_topic(in, record, arena, &topic, e) || read_text(in, record, arena, &text, e))
		return -1;
	map_add(map, (double)xy[0], (double)xy[1], topic, text);
	return 0;
}

static void read_records(struct map *map, struct input *in)
{
	struct arena *arena = arena_new();
	struct record record;
	struct error e;
	want(&in->topic);
	in->text = in->texts ? reader_want(run.reader, run.text_key) : 0;
	if (vector_source_open(&in->xy, run.reader, &e))
		command_fail(&e);
	for (; command_next(arena, &record); arena_clear(arena)) {
		if (!in->topic.decided) {
			decide(&in->topic, &record);
			map->topics_given = in->topic.name != NULL;
		}
		if (add_record(map, in, &record, arena, &e))
			command_reject(&record, &e);
		command_progress("reading", map->n, 0);
	}
	if (vector_source_close(&in->xy, run.records, &e))
		command_fail(&e);
	arena_free(arena);
}

/* --- Output --------------------------------------------------------------------------------- */

static void write_out(struct buffer *b)
{
	command_output_bytes();
	command_write(b, 0);
}

/* share/plot/NAME.EXTENSION */
static struct slice read_share(const char *name, const char *extension, struct arena *arena)
{
	struct error e = { 0 };
	struct slice text;
	char path[64];
	snprintf(path, sizeof path, "plot/%s.%s", name, extension);
	if (contents_read(command_data(path), arena, &text, &e))
		command_fail(&e);
	return text;
}

/* scripts: the names of files that joined in this order are the page's script; ends with NULL. */
static void write_page(
	const char *name, const char *const *scripts, const struct page_part *parts, size_t n)
{
	struct arena *arena = arena_new();
	struct buffer page = { 0 }, script = { 0 };
	struct error e = { 0 };
	struct slice template = read_share(name, "html", arena),
		     style = read_share(name, "css", arena);
	for (; *scripts; scripts++)
		buffer_slice(&script, read_share(*scripts, "js", arena));
	if (page_make(&page, template, style, buffer_view(&script), dark, parts, n, &e))
		command_fail(&e);
	write_out(&page);
	buffer_free(&page);
	buffer_free(&script);
	arena_free(arena);
}

static struct canvas *new_canvas(enum canvas_format format, float high, struct slice heading,
	struct slice description, bool on_dark)
{
	struct error e = { 0 };
	struct canvas *c = canvas_new(
		format, (float)width, high, theme_get(on_dark)->ground, heading, description, &e);
	if (!c)
		command_fail(&e);
	return c;
}

static void finish_canvas(struct canvas *c, struct buffer *out)
{
	struct error e = { 0 };
	if (canvas_finish(c, out, &e))
		command_fail(&e);
}

/* --- Map ------------------------------------------------------------------------------------ */

static void write_map_page(
	const struct map *map, const struct map_style *style, struct slice counts, size_t cut)
{
	static const char *const scripts[] = { "map", "map_points", "map_controls", NULL };
	struct buffer json = { 0 }, note = { 0 };
	page_map(&json, map, style);
	if (cut)
		buffer_printf(&note, "%zu text%s of more than %zu character%s %s cut.", cut,
			plural(cut), text_length, plural(text_length), cut == 1 ? "is" : "are");
	const struct page_part parts[] = {
		{ "title", style->title.size ? style->title : SLICE("Document map"), false },
		{ "heading", style->title, false },
		{ "counts", counts, false },
		{ "note", buffer_view(&note), false },
		{ "data", buffer_view(&json), true },
	};
	write_page("map", scripts, parts, 5);
	buffer_free(&json);
	buffer_free(&note);
}

static void plot_map(struct slice heading)
{
	struct report report;
	struct map map;
	struct input in = { .texts = output_format == FORMAT_HTML,
		.xy = { .keys = { "xy", "reduced" },
			.path = run.input_vectors,
			.size = 2,
			.whose = "a map needs",
			.hint = "reduce -n 2 --output-key xy makes them" },
		.topic = { .names = { "topic", "cluster", "label" }, .n = 3 } };
	if (run.input_key) {
		in.xy.keys[0] = run.input_key;
		in.xy.keys[1] = NULL;
	}
	if (topic_key)
		in.topic = (struct choice){ .names = { topic_key }, .n = 1, .name = topic_key };
	bool reported = read_report(&report);
	map_init(&map, topic_key != NULL);
	read_records(&map, &in);
	size_t lacking = map_arrange(&map, reported ? &report : NULL, aspect, n_words);
	if (lacking)
		command_note("%s lacks %zu of the records' topics: shown by their %s", report_path,
			lacking, in.topic.name);
	struct map_style style = { .width = (float)width,
		.height = (float)height,
		.point_radius = (float)point_size / 2,
		.opacity = (float)opacity,
		.label_count = label_count,
		.title = heading,
		.dark = dark };
	struct buffer counts = { 0 }, out = { 0 };
	map_describe(&map, &counts);
	if (output_format == FORMAT_HTML) {
		write_map_page(&map, &style, buffer_view(&counts), in.cut);
	} else {
		struct canvas *c = new_canvas((enum canvas_format)output_format, style.height,
			heading.size ? heading : SLICE("Document map"), buffer_view(&counts), dark);
		command_count("labels", (double)map_draw(&map, &style, c));
		finish_canvas(c, &out);
		write_out(&out);
	}
	command_count("topics", (double)map.n_topics);
	buffer_free(&counts);
	buffer_free(&out);
	map_free(&map);
	if (reported)
		report_free(&report);
}

/* --- Bars ----------------------------------------------------------------------------------- */

static size_t draw_bars(const struct report *report, struct bars_style *style,
	enum canvas_format format, bool on_dark, struct buffer *out)
{
	style->dark = on_dark;
	struct canvas *c = new_canvas(format, style->height,
		style->title.size ? style->title : SLICE("Topics"),
		SLICE("The best words of each topic"), on_dark);
	size_t drawn = bars_draw(report, style, c);
	finish_canvas(c, out);
	return drawn;
}

static void plot_bars(struct slice heading)
{
	struct report report;
	if (run.n_files)
		command_usage("--kind bars reads no records, only --topics REPORT");
	if (!read_report(&report))
		command_usage("--kind bars draws a report: --topics REPORT");
	struct bars_style style = { .width = (float)width,
		.height = (float)height,
		.n_topics = n_topics,
		.n_words = n_words,
		.aspect = aspect,
		.title = heading };
	if (height == 0)
		style.height = bars_height(&report, &style);
	struct buffer light_out = { 0 }, dark_out = { 0 };
	size_t drawn;
	if (output_format == FORMAT_HTML) {
		draw_bars(&report, &style, CANVAS_SVG, false, &light_out);
		drawn = draw_bars(&report, &style, CANVAS_SVG, true, &dark_out);
		const struct page_part parts[] = {
			{ "title", heading.size ? heading : SLICE("Topics"), false },
			{ "light", buffer_view(&light_out), true },
			{ "dark", buffer_view(&dark_out), true },
		};
		write_page("bars", (const char *const[]){ "bars", NULL }, parts, 3);
	} else {
		drawn = draw_bars(
			&report, &style, (enum canvas_format)output_format, dark, &light_out);
		write_out(&light_out);
	}
	command_count("topics", (double)drawn);
	buffer_free(&light_out);
	buffer_free(&dark_out);
	report_free(&report);
}

/* --- Charts ---------------------------------------------------------------------------------- */

static void draw_chart(const struct chart *chart, struct chart_style *style,
	enum canvas_format format, bool on_dark, struct buffer *out)
{
	style->dark = on_dark;
	struct canvas *c = new_canvas(format, style->height,
		style->title.size ? style->title : chart_name(chart->kind),
		SLICE("Drawn from a report of evaluate"), on_dark);
	chart_draw(chart, style, c);
	finish_canvas(c, out);
}

static void plot_chart(struct slice heading)
{
	struct chart chart;
	struct error e;
	enum chart_kind chart_kind =
		kind == KIND_BARS ? CHART_BARS : (enum chart_kind)(kind - KIND_CONFUSION);
	if (run.n_files || !evaluation_path)
		command_usage("--kind confusion, roc and calibration read no records, but "
			      "--evaluation REPORT");
	if (chart_read(&chart, chart_kind, figure, evaluation_path, &e))
		command_fail(&e);
	if (!height)
		height = (size_t)chart_height(&chart, (float)width);
	struct chart_style style = {
		.width = (float)width, .height = (float)height, .title = heading
	};
	struct buffer light_out = { 0 }, dark_out = { 0 };
	if (output_format == FORMAT_HTML) {
		draw_chart(&chart, &style, CANVAS_SVG, false, &light_out);
		draw_chart(&chart, &style, CANVAS_SVG, true, &dark_out);
		const struct page_part parts[] = {
			{ "title", heading.size ? heading : chart_name(chart.kind), false },
			{ "light", buffer_view(&light_out), true },
			{ "dark", buffer_view(&dark_out), true },
		};
		write_page("bars", (const char *const[]){ "bars", NULL }, parts, 3);
	} else {
		draw_chart(&chart, &style, (enum canvas_format)output_format, dark, &light_out);
		write_out(&light_out);
	}
	buffer_free(&light_out);
	buffer_free(&dark_out);
	chart_free(&chart);
}

int main(int argc, char **argv)
{
	command_begin(&command, argc, argv);
	choose_format();
	struct arena *arena = arena_new();
	struct slice heading = lettering_clean(arena, slice_from(title));
	struct error e = { 0 };
	if (output_format != FORMAT_HTML && canvas_check((enum canvas_format)output_format, &e))
		command_fail(&e);
	if (n_words == 0)
		n_words = kind == KIND_BARS ? 8 : 3;
	if (evaluation_path && (kind == KIND_MAP || report_path))
		command_usage("--evaluation is for --kind confusion, roc, calibration and bars, "
			      "without --topics");
	if (figure && (kind != KIND_BARS || !evaluation_path))
		command_usage("--figure is for --kind bars --evaluation REPORT");
	if (kind == KIND_BARS && !evaluation_path) {
		plot_bars(heading);
	} else if (kind != KIND_MAP) {
		plot_chart(heading);
	} else {
		height = height ? height : width * 3 / 4;
		plot_map(heading);
	}
	arena_free(arena);
	return command_end();
}
