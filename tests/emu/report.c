/* report.c: what was found, as text on stderr, and the end of the program. Places in the code go
 * through binutils' addr2line, which whoever has g++ has. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/emu/shadow.h"

enum { TEXTS = 16, TEXT = 1024 };

static char *next_text(void)
{
	static char texts[TEXTS][TEXT];
	static unsigned i;
	return texts[i++ % TEXTS];
}

const char *text_format(const char *format, ...)
{
	char *s = next_text();
	va_list list;
	va_start(list, format);
	vsnprintf(s, TEXT, format, list);
	va_end(list);
	return s;
}

/* "file:line in function", the innermost of inlined ones first. */
const char *text_place(uintptr_t pc)
{
	char *s = next_text(), line[TEXT], function[TEXT];
	snprintf(line, sizeof line, "addr2line -f -C -i -e /proc/%d/exe 0x%zx 2>/dev/null",
		(int)getpid(), (size_t)(pc - symbol_bias()));
	FILE *f = popen(line, "r");
	size_t n = 0;
	while (f && fgets(function, sizeof function, f) && fgets(line, sizeof line, f)) {
		function[strcspn(function, "(\n")] = 0;
		line[strcspn(line, " \n")] = 0;
		int more = snprintf(
			s + n, TEXT - n, "%s%s in %s", n ? ", called from " : "", line, function);
		n = more < 0 || n + (size_t)more >= TEXT ? TEXT - 1 : n + (size_t)more;
	}
	if (f)
		pclose(f);
	return n ? s : text_format("0x%zx", (size_t)(pc - symbol_bias()));
}

const char *text_thread(unsigned id)
{
	if (id >= now.threads)
		return text_format("thread number %u", id);
	struct uint3 i = now.thread[id].index;
	return text_format("thread (%u,%u,%u)", i.x, i.y, i.z);
}

static const char *shared_text(uintptr_t offset)
{
	const struct symbol *v = symbol_shared(offset);
	if (!v)
		return text_format("%zu bytes into static shared memory", (size_t)offset);
	size_t at = offset - v->value;
	if (at < v->size)
		return text_format(
			"byte %zu of shared %s, which has %zu", at, symbol_text(v->name), v->size);
	return text_format("%zu bytes past the end of shared %s, which has %zu", at - v->size,
		symbol_text(v->name), v->size);
}

static const char *device_text(uintptr_t at)
{
	const struct allocation *a = allocation_find(at);
	if (!a)
		return text_format("0x%zx, before all device memory", (size_t)at);
	size_t offset = at - a->at;
	const char *who = text_place(a->pc);
	if (offset < a->size)
		return text_format("byte %zu of %s%zu bytes of device memory, allocated at %s",
			offset, a->freed ? "freed " : "", a->size, who);
	return text_format("%zu bytes past the end of %zu bytes of device memory, allocated at %s",
		offset - a->size, a->size, who);
}

const char *text_address(uintptr_t at)
{
	struct space *s = space_of(at);
	if (s == &spaces[SPACE_STATIC])
		return shared_text(at - s->base);
	if (s == &spaces[SPACE_DYNAMIC])
		return text_format("byte %td of dynamic shared memory, which has %zu",
			(ptrdiff_t)(at - s->base) - 256, now.launch ? now.launch->shared : 0);
	if (s)
		return device_text(at);
	return text_format("0x%zx", (size_t)at);
}

void report(const char *what, const char *format, ...)
{
	va_list list;
	fflush(NULL);
	fprintf(stderr, "emulator: %s\n", what);
	if (now.launch) {
		const struct launch *l = now.launch;
		const struct symbol *k = symbol_function((uintptr_t)l->kernel);
		fprintf(stderr, "  kernel %s, grid (%u,%u,%u) of (%u,%u,%u), block (%u,%u,%u)\n",
			k ? symbol_text(k->name) : "without a name", l->grid.x, l->grid.y,
			l->grid.z, l->block.x, l->block.y, l->block.z, now.block.x, now.block.y,
			now.block.z);
	}
	fputs("  ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\n  HEDDLE_EMU_SEED=%llu\n", (unsigned long long)emu_seed);
	_exit(EMU_FOUND);
}
