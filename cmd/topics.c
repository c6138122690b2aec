/*
 * topics: say what clusters of texts are about. Four runs: fit (read text and cluster, describe the
 * clusters, add topic), assign (--load: give new records the nearest topic), describe (--load with
 * --find, --show, --save and so on: no records), compare.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/topics_private.h"
#include "lib/model/embedder.h"
#include "lib/text/stopwords.h"

/* --- What the user said --------------------------------------------------------------------- */

struct topics_said said = {
	.cluster_key = "cluster",
	.vectorizer = { 1, 1, NULL, { 1, false }, { 1, true } },
	.diversity = 0.1,
	.top_n_words = 10,
};

static int parse_ngrams(const char *text, struct error *e)
{
	said.counting_given = true;
	return ngram_range_parse(text, &said.vectorizer.min_n, &said.vectorizer.max_n, e);
}

static int parse_min_df(const char *text, struct error *e)
{
	said.counting_given = true;
	return df_limit_parse(text, &said.vectorizer.min_df, e);
}

static int parse_max_df(const char *text, struct error *e)
{
	said.counting_given = true;
	return df_limit_parse(text, &said.vectorizer.max_df, e);
}

static int parse_show(const char *text, struct error *e)
{
	char *after;
	said.show_given = true;
	said.shown = strtoll(text, &after, 10);
	if (!*text || *after)
		return error_set(e, ERROR_USAGE, "wants the number of a topic, not '%s'", text);
	return 0;
}

/* clang-format off */
static const struct option options[] = {
	OPTION_STRING('m', "model", &said.model, "MODEL",
		"embed words, and texts that have no vectors, with this model [built-in]"),
	OPTION_STRING(0, "cluster-key", &said.cluster_key, "KEY",
		"key of the cluster's number [cluster]"),
	OPTION_HEADING("Counting words"),
	OPTION_STRING(0, "stop-words", &said.stop_words, "none|english|FILE",
		"words that do not count, one a line [none]"),
	OPTION_CALL(0, "ngram-range", parse_ngrams, "N,M", "count runs of N to M words [1,1]"),
	OPTION_CALL(0, "min-df", parse_min_df, "N|0.x",
		"only words of so many topics, or of this share, at least [1]"),
	OPTION_CALL(0, "max-df", parse_max_df, "N|0.x",
		"only words of so many topics, or of this share, at most [1.0]"),
	OPTION_HEADING("Choosing words"),
	OPTION_FLAG(0, "bm25", &said.bm25, "weigh rare words as BM25 does"),
	OPTION_FLAG(0, "reduce-frequent-words", &said.reduce,
		"take the square root of a word's share of its topic"),
	OPTION_LIST(0, "seed-words", &said.seeds, "WORD[,WORD]", "these words weigh twice as much"),
	OPTION_COUNT(0, "top-n-words", &said.top_n_words, 1, 1000, "N",
		"words that describe a topic [10]"),
	OPTION_STRING(0, "representation", &said.chain_text, "CHAIN",
		"choose them by keybert, by mmr, or one after the other: keybert,mmr"),
	OPTION_STRINGS(0, "aspect", &said.aspect_texts, "NAME=CHAIN",
		"describe topics so as well, beside (may be repeated)"),
	OPTION_NUMBER(0, "diversity", &said.diversity, 0, 1, "X",
		"of the words that mmr chooses: 0 near the topic, 1 far apart [0.1]"),
	OPTION_HEADING("Results"),
	OPTION_OUTPUT(0, "report", &said.report, "FILE",
		"write the topics there: CSV where FILE ends in .csv, else JSON"),
	OPTION_OUTPUT(0, "table", &said.table, "FILE",
		"write them there for people: number, count, words"),
	OPTION_OUTPUT(0, "save", &said.save, "FILE", "save the topics"),
	OPTION_HEADING("With saved topics"),
	OPTION_STRING(0, "load", &said.load, "FILE",
		"give records the nearest of these topics; with an option that prints, writes or "
		"describes topics, read no records"),
	OPTION_STRING(0, "find", &said.find, "TEXT", "print the topics nearest to a text"),
	OPTION_CALL(0, "show", parse_show, "N", "print all about topic N"),
	OPTION_FLAG(0, "compare", &said.compare,
		"print the words of two files of topics side by side"),
	OPTION_END,
};
/* clang-format on */

enum mode { FIT, ASSIGN, DESCRIBE, COMPARE };

bool describes_anew(void)
{
	return said.chain_text || said.aspect_texts.n || said.seeds.n || command_given("bm25") ||
	       command_given("reduce-frequent-words") || command_given("top-n-words");
}

static enum mode mode(void)
{
	if (said.compare)
		return COMPARE;
	if (!said.load)
		return FIT;
	return said.find || said.show_given || said.table || said.report || said.save ||
			       describes_anew()
		       ? DESCRIBE
		       : ASSIGN;
}

static bool no_records(void)
{
	return mode() == DESCRIBE || mode() == COMPARE;
}

static const char *const keys[] = { "topic" };
static const char *const examples[] = {
	"topics --stop-words english --report topics.json clustered.jsonl > assigned.jsonl",
	"describe the clusters by their words, and number them by size",
	"topics -m all-MiniLM-L6-v2 --representation keybert --aspect mmr=mmr --table - --save "
	"t.safetensors -o out.jsonl in.jsonl",
	"choose words by their vectors, in two ways, and keep the topics",
	"topics --load t.safetensors --find 'machine translation'",
	"the topics nearest to a query",
	"embed -m all-MiniLM-L6-v2 new.jsonl | topics --load t.safetensors",
	"give new records the nearest topic",
	NULL,
};
static const struct command command = {
	.name = "topics",
	.summary = "say what clusters of texts are about",
	.usage = "[OPTION]… [FILE]…\n       topics --load FILE [OPTION]…\n       topics --compare "
		 "FILE FILE",
	.options = options,
	.has = COMMAND_TEXT_KEY | COMMAND_INPUT_KEY | COMMAND_OUTPUT_KEY | COMMAND_VECTORS_IN |
	       COMMAND_DTYPE,
	.input_key = "embedding",
	.keys = keys,
	.n_keys = 1,
	.examples = examples,
	.no_records = no_records,
};

static void parse_chains(void)
{
	struct error e;
	if (said.chain_text && representation_parse(slice_from(said.chain_text), &said.chain, &e))
		command_usage("--representation: %s", e.msg);
	said.aspects = MEM_ARRAY(struct aspect, said.aspect_texts.n + 1);
	for (size_t i = 0; i < said.aspect_texts.n; i++) {
		if (aspect_parse(slice_from(said.aspect_texts.at[i]), &said.aspects[i], &e))
			command_usage("--aspect %s: %s", said.aspect_texts.at[i], e.msg);
		for (size_t k = 0; k < i; k++)
			if (slice_equal(said.aspects[k].name, said.aspects[i].name))
				command_usage("--aspect %s: there are two of this name",
					said.aspect_texts.at[i]);
	}
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static void check_usage(void)
{
	enum mode m = mode();
	bool to_stdout = !run.output_path || is_stdout(run.output_path);
	if (m == COMPARE && (run.n_files != 2 || said.load))
		command_usage("--compare wants two files of saved topics, and no --load");
	if (m != DESCRIBE && (said.find || said.show_given))
		command_usage("--find and --show want --load FILE: topics that were saved");
	if (m == DESCRIBE && run.n_files)
		command_usage(
			"'%s': no records are read here; to give records topics, use --load alone",
			run.files[0]);
	if (said.load && (said.stop_words || said.counting_given))
		command_usage(
			"saved topics keep their counts: other words are counted by fitting again");
	if (m == FIT && to_stdout && (is_stdout(said.report) || is_stdout(said.table)))
		command_usage("records go to standard output: send them elsewhere with -o to print "
			      "topics there");
	parse_chains();
}

/* --- Vectors -------------------------------------------------------------------------------- */

static struct embedder *embedder;
static struct encoder encoder;

/* A text that does not fit the card's memory is named by how it begins. */
static int embed(void *self, const struct slice *texts, size_t n, float *out, struct error *e)
{
	enum { SHOWN = 40 };
	if (embedder_run(self, texts, n, out, e) == 0)
		return 0;
	size_t at = embedder_failed(self);
	if (at >= n)
		return -1;
	const char *text = texts[at].data;
	size_t size = texts[at].size < SHOWN ? texts[at].size : SHOWN;
	while (size > 0 && size < texts[at].size && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--; /* whole characters */
	return error_wrap(e, "\"%.*s\"", (int)size, text);
}

const struct encoder *open_encoder(const char *name)
{
	struct error e;
	struct embedder_options o = { .device = run.device, .dtype = (enum dtype)run.dtype };
	if (embedder)
		return &encoder;
	embedder = embedder_open(name && *name ? name : command_data(EMBEDDER_BUILTIN), &o, &e);
	if (!embedder)
		command_fail(&e);
	encoder = (struct encoder){ embedder_size(embedder), embed, embedder };
	return &encoder;
}

_Noreturn void wrong_size(size_t size, const char *whose, const char *name)
{
	command_stop(ERROR_USAGE,
		"%s have %zu dimension%s, but %s%s gives %zu: name with -m the model that made "
		"them",
		whose, size, plural(size), name && *name ? "the model " : "the built-in model",
		name ? name : "", encoder.size);
}

/* --- Describing ----------------------------------------------------------------------------- */

void describe(struct topics *t, bool main_words, bool embed_texts)
{
	struct error e;
	struct representer r = {
		.encoder = &encoder,
		.diversity = said.diversity,
		.top_n_words = said.top_n_words,
		.embed_texts = embed_texts,
	};
	command_progress("topics described", 0, t->n);
	if (representation_describe(
		    &r, t, main_words ? &said.chain : NULL, said.aspects, said.aspect_texts.n, &e))
		command_fail(&e);
	representer_free(&r);
}

void weigh_options(struct topics *t)
{
	if (command_given("bm25"))
		t->ctfidf.bm25 = said.bm25;
	if (command_given("reduce-frequent-words"))
		t->ctfidf.reduce_frequent_words = said.reduce;
	if (said.seeds.n)
		terms_free(&t->seed_words);
	for (size_t i = 0; i < said.seeds.n; i++)
		stopwords_add(&t->seed_words, slice_from(said.seeds.at[i]));
}

/* Write what was made to a file, or add it to what goes to standard output; made is cleared. */
static void send(const char *path, struct buffer *made, struct buffer *out)
{
	if (is_stdout(path))
		buffer_slice(out, buffer_view(made));
	else
		command_write_file(path, buffer_view(made));
	buffer_clear(made);
}

void write_results(const struct topics *t, struct buffer *out)
{
	struct error e;
	struct buffer b = { 0 };
	if (said.save && topics_save(t, said.save, &e))
		command_fail(&e);
	if (said.report) {
		topics_report(&b, t, said.report);
		send(said.report, &b, out);
	}
	if (said.table) {
		topics_report_table(&b, t);
		send(said.table, &b, out);
	}
	buffer_free(&b);
	command_count("topics", (double)t->n);
	command_count("words", (double)t->vocabulary.n);
}

/* --- Fitting -------------------------------------------------------------------------------- */

/* The places of the keys in a record. */
struct wanted {
	size_t text, cluster;
};

void open_vectors(struct vector_source *v)
{
	struct error e;
	v->keys[0] = run.input_key;
	v->path = run.input_vectors;
	v->optional = true;
	if (vector_source_open(v, run.reader, &e))
		command_fail(&e);
}

void close_vectors(struct vector_source *v)
{
	struct error e;
	if (vector_source_close(v, run.records, &e))
		command_fail(&e);
}

/* All that fitting reads, before topics are made of it. */
struct reading {
	struct topics *topics;
	struct topic_texts *texts;
	struct spool *spool;
	struct vector_source vectors;
	bool vectors_needed;
	struct wanted want;
};

static int read_one(
	struct reading *f, const struct record *record, struct arena *arena, struct error *e)
{
	struct slice text;
	int64_t cluster;
	const float *row = NULL;
	if (record_text(record, f->want.text, run.text_key, arena, &text, e) ||
		record_integer(record, f->want.cluster, said.cluster_key, &cluster, e) ||
		(f->vectors_needed && vector_source_next(&f->vectors, record, arena, &row, e)))
		return -1;
	if (!command_try(record))
		return 0;
	if (topic_texts_add(f->texts, cluster, text, row, row ? f->vectors.size : 0, e) ||
		spool_add(f->spool, record, e))
		command_fail(e);
	return 0;
}

static void read_all(struct reading *f, struct arena *arena)
{
	struct error e;
	struct record record;
	struct arena_mark mark = arena_mark(arena);
	while (command_next(arena, &record)) {
		if (read_one(f, &record, arena, &e))
			command_reject(&record, &e);
		else if (f->vectors.size && embedder && f->vectors.size != encoder.size)
			wrong_size(f->vectors.size,
				run.input_vectors ? run.input_vectors : "the records' vectors",
				said.model);
		command_progress("records read", run.records, 0);
		arena_reset(arena, mark);
	}
	if (f->vectors_needed)
		close_vectors(&f->vectors);
}

static void put_topic(const void *texts, struct buffer *out, size_t i)
{
	writer_integer(run.writer, out, topic_texts_number(texts, i));
}

static void read_stop_words(struct terms *t)
{
	struct error e;
	if (!said.stop_words || strcmp(said.stop_words, "none") == 0)
		return;
	bool english = strcmp(said.stop_words, "english") == 0;
	if (stopwords_read(t, english ? command_data(STOPWORDS_ENGLISH) : said.stop_words, &e))
		command_fail(&e);
}

/* Vectors of texts are needed to choose words by KeyBERT, and to find topics later. */
static bool needs_vectors(void)
{
	bool keybert = representation_has(&said.chain, REPRESENTATION_KEYBERT);
	for (size_t i = 0; i < said.aspect_texts.n; i++)
		keybert = keybert ||
			  representation_has(&said.aspects[i].chain, REPRESENTATION_KEYBERT);
	return keybert || said.save;
}

static void finish_fit(struct reading *f)
{
	struct error e;
	struct topics *t = f->topics;
	if (f->vectors_needed && !f->vectors.size && run.records)
		open_encoder(said.model);
	if (topics_fit(t, f->texts, f->vectors_needed ? &encoder : NULL, run.seed, &e))
		command_fail(&e);
	if (t->n && !t->vocabulary.n)
		command_note("the texts have no words%s", t->stop_words.n ? " but stop words" : "");
	if (embedder)
		t->model = said.model ? slice_from(said.model) : SLICE("");
	describe(t, true, false);
	command_write_spool(f->spool, put_topic, f->texts);
	struct buffer out = { 0 };
	write_results(t, &out);
	if (out.size)
		command_write_file("-", buffer_view(&out));
	buffer_free(&out);
}

static void fit(void)
{
	struct error e;
	struct arena *arena = arena_new();
	struct reading f = { .topics = topics_new(), .vectors_needed = needs_vectors() };
	struct topics *t = f.topics;
	said.vectorizer.stop_words = &t->stop_words;
	t->vectorizer = said.vectorizer;
	read_stop_words(&t->stop_words);
	weigh_options(t);
	f.want.text = reader_want(run.reader, run.text_key);
	f.want.cluster = reader_want(run.reader, said.cluster_key);
	if (f.vectors_needed)
		open_vectors(&f.vectors);
	if (said.model || said.chain.n || said.aspect_texts.n)
		open_encoder(said.model);
	f.texts = topic_texts_new(&t->vectorizer, &e);
	f.spool = f.texts ? spool_new(&e) : NULL;
	if (!f.spool)
		command_fail(&e);
	command_output(1);
	read_all(&f, arena);
	finish_fit(&f);
	topic_texts_free(f.texts);
	spool_free(f.spool);
	topics_free(t);
	arena_free(arena);
}

int main(int argc, char **argv)
{
	command_begin(&command, argc, argv);
	check_usage();
	switch (mode()) {
	case FIT:
		fit();
		break;
	case ASSIGN:
		assign();
		break;
	case DESCRIBE:
		describe_saved();
		break;
	case COMPARE:
		compare_saved();
		break;
	}
	embedder_free(embedder);
	return command_end();
}
