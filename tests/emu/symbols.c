/*
 * symbols.c: the program's own symbol table, read from its file: functions, for the names of kernels,
 * and thread-local variables, which are the shared variables of kernels (emu_device.h).
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/emu/internal.h"

#define ELF(type) ElfW(type)

static struct table {
	struct symbol *at;
	size_t n;
} functions, shared;

static struct program {
	uintptr_t bias, code, code_end, data, data_end;
	void *tls;
} program;

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
	struct program *p = context;
	(void)size;
	p->bias = info->dlpi_addr;
	p->tls = info->dlpi_tls_data;
	p->data = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ELF(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t from = p->bias + h->p_vaddr, to = from + h->p_memsz;
		if (h->p_type != PT_LOAD)
			continue;
		if (h->p_flags & PF_X) {
			p->code = from;
			p->code_end = to;
		} else {
			p->data = from < p->data ? from : p->data;
			p->data_end = to > p->data_end ? to : p->data_end;
		}
	}
	return 1; /* the program itself comes first */
}

static int by_value(const void *a, const void *b)
{
	uintptr_t x = ((const struct symbol *)a)->value, y = ((const struct symbol *)b)->value;
	return (x > y) - (x < y);
}

static void add(struct table *t, const char *name, uintptr_t value, size_t size)
{
	if ((t->n & (t->n - 1)) == 0) {
		t->at = realloc(t->at, (t->n ? 2 * t->n : 1) * sizeof *t->at);
		if (!t->at)
			abort();
	}
	t->at[t->n++] = (struct symbol){ name, value, size };
}

static void read_symbols(const char *file, const ELF(Shdr) * table, const ELF(Shdr) * names)
{
	const ELF(Sym) *s = (const void *)(file + table->sh_offset);
	for (size_t i = 0; i < table->sh_size / sizeof *s; i++) {
		const char *name = file + names->sh_offset + s[i].st_name;
		if (s[i].st_shndx == SHN_UNDEF || s[i].st_size == 0)
			continue;
		if (ELF64_ST_TYPE(s[i].st_info) == STT_FUNC)
			add(&functions, name, s[i].st_value, s[i].st_size);
		if (ELF64_ST_TYPE(s[i].st_info) == STT_TLS)
			add(&shared, name, s[i].st_value, s[i].st_size);
	}
}

/* The file is the program that runs: the kernel has read it, so it is not checked again. It stays
 * mapped. */
static void open_symbols(void)
{
	static bool open;
	if (open)
		return;
	open = true;
	dl_iterate_phdr(look, &program);
	int fd = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	const char *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		abort();
	close(fd);
	const ELF(Ehdr) *head = (const void *)file;
	const ELF(Shdr) *sections = (const void *)(file + head->e_shoff);
	for (unsigned i = 0; i < head->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			read_symbols(file, &sections[i], &sections[sections[i].sh_link]);
	if (functions.n == 0)
		report("the program has no symbols", "do not strip it");
	qsort(functions.at, functions.n, sizeof *functions.at, by_value);
	if (shared.n)
		qsort(shared.at, shared.n, sizeof *shared.at, by_value);
}

static const struct symbol *last_before(const struct table *t, uintptr_t at)
{
	size_t low = 0, high = t->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (t->at[middle].value <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &t->at[low - 1] : NULL;
}

const struct symbol *symbol_function(uintptr_t at)
{
	open_symbols();
	const struct symbol *s = last_before(&functions, at - program.bias);
	return s && at - program.bias - s->value < s->size ? s : NULL;
}

const struct symbol *symbol_shared(uintptr_t offset)
{
	return last_before(&shared, offset);
}

size_t symbol_shared_count(void)
{
	open_symbols();
	return shared.n;
}

const struct symbol *symbol_shared_at(size_t i)
{
	return &shared.at[i];
}

size_t symbol_shared_size(void)
{
	size_t size = 0;
	for (size_t i = 0; i < shared.n; i++)
		size = shared.at[i].value + shared.at[i].size > size
			       ? shared.at[i].value + shared.at[i].size
			       : size;
	return size;
}

uintptr_t symbol_shared_base(void)
{
	struct program here = { 0 };
	dl_iterate_phdr(look, &here);
	if ((uintptr_t)here.tls % 16)
		abort();
	return (uintptr_t)here.tls;
}

uintptr_t symbol_code(size_t *size)
{
	open_symbols();
	*size = program.code_end - program.code;
	return program.code;
}

bool symbol_static(uintptr_t at)
{
	return at >= program.data && at < program.data_end;
}

uintptr_t symbol_bias(void)
{
	open_symbols();
	return program.bias;
}

char *__cxa_demangle(const char *name, char *to, size_t *size, int *status);

const char *symbol_text(const char *name)
{
	int status;
	char *text = __cxa_demangle(name, NULL, NULL, &status);
	return text ? text : name; /* reports end the program */
}
