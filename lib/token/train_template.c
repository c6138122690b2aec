/*
 * train_template.c: the tokenizers that are trained where the user has no template: BERT's
 * WordPiece, GPT-2's byte-level BPE, a Unigram as SentencePieceUnigramTokenizer of tokenizers
 * 0.23 has it.
 */
#include "lib/record/json.h"
#include "lib/text/utf8.h"
#include "lib/token/byte_level.h"
#include "lib/token/train.h"

/* A tokenizer.json with ' for ", @ where it may lowercase, $ for the tokens that it begins with. */
struct template
{
	const char *special[6]; /* by id, NULL at the end */
	const char *lower, *keep; /* for @ */
	const char *text;
};

/* clang-format off */
static const struct template templates[] = {
	[TRAIN_WORDPIECE] = {
		{ "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" },
		"true", "false",
		"'normalizer':{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
			"'strip_accents':null,'lowercase':@},\n"
		"'pre_tokenizer':{'type':'BertPreTokenizer'},\n"
		"'post_processor':{'type':'TemplateProcessing',"
			"'single':[{'SpecialToken':{'id':'[CLS]','type_id':0}},"
				"{'Sequence':{'id':'A','type_id':0}},"
				"{'SpecialToken':{'id':'[SEP]','type_id':0}}],"
			"'pair':[{'SpecialToken':{'id':'[CLS]','type_id':0}},"
				"{'Sequence':{'id':'A','type_id':0}},"
				"{'SpecialToken':{'id':'[SEP]','type_id':0}},"
				"{'Sequence':{'id':'B','type_id':1}},"
				"{'SpecialToken':{'id':'[SEP]','type_id':1}}],"
			"'special_tokens':{'[CLS]':{'id':'[CLS]','ids':[2],'tokens':['[CLS]']},"
				"'[SEP]':{'id':'[SEP]','ids':[3],'tokens':['[SEP]']}}},\n"
		"'decoder':{'type':'WordPiece','prefix':'##','cleanup':true},\n"
		"'model':{'type':'WordPiece','unk_token':'[UNK]','continuing_subword_prefix':'##',"
			"'max_input_chars_per_word':100,'vocab':{$}}" },
	[TRAIN_BPE] = {
		{ "<|endoftext|>" },
		"{'type':'Lowercase'}", "null",
		"'normalizer':@,\n"
		"'pre_tokenizer':{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,"
			"'use_regex':true},\n"
		"'post_processor':{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false,"
			"'use_regex':true},\n"
		"'decoder':{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,"
			"'use_regex':true},\n"
		"'model':{'type':'BPE','dropout':null,'unk_token':null,"
			"'continuing_subword_prefix':null,'end_of_word_suffix':null,'fuse_unk':false,"
			"'byte_fallback':false,'ignore_merges':false,'vocab':{$},'merges':[]}" },
	[TRAIN_UNIGRAM] = {
		{ "<unk>" },
		"{'type':'Lowercase'},", "",
		"'normalizer':{'type':'Sequence','normalizers':[{'type':'Nmt'},{'type':'NFKC'},@"
			"{'type':'Replace','pattern':{'Regex':' {2,}'},'content':' '}]},\n"
		"'pre_tokenizer':{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'always',"
			"'split':true},\n"
		"'decoder':{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'always',"
			"'split':true},\n"
		"'model':{'type':'Unigram','unk_id':0,'vocab':[['<unk>',0.0]],'byte_fallback':false}" },
};
/* clang-format on */

static void add_quoted(struct buffer *b, const char *text)
{
	for (; *text; text++)
		buffer_char(b, *text == '\'' ? '"' : *text);
}

/* The special tokens, and those of bytes where the model is of bytes. */
static void add_tokens(struct buffer *b, const struct template *t, bool bytes)
{
	size_t n = 0;
	for (; t->special[n]; n++)
		buffer_printf(b, "%s\"%s\":%zu", n ? "," : "", t->special[n], n);
	for (unsigned i = 0; bytes && i < 256; i++) {
		char text[4];
		size_t size = utf8_encode(text, byte_level_char((unsigned char)i));
		buffer_char(b, ',');
		json_write_string(b, (struct slice){ text, size });
		buffer_printf(b, ":%zu", n + i);
	}
}

void trainer_template(struct buffer *b, enum trainer_kind kind, bool lowercase)
{
	const struct template *t = &templates[kind];
	buffer_text(b, "{\"added_tokens\":[");
	for (size_t i = 0; t->special[i]; i++)
		buffer_printf(b,
			"%s{\"id\":%zu,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,"
			"\"rstrip\":false,\"normalized\":false,\"special\":true}",
			i ? "," : "", i, t->special[i]);
	buffer_text(b, "],\n");
	for (const char *p = t->text; *p; p++)
		if (*p == '@')
			add_quoted(b, lowercase ? t->lower : t->keep);
		else if (*p == '$')
			add_tokens(b, t, kind == TRAIN_BPE);
		else
			buffer_char(b, *p == '\'' ? '"' : *p);
	buffer_text(b, "}\n");
}
