/* test_output.c: a file appears whole or not at all; what was there stays until then. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/record/record.h"
#include "tests/unit/folder.h"

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *text)
{
	char got[1000];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	got[fread(got, 1, sizeof got - 1, f)] = 0;
	fclose(f);
	assert_string_equal(got, text);
}

/* Files in the folder, the unfinished ones that begin with a dot included. */
static size_t files(void)
{
	FILE *p = popen("ls -A | wc -l", "r");
	size_t n = 0;
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%zu", &n), 1);
	pclose(p);
	return n;
}

static unsigned mode(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return (unsigned)st.st_mode & 07777;
}

static struct output *begin(const char *path)
{
	struct error e;
	struct output *o = output_open(path, &e);
	if (!o)
		fail_msg("%s", e.msg);
	assert_int_equal(output_write(o, "new", 3, &e), 0);
	return o;
}

static void end(struct output *o)
{
	struct error e;
	if (output_close(o, &e))
		fail_msg("%s", e.msg);
}

static void a_file_appears_when_it_is_whole(void **state)
{
	(void)state;
	struct output *o = begin("whole");
	assert_int_not_equal(access("whole", F_OK), 0);
	end(o);
	holds("whole", "new");
	assert_int_equal(mode("whole"), 0644);
	assert_int_equal(files(), 1);
	unlink("whole");
}

static void what_was_there_stays_until_then_and_its_mode_after(void **state)
{
	(void)state;
	put("old", "old");
	chmod("old", 0640);
	struct output *o = begin("old");
	holds("old", "old");
	end(o);
	holds("old", "new");
	assert_int_equal(mode("old"), 0640);
	unlink("old");
}

static void abandoned_files_leave_nothing(void **state)
{
	(void)state;
	put("kept", "old");
	pid_t child = fork();
	if (child == 0) {
		begin("kept");
		end(begin("whole"));
		begin("other");
		output_abandon();
		output_abandon();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	holds("kept", "old");
	assert_int_equal(files(), 2);
	unlink("kept");
	unlink("whole");
}

static void links_are_followed(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	put("d/target", "old");
	assert_int_equal(symlink("target", "d/second"), 0);
	assert_int_equal(symlink("d/second", "first"), 0);
	assert_int_equal(symlink("d/none", "dangling"), 0);
	end(begin("first"));
	holds("d/target", "new");
	end(begin("dangling"));
	holds("d/none", "new");
	struct stat st;
	assert_true(lstat("first", &st) == 0 && S_ISLNK(st.st_mode));
	assert_true(lstat("d/second", &st) == 0 && S_ISLNK(st.st_mode));
	assert_true(lstat("dangling", &st) == 0 && S_ISLNK(st.st_mode));
	assert_int_equal(symlink("loop", "loop"), 0);
	struct error e;
	assert_null(output_open("loop", &e));
	assert_string_equal(e.msg, "creating loop: Too many levels of symbolic links");
	assert_int_equal(system("rm -r d first dangling loop"), 0);
}

static void a_fifo_is_written_directly(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	pid_t child = fork();
	if (child == 0) {
		end(begin("fifo"));
		_exit(0);
	}
	holds("fifo", "new");
	waitpid(child, NULL, 0);
	struct stat st;
	assert_true(lstat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	end(begin("/dev/null"));
	unlink("fifo");
}

static void a_full_disk_is_an_error(void **state)
{
	struct error e;
	char big[100000] = { 0 };
	(void)state;
	struct output *o = begin("/dev/full");
	assert_int_equal(output_close(o, &e), -1);
	assert_int_equal(e.code, ERROR_IO);
	assert_string_equal(e.msg, "writing /dev/full: No space left on device");
	o = begin("/dev/full");
	assert_int_equal(output_write(o, big, sizeof big, &e), -1);
	output_close(o, &e);
	assert_int_equal(files(), 0);
}

static void a_file_that_cannot_grow_is_an_error_and_goes(void **state)
{
	struct rlimit was, low = { 100000, 100000 };
	struct error e, closing, spooling = { 0 };
	char big[90000] = { 0 };
	(void)state;
	put("kept", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	low.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	struct output *o = begin("kept");
	struct spool *s = spool_new(&e);
	assert_non_null(s);
	struct record rec = { .raw = { big, sizeof big }, .file = "-", .format = FORMAT_TEXT };
	setrlimit(RLIMIT_FSIZE, &low);
	int first = output_write(o, big, sizeof big, &e),
	    second = output_write(o, big, sizeof big, &e);
	int closed = output_close(o, &closing), spooled = 0;
	for (int i = 0; i < 6 && spooled == 0; i++)
		spooled = spool_add(s, &rec, &spooling);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(first, 0);
	assert_int_equal(second, -1);
	assert_string_equal(e.msg, "writing kept: File too large");
	assert_int_equal(closed, -1);
	assert_int_equal(spooled, -1);
	assert_int_equal(spooling.code, ERROR_IO);
	assert_non_null(strstr(spooling.msg, "a temporary file in"));
	spool_free(s);
	holds("kept", "old");
	assert_int_equal(files(), 1);
	unlink("kept");
}

static void a_reader_that_is_gone_shows_in_errno(void **state)
{
	struct error e;
	char big[100000] = { 0 };
	int ends[2];
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	char path[40];
	snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
	struct output *o = begin(path);
	close(ends[0]);
	close(ends[1]);
	errno = 0;
	assert_int_equal(output_write(o, big, sizeof big, &e), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(e.code, ERROR_IO);
	assert_true(strstr(e.msg, "Broken pipe"));
	output_close(o, &e);
	signal(SIGPIPE, SIG_DFL);
}

static void what_cannot_be_created_says_why(void **state)
{
	struct error e;
	(void)state;
	assert_null(output_open("no/such/folder", &e));
	assert_int_equal(e.code, ERROR_IO);
	assert_string_equal(e.msg, "creating no/such/folder: No such file or directory");
	assert_null(output_open("", &e)); /* of an unset variable */
	assert_string_equal(e.msg, "creating : No such file or directory");
	assert_null(output_open("/", &e));
	assert_string_equal(e.msg, "creating /: Is a directory");
	assert_int_equal(output_check("no/such/folder", &e), -1);
	assert_string_equal(e.msg, "creating no/such/folder: No such file or directory");
	assert_int_equal(output_check("", &e), -1);
	assert_int_equal(output_check("/", &e), -1);
	assert_int_equal(output_check("new", &e), 0);
	assert_int_equal(output_check("-", &e), 0);
	assert_int_equal(output_check("/dev/full", &e), 0);
	assert_int_equal(files(), 0);
}

static void a_closed_stdout_is_an_error(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct error e = { 0 };
		close(STDOUT_FILENO);
		_exit(!output_open(NULL, &e) && e.code == ERROR_IO ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_appears_when_it_is_whole),
		cmocka_unit_test(what_was_there_stays_until_then_and_its_mode_after),
		cmocka_unit_test(abandoned_files_leave_nothing),
		cmocka_unit_test(links_are_followed),
		cmocka_unit_test(a_fifo_is_written_directly),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_file_that_cannot_grow_is_an_error_and_goes),
		cmocka_unit_test(a_reader_that_is_gone_shows_in_errno),
		cmocka_unit_test(what_cannot_be_created_says_why),
		cmocka_unit_test(a_closed_stdout_is_an_error),
	};
	return cmocka_run_group_tests_name("output", tests, enter, leave);
}
