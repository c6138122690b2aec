/* topic_words.c: reading a report of topics. */
#include "lib/metric/topic_words.h"

#include "lib/plot/report.h"

int topic_words_read(struct topic_words *t, const char *path, size_t most, struct error *e)
{
	struct report report;
	*t = (struct topic_words){ .most = most };
	if (report_read(&report, path, e))
		return -1;
	t->ids = MEM_ARRAY(uint32_t, size_mul(report.n + 1, most));
	t->size = MEM_ARRAY(size_t, report.n + 1);
	for (size_t i = 0; i < report.n; i++) {
		const struct report_words *w = report_words(&report.topics[i], NULL);
		if (slice_equal(report.topics[i].key, SLICE("-1")))
			continue;
		size_t k = w->n < most ? w->n : most;
		for (size_t j = 0; j < most; j++)
			t->ids[t->n * most + j] =
				j < k ? terms_add(&t->words, w->at[j].word) : UINT32_MAX;
		t->size[t->n++] = k;
	}
	report_free(&report);
	return 0;
}

void topic_words_free(struct topic_words *t)
{
	terms_free(&t->words);
	mem_free(t->ids);
	mem_free(t->size);
	*t = (struct topic_words){ 0 };
}
