/*
 * folder.h: a test program's own folder under /tmp: entered before its tests, removed after them.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/heddle-test-XXXXXX";

static int enter(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char line[100];
	(void)state;
	snprintf(line, sizeof line, "rm -rf %s", folder);
	return chdir("/") || system(line);
}
