/*
 * classifier.h: fitted classifiers of vectors: logistic regression, or the nearest of one centre a
 * label by cosine (few examples, or the vectors of the labels' own descriptions). Saved as
 * safetensors: metadata "heddle": "classifier 1" and "parameters", a JSON object with "method",
 * "labels" (an array of JSON values), "temperature" and, where the vectors were made by the
 * command, "model"; tensors coefficient [K, C] and intercept [K], or center [M, C], all F64.
 */
#pragma once
#include "lib/file/safetensors.h"
#include "lib/learn/classes.h"
#include "lib/learn/logistic.h"

enum classifier_method { CLASSIFIER_LOGISTIC, CLASSIFIER_CENTROID };
#define CLASSIFIER_METHODS "logistic|centroid"

struct classifier {
	enum classifier_method method;
	struct classes labels;
	size_t c; /* of a vector */
	struct logistic logistic;
	double *center; /* CENTROID: [labels.n, c], of length 1 */
	double temperature; /* logits are divided by it; 0: scores are cosines */
	struct slice model; /* that made the vectors, or empty */
};

/*
 * The centre of each label: the mean of its rows of length 1, again of length 1. Rows of weight 0
 * take no part. In the arena. A label whose rows cancel out is an error (65).
 */
int classifier_centroids(
	struct classifier *, const struct logistic_data *, struct arena *, struct error *);

/* From the vectors of labels, x [labels.n, c]: the same with a row a label. */
int classifier_from_descriptions(
	struct classifier *, const float *x, struct arena *, struct error *);

/*
 * scores [n, labels.n] of x [n, c]: probabilities, the softmax of the logits by the temperature; of
 * centres without one the cosines, 0 for a vector of zeros.
 */
void classifier_scores(
	const struct classifier *, struct device *, const float *x, size_t n, double *scores);

/* What a temperature divides: the logarithms of the probabilities at temperature 1, or cosines. */
void classifier_logits(
	const struct classifier *, struct device *, const float *x, size_t n, double *logits);

/* In the arena, the file may be closed then. 78 where it holds no classifier. */
int classifier_load(
	struct classifier *, const struct tensor_file *, struct arena *, struct error *);
int classifier_save(const struct classifier *, const char *path, struct error *);
