/* Reports of topics: any bytes are read or refused, and what was read can be named. */
#include <stdint.h>

#include "lib/plot/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report;
	struct error e = { 0 };
	if (report_parse(&report, (struct slice){ (const char *)data, size }, &e))
		return 0;
	struct arena *arena = arena_new();
	for (size_t i = 0; i < report.n; i++) {
		CHECK(report_find(&report, report.topics[i].key));
		report_label(&report.topics[i], NULL, 3, arena);
		report_label(&report.topics[i], "mmr", 3, arena);
		report_title(&report.topics[i], arena);
	}
	report_has_aspect(&report, "mmr");
	arena_free(arena);
	report_free(&report);
	return 0;
}
