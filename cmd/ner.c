/*
 * ner: entities in texts, by a model fine-tuned to label tokens. Records are read in windows, a
 * window's texts tagged on all threads (lib/model/tagger.h); --show, --redact and --html draw what
 * was found (ner_draw.c).
 */
#include <float.h>
#include <string.h>

#include "cmd/ner_private.h"
#include "lib/record/conll.h"

static const char *model, *tokens_key, *html_path;
static int aggregation = ENTITIES_SIMPLE, unit;
static bool show, redact;
static size_t max_length, stride = SIZE_MAX;
static double min_score;

static const struct option options[] = {
	OPTION_STRING('m', "model", &model, "MODEL",
		"a model folder, by path or by name in HEDDLE_MODELS or the Hugging Face cache"),
	OPTION_CHOICE(0, "aggregation", &aggregation, ENTITIES_AGGREGATIONS,
		"each token by itself, tokens of a label joined, or words labelled by their first "
		"token, their mean, their surest token [simple]"),
	OPTION_NUMBER(0, "min-score", &min_score, 0, 1, "X",
		"leave out entities with a score below X [0]"),
	OPTION_STRING(0, "tokens-key", &tokens_key, "NAME",
		"the key of an array of words: a label each is added as tags"),
	OPTION_CHOICE(
		0, "offset-unit", &unit, "codepoint|byte", "what start and end count [codepoint]"),
	OPTION_COUNT(0, "max-length", &max_length, 1, 1 << 20, "N",
		"tokens that the model sees at once, special ones counted [as the model says]"),
	OPTION_COUNT(0, "stride", &stride, 0, 1 << 20, "N",
		"tokens that windows of a longer text have in common [a quarter]"),
	OPTION_HEADING("Drawing"),
	OPTION_FLAG(0, "redact", &redact, "also the text with [LABEL] in place of its entities"),
	OPTION_FLAG(0, "show", &show, "write coloured texts for a terminal, no records"),
	OPTION_OUTPUT(
		0, "html", &html_path, "FILE", "also a page of the texts with their entities"),
	OPTION_END,
};

static const char *const keys[] = { "entities", "tags", "redacted" };
static const char *const examples[] = {
	"ner -m bert-base-NER news.jsonl",
	"people, places and organisations of each text",
	"ner -m bert-base-NER --redact --min-score 0.9 --drop text letters.jsonl",
	"letters without their names",
	"ner -m bert-base-NER --format conll test.conll | evaluate --format conll --metric seqeval",
	"how good is the model?",
	NULL,
};
static const struct command command = {
	.name = "ner",
	.summary = "find names and other entities in texts",
	.options = options,
	.has = COMMAND_TEXT_KEY | COMMAND_OUTPUT_KEY | COMMAND_DTYPE | COMMAND_CONLL,
	.keys = keys,
	.n_keys = 1,
	.examples = examples,
};

static struct tagger *tagger;
static struct window window;
static size_t tokens_want;
static struct tagger_input inputs[WINDOW_RECORDS];
static struct ner_page *page;

/* --- Reading -------------------------------------------------------------------------------- */

/* The words of --tokens-key, or of a sentence in columns. */
static int read_words(const struct record *r, struct json array, struct arena *arena,
	struct tagger_input *in, struct error *e)
{
	size_t n = json_count(array), i = 0;
	struct slice *words = ARENA_ARRAY(arena, struct slice, n);
	if (array.type != JSON_ARRAY)
		return record_error(r, e, "key \"%s\" should be an array of words, not %s",
			tokens_key, json_type_name(array.type));
	for (struct json_iterator w = json_iterate(array); json_each(&w); i++) {
		if (w.value.type != JSON_STRING)
			return record_error(r, e, "key \"%s\": word %zu is %s", tokens_key, i + 1,
				json_type_name(w.value.type));
		words[i] = json_text(w.value, arena);
	}
	*in = (struct tagger_input){ .words = words, .n_words = n };
	return 0;
}

static int take(struct window *w, const struct record *r, size_t i, struct error *e)
{
	if (!tokens_key) {
		inputs[i] = (struct tagger_input){ .text = w->texts[i] };
		if (!inputs[i].text.data)
			inputs[i].text = SLICE("");
		return 0;
	}
	const struct value *v = &r->values[tokens_want];
	struct json array = v->json;
	if (v->is_field && json_read(v->field, &array, NULL))
		array = (struct json){ .type = JSON_ABSENT };
	return read_words(r, array, w->arena, &inputs[i], e);
}

/* --- Results -------------------------------------------------------------------------------- */

static struct tagged tagged[WINDOW_RECORDS];

/* The text, of words with blanks between them. */
static struct slice whole(const struct tagger_input *in, struct arena *arena)
{
	if (in->text.data)
		return in->text;
	struct buffer b = { NULL, 0, 0 };
	for (size_t i = 0; i < in->n_words; i++) {
		buffer_text(&b, i ? " " : "");
		buffer_slice(&b, in->words[i]);
	}
	struct slice text = arena_copy(arena, buffer_view(&b));
	buffer_free(&b);
	return text;
}

/* The best entities of record i, with places in bytes too. */
static struct ner_text entities_of(size_t i)
{
	const struct head *head = tagger_head(tagger);
	struct ner_text t = { .text = whole(&inputs[i], window.arena) };
	struct entity *found = ARENA_ARRAY(window.arena, struct entity, tagged[i].n);
	size_t n = entities_make((enum entities_aggregation)aggregation, head->labels,
		head->n_labels, tagged[i].tokens, tagged[i].n, found);
	t.entities = ARENA_ARRAY(window.arena, struct ner_entity, n);
	size_t point = 0, byte = 0;
	for (size_t k = 0; k < n; k++) {
		if (found[k].score < min_score)
			continue;
		struct ner_entity *to = &t.entities[t.n++];
		*to = (struct ner_entity){ .entity = found[k] };
		/* tokens of one character may share their place, so it may be behind */
		if (found[k].start < point)
			point = byte = 0;
		to->from = byte = ner_byte(t.text, byte, found[k].start - point);
		to->to = ner_byte(t.text, byte, found[k].end - found[k].start);
		point = found[k].start;
		to->text = (struct slice){ t.text.data + to->from, to->to - to->from };
	}
	return t;
}

static void write_entities(struct buffer *b, const struct ner_text *t, const struct tagged *x)
{
	buffer_char(b, '[');
	for (size_t k = 0; k < t->n; k++) {
		const struct ner_entity *n = &t->entities[k];
		buffer_text(b, k ? ",{\"label\":" : "{\"label\":");
		json_write_string(b, n->entity.label);
		buffer_text(b, ",\"text\":");
		json_write_string(b, n->text);
		buffer_text(b, ",\"score\":");
		json_write_double(b, n->entity.score);
		buffer_printf(b, ",\"start\":%zu,\"end\":%zu", unit ? n->from : n->entity.start,
			unit ? n->to : n->entity.end);
		if (aggregation == ENTITIES_NONE) {
			size_t first = x->n ? x->tokens[0].index : 0;
			buffer_printf(b, ",\"index\":%zu,\"word\":", n->entity.index);
			json_write_string(
				b, tagger_word(tagger, x->ids[n->entity.index - first], n->text));
		}
		buffer_char(b, '}');
	}
	buffer_char(b, ']');
}

/* The label of each word: that of its first token; O for a word without one. */
static void write_tags(size_t i, struct slice *tags)
{
	const struct head *head = tagger_head(tagger);
	const struct tagged *x = &tagged[i];
	for (size_t w = 0; w < inputs[i].n_words; w++)
		tags[w] = SLICE("O");
	for (size_t t = x->n; t-- > 0;) {
		const double *s = x->tokens[t].scores;
		size_t best = 0;
		for (size_t k = 1; k < head->n_labels; k++)
			best = s[k] > s[best] ? k : best;
		tags[x->word[t]] = head->labels[best];
	}
}

static void tag(size_t n)
{
	struct error e;
	if (tagger_run(tagger, inputs, n, tagged, window.arena, &e))
		window_fail(&window, tagger_failed(tagger), &e);
}

static void put(size_t i, struct buffer *b)
{
	static struct buffer value;
	struct ner_text t = entities_of(i);
	buffer_clear(&value);
	write_entities(&value, &t, &tagged[i]);
	writer_json(run.writer, b, buffer_view(&value));
	if (tokens_key) {
		size_t n = inputs[i].n_words;
		struct slice *tags = ARENA_ARRAY(window.arena, struct slice, n);
		write_tags(i, tags);
		buffer_clear(&value);
		buffer_char(&value, '[');
		for (size_t w = 0; w < n; w++) {
			buffer_text(&value, w ? "," : "");
			json_write_string(&value, tags[w]);
		}
		buffer_char(&value, ']');
		writer_json(run.writer, b, buffer_view(&value));
	}
	if (redact) {
		buffer_clear(&value);
		ner_redact(&value, &t);
		writer_text(run.writer, b, buffer_view(&value));
	}
	if (page)
		ner_page_add(page, &t);
}

/* --- Records, sentences --------------------------------------------------------------------- */

static void all_records(void)
{
	struct buffer b = { NULL, 0, 0 };
	const char *names[3] = { keys[0] };
	size_t n = 1;
	if (tokens_key)
		names[n++] = keys[1];
	if (redact)
		names[n++] = keys[2];
	if (show)
		command_output_bytes();
	else
		command_output_keys(names, n);
	while (window_read(&window)) {
		size_t held = 0;
		tag(window.n);
		for (size_t i = 0; i < window.n; i++) {
			if (show) {
				struct ner_text t = entities_of(i);
				ner_show(&b, &t);
				if (page)
					ner_page_add(page, &t);
			} else if (command_put(&b, &window.records[i])) {
				put(i, &b);
				writer_end(run.writer, &b);
			} else {
				continue;
			}
			held++;
		}
		command_write(&b, held);
	}
	buffer_free(&b);
}

/* Sentences that wait to be tagged together, and their lines. */
static struct conll sentences[CONLL_BATCH];
static size_t n_sentences;

static void write_sentences(struct buffer *b)
{
	for (size_t i = 0; i < n_sentences; i++) {
		const struct conll *c = &sentences[i];
		struct slice *words = ARENA_ARRAY(window.arena, struct slice, c->n);
		for (size_t w = 0; w < c->n; w++)
			words[w] = conll_get(c, w, 0);
		inputs[i] = (struct tagger_input){ .words = words, .n_words = c->n };
	}
	tag(n_sentences);
	for (size_t i = 0; i < n_sentences; i++) {
		struct conll *c = &sentences[i];
		struct slice *tags = ARENA_ARRAY(window.arena, struct slice, c->n);
		write_tags(i, tags);
		for (size_t w = 0; w < c->n; w++) {
			for (size_t k = 0; k < c->columns; k++) {
				buffer_slice(b, conll_get(c, w, k));
				buffer_char(b, ' ');
			}
			buffer_slice(b, tags[w]);
			buffer_char(b, '\n');
		}
		buffer_char(b, '\n');
		if (page) {
			struct ner_text t = entities_of(i);
			ner_page_add(page, &t);
		}
		conll_clear(c);
	}
	command_write(b, n_sentences);
	n_sentences = 0;
	arena_clear(window.arena);
}

/* --format conll: the first column is the word; its label becomes the last. */
static void all_sentences(void)
{
	struct error e;
	struct record line;
	struct slice text;
	struct buffer b = { NULL, 0, 0 };
	struct arena *lines = arena_new();
	size_t want = reader_want(run.reader, "text");
	const char *file = NULL;
	window.arena = arena_new();
	command_output_bytes();
	for (; command_next(lines, &line); arena_clear(lines)) {
		struct conll *c = &sentences[n_sentences];
		bool other = file && file != line.file && c->n;
		file = line.file;
		if (other && ++n_sentences == CONLL_BATCH)
			write_sentences(&b);
		c = &sentences[n_sentences];
		if (record_text(&line, want, "text", lines, &text, &e))
			command_fail(&e);
		int got = conll_line(c, text, line.line, &e);
		if (got < 0)
			command_stop(e.code, "%s:%zu: %s", line.file, line.line, e.msg);
		if (got && ++n_sentences == CONLL_BATCH)
			write_sentences(&b);
	}
	if (sentences[n_sentences].n)
		n_sentences++;
	write_sentences(&b);
	for (size_t i = 0; i < CONLL_BATCH; i++)
		conll_free(&sentences[i]);
	buffer_free(&b);
	arena_free(lines);
	arena_free(window.arena);
}

static void check_usage(void)
{
	if (!model)
		command_usage("which model? -m MODEL");
	if (show && (redact || run.output_key))
		command_usage("--show writes no records: --redact and --output-key have no place");
	if (run.conll && (tokens_key || redact || show || run.output_key || min_score > 0))
		command_usage("--format conll gives each word its label: --tokens-key, --redact, "
			      "--show, --output-key and --min-score have no place");
}

int main(int argc, char **argv)
{
	struct error e;
	command_begin(&command, argc, argv);
	check_usage();
	struct labeller_options o = {
		.max_length = max_length, .device = run.device, .dtype = (enum dtype)run.dtype
	};
	tagger = tagger_open(model, &o, stride, &e);
	if (!tagger)
		command_fail(&e);
	if (html_path)
		page = ner_page_new();
	if (run.conll) {
		all_sentences();
	} else {
		if (tokens_key)
			tokens_want = reader_want(run.reader, tokens_key);
		else
			window.text_key = run.text_key;
		window.take = take;
		window_open(&window);
		all_records();
		window_close(&window);
	}
	if (page)
		ner_page_write(page, html_path);
	command_count("tokens", (double)tagger_tokens(tagger));
	command_count("windows", (double)tagger_windows(tagger));
	tagger_free(tagger);
	return command_end();
}
