/*
 * map.h: a document map: points in the plane, each of a topic. Add points, call map_arrange once,
 * then draw it on a canvas (here) or write it as a page (page.h).
 *
 * After map_arrange the points lie in drawing order: those without a topic first, then topic by
 * topic, the largest first, so that small topics are not buried; within a topic in input order.
 * Positions are scaled so that the middle of the map is 0 and its longer side reaches from −1 to 1;
 * y grows upwards.
 */
#pragma once
#include "lib/plot/canvas.h"
#include "lib/plot/report.h"

struct map_topic {
	struct slice key; /* as it stands in the records; empty: they have none */
	struct slice label; /* words to show */
	bool named; /* the label is not the key */
	bool outlier; /* "-1" or none: grey, not labelled */
	size_t first, count; /* its points */
	float x, y; /* where it is densest */
	uint8_t colour; /* index in struct theme */
};

struct map {
	struct arena *arena;
	size_t n, capacity;
	double *x, *y; /* as given */
	uint32_t *topic; /* of each point as given, an index in the order of first sight */
	struct slice *text; /* of each point as given */
	bool topics_given; /* false: the records have no topics; they are drawn in one colour */

	size_t n_topics, topic_capacity;
	struct map_topic *topics;
	uint32_t *slots; /* hash table: index of topic + 1 */
	size_t n_slots;

	/* after map_arrange */
	uint32_t *order; /* the point (as given) drawn i-th */
	float *at_x, *at_y; /* [n] in drawing order */
	float extent_x, extent_y; /* half the sides of the map, 1 or less */
};

void map_init(struct map *, bool topics_given);
void map_free(struct map *);

/* Finite positions. topic: empty where the record has none. topic and text are copied. */
void map_add(struct map *, double x, double y, struct slice topic, struct slice text);

/* Order topics and points, name the topics (n_words words each from the report, which may be NULL),
 * choose colours. Returns how many topics the report lacks. */
size_t map_arrange(struct map *, const struct report *, const char *aspect, size_t n_words);

struct map_style {
	float width, height;
	float point_radius, opacity; /* 0: by the number of points */
	size_t label_count; /* at most so many labels */
	struct slice title; /* may be empty */
	bool dark;
};

/* "43,013 records · 62 topics · 12,811 outliers" */
void map_describe(const struct map *, struct buffer *);

/* A canvas's worth; returns how many labels found a place. */
size_t map_draw(const struct map *, const struct map_style *, struct canvas *);

/* Radius and opacity of a point where n points share an area. */
float map_point_radius(size_t n, float width, float height);
float map_point_opacity(size_t n);
