#include "lib/file/mapping.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/contents.h"

int mapping_open(const char *path, struct slice *bytes, struct error *e)
{
	*bytes = SLICE("");
	struct stat st;
	int fd = contents_open(path, &st, e), result = 0;
	if (fd < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		result = error_set(e, ERROR_NO_INPUT, "%s: not a regular file", path);
	} else if (st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			result = error_set(e, ERROR_IO, "%s: %s", path, strerror(errno));
		else
			*bytes = (struct slice){ p, (size_t)st.st_size };
	}
	close(fd);
	return result;
}

void mapping_close(struct slice bytes)
{
	if (bytes.size)
		munmap((void *)(uintptr_t)bytes.data, bytes.size);
}

void mapping_forget(const void *data, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)data + page - 1) / page * page,
		  to = ((uintptr_t)data + size) / page * page;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}
