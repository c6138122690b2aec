/*
 * tokenize.c: texts to tokens of a model, and back: what the user asks for, and what becomes of a
 * record. tokenize_run.c sends the records through it.
 */
#include <unistd.h>

#include "cmd/tokenize_private.h"
#include "lib/base/utf8.h"
#include "lib/model/embedder.h"
#include "lib/model/folder.h"
#include "lib/text/utf8.h"
#include "lib/token/passage.h"
#include "lib/token/tokenizer.h"

/* In the order in which they are written. */
enum field {
	IDS,
	TOKENS,
	OFFSETS,
	COUNT,
	TYPE_IDS,
	SPECIAL_MASK,
	WORD_IDS,
	ATTENTION_MASK,
	WINDOW,
	FIELDS
};
static const char *const field_names[FIELDS] = { "ids", "tokens", "offsets", "count", "type_ids",
	"special_mask", "word_ids", "attention_mask", "window" };
enum { REPEATED_MOST = 1 << 30 }; /* bytes that windows or passages of one record may take */

static const char *const decode_keys[] = { "text" };
static const char *const chunk_keys[] = { "chunk", "start", "end", "count" };

static const char *model, *pair_key;
static bool add_special = true, count_only, decode, skip_special, lowercase;
static bool show;
static struct strings compared;
static size_t max_length, stride, pad_to, pad_multiple, chunk_tokens, overlap;
static int offset_unit, truncation, truncation_side, padding_side;
static const char *pad_token;
static struct strings fields_given;
static int train_kind;
static size_t vocab_size = 30000, min_frequency, max_token_length, limit_alphabet;
static const char *initial_alphabet;
static struct strings special_tokens;

static bool fields[FIELDS];
static struct tokenizer *tokenizer;
static struct tokenizer_options encode_options;
static size_t want, want_pair;

static const struct option options[] = {
	OPTION_STRING('m', "model", &model, "MODEL",
		"a model, or its tokenizer.json, tokenizer.model, vocab.txt, vocab.json, tiktoken "
		"or GGUF file [built-in]"),
	OPTION_LIST(0, "fields", &fields_given, "LIST",
		"what to add: ids, tokens, offsets, count, type_ids, special_mask, word_ids, "
		"attention_mask [the first four]"),
	OPTION_FLAG(0, "count", &count_only, "add the number of tokens only: --fields count"),
	OPTION_FLAG(0, "add-special-tokens", &add_special,
		"add [CLS], [SEP] and their like; --no-add-special-tokens does not [add]"),
	OPTION_STRING(0, "pair-key", &pair_key, "KEY", "key of a second text of the same record"),
	OPTION_COUNT(0, "max-length", &max_length, 1, 0x1p31, "N",
		"cut to N tokens, special ones counted [no limit]"),
	OPTION_CHOICE(0, "truncation", &truncation, "longest_first|only_first|only_second",
		"which text of a pair to cut [longest_first]"),
	OPTION_CHOICE(0, "truncation-side", &truncation_side, "right|left",
		"cut at the end or at the beginning [right]"),
	OPTION_COUNT(0, "stride", &stride, 0, 0x1p31, "N",
		"make further records of what is cut off, each with N tokens of the one before"),
	OPTION_COUNT(0, "pad-to", &pad_to, 1, 0x1p28, "N", "fill up to N tokens [do not]"),
	OPTION_COUNT(0, "pad-to-multiple-of", &pad_multiple, 1, 0x1p28, "N",
		"fill up to a multiple of N tokens [do not]"),
	OPTION_CHOICE(0, "padding-side", &padding_side, "right|left",
		"fill up at the end or at the beginning [right]"),
	OPTION_STRING(0, "pad-token", &pad_token, "TOKEN", "what to fill up with [the model's]"),
	OPTION_FLAG(0, "show", &show,
		"instead of records print each text cut into its tokens, in colours on a terminal"),
	OPTION_LIST(0, "compare", &compared, "MODEL,…",
		"print how each of several models cuts each text"),
	OPTION_COUNT(0, "chunk", &chunk_tokens, 1, 0x1p31, "N",
		"make records of at most N tokens, at ends of sentences or words"),
	OPTION_COUNT(0, "overlap", &overlap, 0, 0x1p31, "N",
		"tokens that a chunk may repeat of the one before [0]"),
	OPTION_CHOICE(0, "offset-unit", &offset_unit, "codepoint|byte", "of offsets [codepoint]"),
	OPTION_FLAG(0, "lowercase", &lowercase,
		"lowercase, or with --no-lowercase do not, whatever the model says"),
	OPTION_FLAG(0, "decode", &decode, "read ids and add their text"),
	OPTION_FLAG(0, "skip-special-tokens", &skip_special,
		"leave special tokens out of decoded text"),
	OPTION_CHOICE(0, "train", &train_kind, "wordpiece|bpe|unigram",
		"learn a tokenizer from the texts and write its tokenizer.json; with -m "
		"everything but the vocabulary is that model's"),
	OPTION_COUNT(0, "vocab-size", &vocab_size, 1, 1 << 24, "N",
		"tokens to learn, special ones counted [30000]"),
	OPTION_COUNT(0, "min-frequency", &min_frequency, 1, 0x1p53, "N",
		"merge pairs that occur at least N times [1]"),
	OPTION_COUNT(0, "max-token-length", &max_token_length, 1, 0x1p31, "N",
		"of BPE: learn no token of N characters or more, unless it has two [any]"),
	OPTION_COUNT(0, "limit-alphabet", &limit_alphabet, 1, 0x110000, "N",
		"begin with the N most frequent characters [all]"),
	OPTION_STRING(0, "initial-alphabet", &initial_alphabet, "CHARACTERS",
		"characters that are tokens even where no text has them"),
	OPTION_STRINGS(0, "special-token", &special_tokens, "TOKEN",
		"a special token of the new tokenizer, more than the usual ones"),
	OPTION_END,
};

static const char *const examples[] = {
	"tokenize -m all-MiniLM-L6-v2 docs.jsonl",
	"ids, tokens, offsets and count of each text",
	"tokenize -m ./vocab.txt --count docs.csv",
	"a column with the number of tokens",
	"tokenize -m ./model --chunk 256 --overlap 32 docs.jsonl | embed -m ./model --text-key "
	"chunk",
	"passages that the model takes whole",
	"tokenize --fields ids --drop text docs.jsonl | tokenize --decode --skip-special-tokens",
	"there and back",
	"tokenize --train bpe -m ./model --vocab-size 8000 docs.jsonl -o tokenizer.json",
	"a tokenizer like the model's, of these texts",
	NULL,
};

static const struct command command = {
	.name = "tokenize",
	.summary = "turn texts into the tokens of a model, or back",
	.options = options,
	.has = COMMAND_TEXT_KEY | COMMAND_INPUT_KEY | COMMAND_OUTPUT_KEY,
	.input_key = "ids",
	.keys = field_names,
	.n_keys = FIELDS,
	.examples = examples,
};

/* --- What the user asks for ---------------------------------------------------------------- */

static void choose_fields(void)
{
	static const char *const usual[] = { "ids", "tokens", "offsets", "count" };
	struct strings list =
		fields_given.n ? fields_given : (struct strings){ (const char **)usual, 4 };
	if (count_only)
		list = (struct strings){ (const char **)usual + 3, 1 };
	for (size_t i = 0; i < list.n; i++) {
		size_t f = 0;
		while (f < WINDOW && strcmp(list.at[i], field_names[f]))
			f++;
		if (f == WINDOW)
			command_usage("--fields knows ids, tokens, offsets, count, type_ids, "
				      "special_mask, word_ids and attention_mask, not '%s'",
				list.at[i]);
		fields[f] = true;
	}
	fields[WINDOW] = command_given("stride");
}

static void check_training(bool shaped)
{
	bool more = min_frequency || limit_alphabet;
	if (!command_given("train") && (command_given("vocab-size") || more || max_token_length ||
					       initial_alphabet || special_tokens.n))
		command_usage(
			"--vocab-size, --min-frequency, --max-token-length, --limit-alphabet, "
			"--initial-alphabet and --special-token go with --train");
	if (!command_given("train"))
		return;
	if (decode || shaped || command_given("add-special-tokens") || offset_unit ||
		chunk_tokens || show || compared.n)
		command_usage("--train goes with -m, --vocab-size, --min-frequency, "
			      "--max-token-length, --limit-alphabet, --initial-alphabet, "
			      "--special-token and --lowercase only");
	if (train_kind != TRAIN_BPE && max_token_length)
		command_usage("--max-token-length goes with --train bpe only");
	if (train_kind == TRAIN_UNIGRAM && more)
		command_usage("--min-frequency and --limit-alphabet go with --train wordpiece and "
			      "bpe only");
	if (model && command_given("lowercase"))
		command_usage("--train with -m lowercases if the model does: leave out one of -m "
			      "and --lowercase");
}

static void check_usage(void)
{
	bool cuts = truncation || truncation_side || command_given("stride");
	bool pads = padding_side || pad_token, fills = pad_to || pad_multiple;
	bool shapes = fields_given.n || count_only || pair_key || max_length || fills;
	bool cases = command_given("lowercase");
	if (decode && (shapes || command_given("add-special-tokens") || cases || offset_unit ||
			      cuts || pads))
		command_usage("--decode goes with --skip-special-tokens and --input-key only");
	if (skip_special && !decode)
		command_usage("--skip-special-tokens goes with --decode only; "
			      "see --no-add-special-tokens");
	if (chunk_tokens && (decode || shapes))
		command_usage("--chunk goes with --overlap, --offset-unit, --lowercase and "
			      "--no-add-special-tokens only");
	if ((show || compared.n) && (decode || shapes || chunk_tokens || cases))
		command_usage("--show and --compare go with --no-add-special-tokens only");
	if (compared.n && (show || model))
		command_usage("--compare names its models itself: leave out --show and -m");
	check_training(shapes || cuts || pads);
	if (overlap && overlap >= chunk_tokens)
		command_usage("--overlap is to be below --chunk");
	if (cuts && !max_length)
		command_usage("--truncation, --truncation-side and --stride go with --max-length");
	if (truncation == TRUNCATE_ONLY_SECOND && !pair_key)
		command_usage("--truncation only_second goes with --pair-key");
	if (pads && !fills)
		command_usage("--padding-side and --pad-token go with --pad-to or "
			      "--pad-to-multiple-of");
	if (count_only && fields_given.n)
		command_usage("--count is --fields count: use one of them");
}

const char *find_model(const char *name, struct arena *arena)
{
	struct error e;
	if (access(name, F_OK) && !(name = folder_find(name, arena, &e)))
		command_fail(&e);
	return name;
}

struct tokenizer *find_tokenizer(const char *name)
{
	struct error e;
	struct arena *arena = arena_new();
	const char *path = find_model(name ? name : command_data(EMBEDDER_BUILTIN), arena);
	struct tokenizer *t = tokenizer_open(path, &e);
	if (!t)
		command_fail(&e);
	arena_free(arena);
	return t;
}

/* The id to fill up with. */
static uint32_t choose_padding(void)
{
	if (!pad_to && !pad_multiple)
		return 0;
	uint32_t id = pad_token ? tokenizer_id(tokenizer, slice_from(pad_token))
				: tokenizer_padding(tokenizer);
	if (id == (uint32_t)TOKENIZER_NO_ID && pad_token)
		command_usage("--pad-token '%s' is no token of the model", pad_token);
	if (id == (uint32_t)TOKENIZER_NO_ID)
		command_usage("the model has no token to fill up with: name one with --pad-token");
	return id;
}

static const struct tokenizer *open_tokenizer(void)
{
	struct error e;
	tokenizer = find_tokenizer(model);
	if (command_given("lowercase") && tokenizer_set_lowercase(tokenizer, lowercase, &e))
		command_fail(&e);
	size_t added = add_special ? tokenizer_added(tokenizer, pair_key) : 0;
	if (max_length && max_length < added)
		command_usage("--max-length %zu leaves no room for the %zu special token%s",
			max_length, added, plural(added));
	if (chunk_tokens && chunk_tokens <= added)
		command_usage("--chunk %zu leaves no room for the %zu special token%s",
			chunk_tokens, added, plural(added));
	if (command_given("stride") && stride >= max_length - added)
		command_usage(
			"--stride %zu is not below the %zu token%s that a window has of a text",
			stride, max_length - added, plural(max_length - added));
	encode_options.pad_id = choose_padding();
	return tokenizer;
}

/* --- One record ---------------------------------------------------------------------------- */

static void add_numbers(struct buffer *b, const uint32_t *x, size_t n)
{
	buffer_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_char(b, ',');
		if (x[i] == (uint32_t)TOKENIZER_NO_ID)
			buffer_text(b, "null");
		else
			json_write_integer(b, x[i]);
	}
	buffer_char(b, ']');
}

static void add_field(struct buffer *b, enum field f, const struct encoding *x)
{
	switch (f) {
	case IDS:
		add_numbers(b, x->ids, x->n);
		return;
	case TYPE_IDS:
		add_numbers(b, x->type_ids, x->n);
		return;
	case WORD_IDS:
		add_numbers(b, x->word_ids, x->n);
		return;
	case COUNT:
	case WINDOW:
	case FIELDS:
		return;
	case TOKENS:
	case OFFSETS:
	case SPECIAL_MASK:
	case ATTENTION_MASK:
		break;
	}
	buffer_char(b, '[');
	for (size_t i = 0; i < x->n; i++) {
		if (i)
			buffer_char(b, ',');
		if (f == TOKENS)
			json_write_string(b, x->surfaces && x->surfaces[i].data
						     ? x->surfaces[i]
						     : tokenizer_token(tokenizer, x->ids[i]));
		else if (f == OFFSETS)
			add_numbers(b, &x->offsets[i].start, 2);
		else
			buffer_char(b, (char)('0' + (f == SPECIAL_MASK ? x->special_mask
								       : x->attention_mask)[i]));
	}
	buffer_char(b, ']');
}

/*
 * A text of 10 MB in windows of 512 tokens, each of which repeats the text, would be 40 GB. `first` is
 * the size of the first of n such records.
 */
static int check_repeated(const struct record *r, size_t first, size_t n, struct error *e)
{
	if (first <= REPEATED_MOST / n)
		return 0;
	return record_error(r, e, "%zu records that repeat its keys would take %.0f MB: --drop %s",
		n, (double)first * (double)n / 1e6, run.text_key);
}

/* The record with one encoding of it. */
static int write_encoding(struct buffer *out, const struct record *r, const struct encoding *x,
	size_t window, struct error *e)
{
	struct buffer json = { NULL, 0, 0 };
	if (writer_begin(run.writer, out, r, e))
		return -1;
	for (enum field f = 0; f < FIELDS; f++) {
		if (!fields[f])
			continue;
		buffer_clear(&json);
		add_field(&json, f, x);
		if (f == COUNT || f == WINDOW)
			writer_integer(run.writer, out, (int64_t)(f == COUNT ? x->n : window));
		else
			writer_json(run.writer, out, buffer_view(&json));
	}
	buffer_free(&json);
	writer_end(run.writer, out);
	return 0;
}

static int encode_record(struct buffer *out, const struct record *r, struct worker *w,
	size_t *tokens, struct error *e)
{
	struct arena *arena = w->arena;
	struct slice text, pair;
	struct encoding x;
	if (record_text(r, want, run.text_key, arena, &text, e) ||
		(pair_key && record_text(r, want_pair, pair_key, arena, &pair, e)))
		return -1;
	if (tokenizer_encode(tokenizer, w->scratch, text, pair_key ? &pair : NULL, &encode_options,
		    arena, &x, e)) {
		/* the options fit: this text does not */
		e->code = e->code == ERROR_USAGE ? ERROR_DATA : e->code;
		return error_wrap(e, "%s:%zu", r->file, r->line);
	}
	size_t before = out->size;
	for (size_t i = 0; i <= x.n_windows; i++) {
		const struct encoding *part = i ? &x.windows[i - 1] : &x;
		if (write_encoding(out, r, part, i, e))
			return -1;
		*tokens += part->n;
		if (!i && check_repeated(r, out->size - before, x.n_windows + 1, e))
			return -1;
	}
	return 0;
}

/* A byte of a text in the unit of offsets; `from` and its number are the last place asked for. */
static size_t place(struct slice text, size_t at, size_t *from, size_t *number)
{
	if (offset_unit)
		return at;
	*number += utf8_count((struct slice){ text.data + *from, at - *from });
	*from = at;
	return *number;
}

/* The record once for each of its passages, which are there instead of its text. */
static int chunk_record(struct buffer *out, const struct record *r, struct worker *w,
	size_t *tokens, struct error *e)
{
	const struct passage_options o = { chunk_tokens, overlap, add_special };
	struct slice text;
	struct passage *list;
	size_t n, from = 0, number = 0, before = out->size;
	if (record_text(r, want, run.text_key, w->arena, &text, e))
		return -1;
	if (passage_split(tokenizer, w->scratch, text, &o, w->arena, &list, &n, e))
		return error_wrap(e, "%s:%zu", r->file, r->line);
	for (size_t i = 0; i < n; i++) {
		struct slice chunk = { text.data + list[i].start, list[i].end - list[i].start };
		if (list[i].start < from)
			from = number = 0;
		size_t start = place(text, list[i].start, &from, &number);
		size_t last = from, count = number;
		if (writer_begin(run.writer, out, r, e))
			return -1;
		writer_text(run.writer, out, chunk);
		writer_integer(run.writer, out, (int64_t)start);
		writer_integer(run.writer, out, (int64_t)place(text, list[i].end, &last, &count));
		writer_integer(run.writer, out, (int64_t)list[i].n);
		writer_end(run.writer, out);
		*tokens += list[i].n;
		if (!i && check_repeated(r, out->size - before, n, e))
			return -1;
	}
	return 0;
}

static int read_ids(
	const struct record *r, struct arena *arena, uint32_t **ids, size_t *n, struct error *e)
{
	const struct value *v = &r->values[want];
	struct json list = v->json;
	if (v->is_field && json_read(v->field, &list, NULL))
		list.type = JSON_ERROR;
	if (!v->is_field && list.type == JSON_ABSENT)
		return record_error(r, e, "key \"%s\" is missing", run.input_key);
	if (list.type != JSON_ARRAY)
		return record_error(r, e, "key \"%s\" is not an array of ids", run.input_key);
	*ids = ARENA_ARRAY(arena, uint32_t, json_count(list) + 1);
	*n = 0;
	for (struct json_iterator i = json_iterate(list); json_each(&i);) {
		int64_t id;
		if (i.value.type != JSON_NUMBER || !json_integer(i.value, &id) || id < 0 ||
			id > UINT32_MAX)
			return record_error(r, e, "key \"%s\": element %zu is not an id",
				run.input_key, *n + 1);
		(*ids)[(*n)++] = (uint32_t)id;
	}
	return 0;
}

static int decode_record(struct buffer *out, const struct record *r, struct worker *w,
	size_t *tokens, struct error *e)
{
	uint32_t *ids = NULL;
	size_t n = 0;
	if (read_ids(r, w->arena, &ids, &n, e))
		return -1;
	struct buffer text = { NULL, 0, 0 };
	int rc = tokenizer_decode(tokenizer, ids, n, skip_special, &text, e);
	if (rc)
		error_wrap(e, "%s:%zu", r->file, r->line);
	else if (!(rc = writer_begin(run.writer, out, r, e))) {
		writer_text(run.writer, out, buffer_view(&text));
		writer_end(run.writer, out);
		*tokens += n;
	}
	buffer_free(&text);
	return rc;
}

static void train_tokenizer(void)
{
	struct slice *special = MEM_ARRAY(struct slice, special_tokens.n);
	struct slice alphabet = slice_from(initial_alphabet ? initial_alphabet : "");
	for (size_t i = 0; i < special_tokens.n; i++) {
		special[i] = slice_from(special_tokens.at[i]);
		if (!special[i].size || utf8_check(special[i]) < special[i].size)
			command_usage(
				"--special-token is %s", special[i].size ? "not UTF-8" : "empty");
	}
	if (utf8_check(alphabet) < alphabet.size)
		command_usage("--initial-alphabet is not UTF-8");
	const struct trainer_options o = { .kind = (enum trainer_kind)train_kind,
		.vocab_size = vocab_size,
		.min_frequency = min_frequency,
		.max_token_length = max_token_length,
		.limit_alphabet = limit_alphabet,
		.initial_alphabet = alphabet,
		.special = special,
		.n_special = special_tokens.n };
	/* BERT's way is to lowercase */
	train_all(
		&o, model, command_given("lowercase") ? lowercase : train_kind == TRAIN_WORDPIECE);
	mem_free(special);
}

int main(int argc, char **argv)
{
	command_begin(&command, argc, argv);
	check_usage();
	if (show || compared.n) {
		show_all(&compared, model, add_special);
		return command_end();
	}
	if (command_given("train")) {
		train_tokenizer();
		return command_end();
	}
	if (decode) {
		want = reader_want(run.reader, run.input_key);
		command_output_keys(decode_keys, 1);
	} else if (chunk_tokens) {
		want = reader_want(run.reader, run.text_key);
		command_drop(run.text_key);
		command_output_keys(chunk_keys, 4);
	} else {
		choose_fields();
		const char *keys[FIELDS];
		size_t n = 0;
		for (size_t f = 0; f < FIELDS; f++)
			if (fields[f])
				keys[n++] = field_names[f];
		encode_options = (struct tokenizer_options){ .add_special = add_special,
			.max_length = max_length,
			.truncation = (enum truncation)truncation,
			.truncate_left = truncation_side == 1,
			.windows = command_given("stride"),
			.stride = stride,
			.pad_to = pad_to,
			.pad_multiple = pad_multiple,
			.pad_left = padding_side == 1,
			.attention_mask = fields[ATTENTION_MASK],
			.offsets = fields[OFFSETS],
			.surfaces = fields[TOKENS],
			.type_ids = fields[TYPE_IDS],
			.special_mask = fields[SPECIAL_MASK],
			.word_ids = fields[WORD_IDS],
			.byte_offsets = offset_unit == 1,
			.is_utf8 = true };
		want = reader_want(run.reader, run.text_key);
		want_pair = pair_key ? reader_want(run.reader, pair_key) : 0;
		command_output_keys(keys, n);
	}
	run_records(decode         ? decode_record
		    : chunk_tokens ? chunk_record
				   : encode_record,
		open_tokenizer, decode ? "decoding" : "tokenizing");
	tokenizer_free(tokenizer);
	return command_end();
}
