/*
 * number.h: decimal text from and to binary floating point, exactly. Shortest decimals by Schubfach
 * (Raffaello Giulietti, "The Schubfach way to render doubles", 2020); reading by Eisel and Lemire
 * (Daniel Lemire, "Number parsing at a gigabyte per second", 2021) with an exact fallback. No
 * locale.
 */
#pragma once
#include <stddef.h>

enum { NUMBER_SIZE = 32 }; /* room that any number needs */

/* Write the shortest decimal that reads back to the same value, laid out as JavaScript does (1e-7,
 * 0.001, 100; 1e+21 as 1e21); returns its length, at most 25. -0 is "-0". Finite values only
 * (CHECK). */
size_t number_from_float(char out[NUMBER_SIZE], float);
size_t number_from_double(char out[NUMBER_SIZE], double);

/* Read a JSON number from [p, end), nearest, ties to even; *after is behind it, NULL where none
 * starts. Overflow gives infinity. */
float number_to_float(const char *p, const char *end, const char **after);
double number_to_double(const char *p, const char *end, const char **after);
