/* kit.c: the commands and tests of the kit in one program, `kit NAME ARGUMENTS...`, so that what is compiled for
 * cards is there once. KIT(part) for each part: mk/gpu.mk, which renames their main to kit_NAME. */
#include <stdio.h>
#include <string.h>

#define KIT(name) int kit_##name(int argc, char **argv);
KIT_PARTS
#undef KIT

int main(int argc, char **argv)
{
#define KIT(name) \
	if (argc > 1 && strcmp(argv[1], #name) == 0) \
		return kit_##name(argc - 1, argv + 1);
	KIT_PARTS
#undef KIT
	fprintf(stderr, "usage: kit NAME ARGUMENTS...\n");
	return 2;
}
