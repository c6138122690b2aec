/*
 * colour.c: palettes, colour vision and contrast. sRGB is IEC 61966-2-1; OKLab is Björn Ottosson's
 * ("A perceptual color space for image processing", 2020); colour blindness is simulated in linear
 * light with the matrices of Machado, Oliveira and Fernandes ("A physiologically-based model for
 * simulation of color vision deficiency", 2009) at full severity. Roots are our own, by Newton, so
 * that every machine chooses the same colours.
 */
#include "lib/plot/colour.h"

#include "lib/base/memory.h"

struct linear {
	double c[3];
};

/* x^(1/n) in [0, 1]: Newton from above, monotone until it stands still. */
static double root(double x, int n)
{
	if (x <= 0)
		return 0;
	double y = 1;
	for (int step = 0; step < 200; step++) {
		double power = 1;
		for (int i = 1; i < n; i++)
			power *= y;
		double next = y - (y - x / power) / n;
		if (!(next < y))
			break;
		y = next;
	}
	return y;
}

static double linear_from_byte(uint8_t byte)
{
	double c = byte / 255.0;
	if (c <= 0.04045)
		return c / 12.92;
	c = (c + 0.055) / 1.055;
	return c * c * root(c * c, 5); /* c^2.4 */
}

static struct linear linear_from(struct colour c)
{
	return (struct linear){ { linear_from_byte(c.r), linear_from_byte(c.g),
		linear_from_byte(c.b) } };
}

static struct linear multiply(const double m[3][3], struct linear v)
{
	struct linear r;
	for (int i = 0; i < 3; i++)
		r.c[i] = m[i][0] * v.c[0] + m[i][1] * v.c[1] + m[i][2] * v.c[2];
	return r;
}

static struct linear seen(struct linear v, enum vision vision)
{
	static const double machado[VISIONS][3][3] = {
		[VISION_NORMAL] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
		[VISION_PROTANOPIA] = { { 0.152286, 1.052583, -0.204868 },
			{ 0.114503, 0.786281, 0.099216 }, { -0.003882, -0.048116, 1.051998 } },
		[VISION_DEUTERANOPIA] = { { 0.367322, 0.860646, -0.227968 },
			{ 0.280085, 0.672501, 0.047413 }, { -0.011820, 0.042940, 0.968881 } },
		[VISION_TRITANOPIA] = { { 1.255528, -0.076749, -0.178779 },
			{ -0.078411, 0.930809, 0.147602 }, { 0.004733, 0.691367, 0.303900 } },
	};
	struct linear r = multiply(machado[vision], v);
	for (int i = 0; i < 3; i++)
		r.c[i] = r.c[i] < 0 ? 0 : r.c[i] > 1 ? 1 : r.c[i];
	return r;
}

static struct linear oklab(struct linear v)
{
	static const double lms[3][3] = { { 0.4122214708, 0.5363325363, 0.0514459929 },
		{ 0.2119034982, 0.6806995451, 0.1073969566 },
		{ 0.0883024619, 0.2817188376, 0.6299787005 } };
	static const double lab[3][3] = { { 0.2104542553, 0.7936177850, -0.0040720468 },
		{ 1.9779984951, -2.4285922050, 0.4505937099 },
		{ 0.0259040371, 0.7827717662, -0.8086757660 } };
	struct linear cone = multiply(lms, v);
	for (int i = 0; i < 3; i++)
		cone.c[i] = root(cone.c[i], 3);
	return multiply(lab, cone);
}

static double difference(struct linear a, struct linear b)
{
	double sum = 0;
	for (int i = 0; i < 3; i++)
		sum += (a.c[i] - b.c[i]) * (a.c[i] - b.c[i]);
	return __builtin_sqrt(sum);
}

double colour_distance_seen(struct colour a, struct colour b, enum vision vision)
{
	return difference(oklab(seen(linear_from(a), vision)), oklab(seen(linear_from(b), vision)));
}

double colour_distance(struct colour a, struct colour b)
{
	double least = colour_distance_seen(a, b, VISION_NORMAL);
	for (enum vision v = VISION_PROTANOPIA; v <= VISION_DEUTERANOPIA; v++) {
		double d = colour_distance_seen(a, b, v);
		least = d < least ? d : least;
	}
	return least;
}

static double luminance(struct colour c)
{
	struct linear v = linear_from(c);
	return 0.2126 * v.c[0] + 0.7152 * v.c[1] + 0.0722 * v.c[2];
}

double colour_contrast(struct colour a, struct colour b)
{
	double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
	return x > y ? x / y : y / x;
}

/* --- Themes --------------------------------------------------------------------------------- */

static uint8_t mix_byte(uint8_t from, uint8_t to, unsigned percent)
{
	return (uint8_t)((from * (100 - percent) + to * percent + 50) / 100);
}

static struct colour mix(struct colour from, struct colour to, unsigned percent)
{
	return (struct colour){ mix_byte(from.r, to.r, percent), mix_byte(from.g, to.g, percent),
		mix_byte(from.b, to.b, percent) };
}

static const struct colour white = { 255, 255, 255 }, black = { 0, 0, 0 };

static const struct theme light_base = {
	.ground = { 255, 255, 255 },
	.ink = { 28, 32, 38 },
	.faint = { 98, 106, 116 },
	.outlier = { 201, 206, 212 },
	.topic = { { 0x29, 0x37, 0xa1 }, { 0xe1, 0xb5, 0x02 }, { 0x02, 0xb5, 0xcb },
		{ 0xb4, 0x58, 0x70 }, { 0x09, 0x71, 0x0a }, { 0x8b, 0x70, 0xf1 },
		{ 0xfb, 0x80, 0x85 }, { 0x94, 0x8c, 0x25 }, { 0x80, 0x1e, 0x54 } },
};

static const struct theme dark_base = {
	.ground = { 16, 19, 24 },
	.ink = { 234, 237, 241 },
	.faint = { 154, 163, 174 },
	.outlier = { 74, 82, 92 },
	.topic = { { 0x9c, 0xa2, 0xf7 }, { 0xe6, 0xe2, 0xa4 }, { 0x20, 0xf4, 0xfc },
		{ 0xf8, 0xa9, 0xb4 }, { 0x8e, 0xd5, 0x4f }, { 0x94, 0x60, 0xd8 },
		{ 0xab, 0x6d, 0x67 }, { 0x84, 0x9a, 0x0c }, { 0xe8, 0x66, 0xb2 } },
};

/* Shades keep away from the ground, on which the darker or the lighter ones would fade. */
static void theme_fill(struct theme *t, const struct theme *base, unsigned lighter, unsigned darker)
{
	*t = *base;
	for (size_t i = 0; i < COLOUR_HUES; i++) {
		t->topic[COLOUR_HUES + i] = mix(t->topic[i], white, lighter);
		t->topic[2 * COLOUR_HUES + i] = mix(t->topic[i], black, darker);
	}
	for (size_t i = 0; i < COLOURS; i++) {
		t->label[i] = t->topic[i];
		/* 5 where 4.5 is asked: text is also drawn over points. */
		for (unsigned p = 5; p <= 100 && colour_contrast(t->label[i], t->ground) < 5;
			p += 5)
			t->label[i] = mix(t->topic[i], t->ink, p);
	}
}

const struct theme *theme_get(bool dark)
{
	static struct theme themes[2];
	static bool ready;
	if (!ready) {
		theme_fill(&themes[0], &light_base, 36, 34);
		theme_fill(&themes[1], &dark_base, 48, 24);
		ready = true;
	}
	return &themes[dark];
}

/* --- Assignment ----------------------------------------------------------------------------- */

enum { NEIGHBOURS = 8 };

/* The NEIGHBOURS nearest among topics 0 … i − 1, which have colours already; returns how many. */
static size_t nearest_before(size_t i, const float *x, const float *y, uint32_t *nearest)
{
	double distance[NEIGHBOURS];
	size_t n = 0;
	for (size_t j = 0; j < i; j++) {
		double dx = (double)x[i] - (double)x[j], dy = (double)y[i] - (double)y[j];
		double d = dx * dx + dy * dy;
		if (n == NEIGHBOURS && !(d < distance[n - 1]))
			continue;
		size_t at = n < NEIGHBOURS ? n++ : n - 1;
		for (; at > 0 && d < distance[at - 1]; at--) {
			distance[at] = distance[at - 1];
			nearest[at] = nearest[at - 1];
		}
		distance[at] = d;
		nearest[at] = (uint32_t)j;
	}
	return n;
}

/*
 * Greedy, largest topic first. A colour's worth is its least distance to those of the neighbours,
 * where a neighbour counts the less the further down the list it stands and distances above 0.2 are
 * all good, less a charge for every use so far.
 */
void colour_assign(size_t n, const float *x, const float *y, uint8_t *colours)
{
	const struct theme *theme = theme_get(false);
	size_t choices = n <= COLOUR_HUES ? COLOUR_HUES : COLOURS;
	double apart[COLOURS][COLOURS];
	for (size_t a = 0; a < choices; a++)
		for (size_t b = 0; b < choices; b++)
			apart[a][b] = colour_distance(theme->topic[a], theme->topic[b]);
	size_t used[COLOURS] = { 0 };
	double charge = n <= COLOUR_HUES ? 10 : 0.02 * COLOURS / (double)n;
	for (size_t i = 0; i < n; i++) {
		uint32_t near[NEIGHBOURS];
		size_t n_near = nearest_before(i, x, y, near), best = 0;
		double best_worth = -1e30;
		for (size_t c = 0; c < choices; c++) {
			double worth = 0.2;
			for (size_t k = 0; k < n_near; k++) {
				double d = apart[c][colours[near[k]]] * (1 + 0.2 * (double)k);
				worth = d < worth ? d : worth;
			}
			/* a shade must be worth more than the plain hue */
			worth -= charge * (double)used[c] + (c >= COLOUR_HUES ? 0.02 : 0);
			if (worth > best_worth) {
				best_worth = worth;
				best = c;
			}
		}
		colours[i] = (uint8_t)best;
		used[best]++;
	}
}
