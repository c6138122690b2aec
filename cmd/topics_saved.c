/*
 * topics_saved.c: saved topics: described anew, printed, compared. No records are read.
 */
#include "cmd/topics_private.h"

enum { FOUND = 5, COMPARED_WORDS = 5 };

/* To standard output or -o, where no records go there. */
static void print(struct buffer *b)
{
	command_output_bytes();
	command_write(b, 0);
	buffer_free(b);
}

struct topics *load_topics(const char *path)
{
	struct error e;
	struct topics *t = topics_load(path, &e);
	if (!t)
		command_fail(&e);
	return t;
}

const char *model_of(const struct topics *t)
{
	if (said.model)
		return said.model;
	return t->model.size ? arena_string(t->arena, t->model) : "";
}

static bool same_model(const struct topics *t)
{
	return t->model.data && slice_equal(t->model, slice_from(model_of(t)));
}

void need_embeddings(const struct topics *t)
{
	if (t->embeddings && t->n)
		return;
	command_stop(ERROR_MODEL, "%s: it has no %s to compare with", said.load,
		t->n ? "vectors of topics" : "topics");
}

static void print_found(struct topics *t, struct buffer *b)
{
	struct error e;
	struct slice text = slice_from(said.find);
	need_embeddings(t);
	const struct encoder *encoder = open_encoder(model_of(t));
	if (encoder->size != t->size)
		wrong_size(t->size, "the topics' vectors", model_of(t));
	if (t->model.data && !same_model(t))
		command_note("the topics were made with another model: %.*s", (int)t->model.size,
			t->model.size ? t->model.data : "");
	float *vector = MEM_ARRAY(float, t->size);
	double *similarity = MEM_ARRAY(double, t->n);
	if (encoder->run(encoder->self, &text, 1, vector, &e))
		command_fail(&e);
	topics_similarity(t, vector, similarity);
	topics_report_found(b, t, similarity, FOUND);
	mem_free(vector);
	mem_free(similarity);
}

static void print_shown(const struct topics *t, struct buffer *b)
{
	size_t row = topics_find(t, said.shown);
	if (row == t->n) {
		command_stop(ERROR_USAGE,
			"%s has no topic %lld; it has %zu topic%s, the last is %lld", said.load,
			(long long)said.shown, t->n, plural(t->n),
			(long long)(t->n ? t->at[t->n - 1].number : 0));
	}
	topics_report_one(b, t, row);
}

void describe_saved(void)
{
	struct topics *t = load_topics(said.load);
	struct buffer b = { 0 };
	bool weights =
		said.seeds.n || command_given("bm25") || command_given("reduce-frequent-words");
	weigh_options(t);
	if (weights)
		topics_weigh(t);
	if (said.chain.n || said.aspect_texts.n)
		open_encoder(model_of(t));
	if (describes_anew())
		describe(
			t, said.chain.n || weights || command_given("top-n-words"), !same_model(t));
	if (said.find)
		print_found(t, &b);
	if (said.show_given)
		print_shown(t, &b);
	write_results(t, &b);
	print(&b);
	topics_free(t);
}

void compare_saved(void)
{
	struct topics *a = load_topics(run.files[0]), *b = load_topics(run.files[1]);
	struct buffer out = { 0 };
	topics_report_pair(&out, a, run.files[0], b, run.files[1],
		command_given("top-n-words") ? said.top_n_words : COMPARED_WORDS);
	print(&out);
	topics_free(a);
	topics_free(b);
}
