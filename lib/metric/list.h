/* list.h: every metric, for the list in metric.c; each file below lib/metric defines its own. */
#pragma once
#include "lib/metric/metric.h"

extern const struct metric_kind metric_classification;
extern const struct metric_kind metric_sts;
extern const struct metric_kind metric_seqeval;
extern const struct metric_kind metric_bleu, metric_chrf, metric_chrf_plus, metric_ter;
extern const struct metric_kind metric_rouge;
extern const struct metric_kind metric_exact_match, metric_squad, metric_edit, metric_wer,
	metric_cer;
extern const struct metric_kind metric_meteor, metric_pass, metric_retrieval;
extern const struct metric_kind metric_scores, metric_pairs, metric_clustering,
	metric_clustering_space;
extern const struct metric_kind metric_trustworthiness;
extern const struct metric_kind metric_coherence, metric_diversity;
extern const struct metric_kind metric_bertscore;
