/* porter.h: Porter's stemmer. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/*
 * Stem a lowercased word of n code points in place; there must be room for one more. Returns the
 * length of the stem. M. Porter, "An algorithm for suffix stripping", 1980, with the departures of
 * NLTK's PorterStemmer (3.10, NLTK_EXTENSIONS), which rouge-score and METEOR use.
 */
size_t porter_stem(uint32_t *word, size_t n);
