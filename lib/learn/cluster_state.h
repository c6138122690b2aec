/*
 * cluster_state.h: what the saved clusterings have in common. A safetensors file whose metadata
 * is "heddle": "cluster 1" and "parameters": a JSON object with at least "method" and "metric".
 */
#pragma once
#include "lib/base/memory.h"
#include "lib/file/safetensors.h"
#include "lib/learn/space.h"

enum cluster_method { CLUSTER_HDBSCAN, CLUSTER_KMEANS };

struct cluster_state {
	enum cluster_method method;
	enum space_metric metric;
	struct json parameters;
};

/* Read and check the metadata; 78 where the file is not a clustering. The parameters live in the
 * arena. */
int cluster_state_read(
	const struct tensor_file *, struct cluster_state *, struct arena *, struct error *);

/* Begin the metadata: {"method":…,"metric":… ; the caller goes on with ,"name":value and calls
 * cluster_state_write. */
void cluster_state_begin(struct buffer *parameters, enum cluster_method, enum space_metric);
void cluster_state_number(struct buffer *parameters, const char *name, double);
void cluster_state_write(struct buffer *parameters, struct tensor_writer *);
