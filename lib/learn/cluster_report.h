/*
 * cluster_report.h: clusterings as text, JSON or CSV. Numbers are the shortest that read back;
 * what is infinite is null in JSON and inf in CSV.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/learn/hdbscan.h"

/* What a clustering of n records by any method comes to; k clusters, numbered from 0. */
struct cluster_result {
	const char *method;
	size_t n, k;
	const int32_t *label; /* [N]: -1 for an outlier */
	const double *probability, *score; /* [N]; NULL but for hdbscan */
	const double *persistence; /* [K]; NULL but for hdbscan */
	double inertia; /* of kmeans */
	size_t iterations; /* of kmeans; 0 for others */
};

/* {"method":…,"records":…,"outliers":…,"clusters":[{"cluster":0,"count":…,"persistence":…},…]},
 * of kmeans with "inertia" and "iterations"; or the clusters as CSV. */
void cluster_report(struct buffer *, const struct cluster_result *, bool csv);

/* A line for each row of the condensed tree: parent, child, lambda, size. JSONL or CSV. */
void cluster_report_tree(struct buffer *, const struct hdbscan_tree *, bool csv);

/* A line for each join [N - 1]: left, right, distance, size. JSONL or CSV. */
void cluster_report_joins(struct buffer *, const struct hdbscan_join *, size_t n, bool csv);
