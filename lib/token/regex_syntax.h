/*
 * regex_syntax.h: Oniguruma's syntax (as the Ruby of rust-onig 6) in PCRE2's words; for regex.c.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/base/error.h"

/* Append the translation; -1 (ERROR_MODEL) for what has none. */
int regex_translate(struct slice pattern, struct buffer *, struct error *);
