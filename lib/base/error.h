/*
 * error.h: how things fail. Three kinds, three mechanisms: a bug (broken invariant, impossible
 * shape) is CHECK, which aborts; never for input; the world (files, records, options) returns -1 or
 * NULL and fills a struct error, the last parameter; the device keeps its first failure
 * (gpu/tensor.h) and device_sync reports it. The library never prints and never exits; a command
 * prints `command: message` once and exits with the code.
 */
#pragma once
#include <stddef.h>

/* An error's code is the exit status it leads to. */
enum error_code {
	ERROR_NONE = 0,
	ERROR_FALSE = 1, /* done, but records were rejected or a checked condition is false */
	ERROR_USAGE = 2,
	ERROR_DATA = 65, /* malformed data */
	ERROR_NO_INPUT = 66, /* no such input */
	ERROR_UNAVAILABLE = 69, /* a device or service is missing */
	ERROR_BUG = 70,
	ERROR_IO = 74,
	ERROR_RETRY = 75, /* try again later: out of memory, HTTP 429 or 503 */
	ERROR_MODEL = 78, /* a broken model or configuration */
};

struct error {
	int code; /* enum error_code */
	char msg[512];
};

/* Fill *e (which may be NULL) and return -1. Too long a message is cut at a code point. */
int error_set(struct error *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put context before the message, "loading model.safetensors: …", and return -1. */
int error_wrap(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For messages that count, "%zu record%s", n, plural(n): "1 record", "2 records". */
static inline const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* A broken invariant of ours: print file and line, then abort. */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
_Noreturn void check_failed(const char *file, int line, const char *condition);
