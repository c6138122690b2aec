/* scan.h: finding bytes in long runs, by vectors where the processor has them. The portable twins
 * give the same answers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The first byte of [p, end) that ends or marks a JSON string ('"', '\\', below 0x20), else end.
 * *high is set where a byte before it is not ASCII. */
const char *scan_string(const char *p, const char *end, bool *high);
const char *scan_string_portable(const char *p, const char *end, bool *high);

/* Behind the array or object, checked already, that begins at p. */
const char *scan_container(const char *p, const char *end);
const char *scan_container_portable(const char *p, const char *end);

/* The first byte of [p, end) that is none of JSON's white space, else end. */
const char *scan_space(const char *p, const char *end);
const char *scan_space_portable(const char *p, const char *end);

/* The first byte of [p, end) that matters to an unquoted CSV field: delimiter, quote, CR or LF;
 * else end. */
const char *scan_field(const char *p, const char *end, char delimiter);
const char *scan_field_portable(const char *p, const char *end, char delimiter);
