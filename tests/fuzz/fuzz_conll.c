/* Sentences in columns: any bytes are read or refused, and every column is JSON. */
#include <stdint.h>

#include "lib/record/conll.h"
#include "lib/record/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct conll *c)
{
	for (size_t j = 0; j < c->columns; j++) {
		struct buffer b = { 0 };
		struct json array;
		struct error e;
		conll_json(c, j, &b);
		/* the reader gives lines of valid UTF-8 only: others are no JSON */
		if (json_read(buffer_view(&b), &array, &e) == 0)
			CHECK(json_count(array) == c->n);
		buffer_free(&b);
	}
	conll_clear(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conll c = { 0 };
	struct error e = { 0 };
	size_t at = 0;
	for (size_t number = 1; at < size; number++) {
		size_t end = at;
		while (end < size && data[end] != '\n')
			end++;
		struct slice line = { (const char *)data + at, end - at };
		if (conll_line(&c, line, number, &e) == 1)
			use(&c);
		at = end + 1;
	}
	if (c.n)
		use(&c);
	conll_free(&c);
	return 0;
}
