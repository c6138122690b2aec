/*
 * pattern.h: the regular expressions by which published byte-level tokenizers split text, written
 * out as scanners that look at each character once or twice: GPT-2's, cl100k (GPT-4, Llama 3, Qwen 2
 * and their like) and o200k (GPT-4o and its like). Their matches cover every text without a gap,
 * and what one matches depends on nothing before it. They know the code points as the reference's
 * regular expressions do (category.h).
 */
#pragma once
#include <stdint.h>

#include "lib/base/slice.h"

struct pattern;

/* The scanner of a regular expression as it stands in a tokenizer.json; NULL where none is known. */
const struct pattern *pattern_find(struct slice regex);

/*
 * By name: gpt2, cl100k, o200k as tiktoken has them, llama3, qwen; bert, where a word begins with white
 * space, and each ASCII punctuation character is one; NULL for another.
 */
const struct pattern *pattern_named(const char *name);

/*
 * Split text of valid UTF-8 from its byte `at` on into words: writes where each ends, at most n;
 * returns how many. Time linear in the bytes that it goes over. Words are as long as they come: a
 * text of one letter is one.
 */
size_t pattern_split(
	const struct pattern *, struct slice text, size_t at, uint32_t *ends, size_t n);

/* The same without vectors. */
size_t pattern_split_portable(
	const struct pattern *, struct slice text, size_t at, uint32_t *ends, size_t n);
