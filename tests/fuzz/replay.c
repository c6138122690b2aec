/* replay.c: the main of every fuzz target outside libFuzzer. Feeds each file of the folders and
 * files named to LLVMFuzzerTestOneInput, and every prefix of the short ones; prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t cases;

static void feed(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	struct stat st;
	fstat(fileno(f), &st);
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size + 1);
	if (!data || fread(data, 1, size, f) != size)
		exit(1);
	fclose(f);
	size_t step = size < 512 ? 1 : size / 64 + 1;
	for (size_t n = 0; n <= size; n = n < size && n + step > size ? size : n + step) {
		uint8_t *exact = malloc(n ? n : 1); /* so that ASan sees a read past the end */
		if (!exact)
			exit(1);
		memcpy(exact, data, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		cases++;
	}
	free(data);
}

static void visit(const char *path)
{
	DIR *d = opendir(path);
	if (!d) {
		feed(path);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		char name[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		visit(name);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		visit(argv[i]);
	printf("%sok 1 - %s: %zu inputs\n1..1\n", cases ? "" : "not ", argv[0], cases);
	return !cases;
}
