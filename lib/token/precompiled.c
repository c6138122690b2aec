#include "lib/token/precompiled.h"

#include "lib/base/utf8.h"

/* A unit of darts-clone: bit 8, it has a value; the offset of its children; else a value or label. */
static inline uint32_t offset_of(uint32_t unit)
{
	return (unit >> 10) << ((unit & 1 << 9) >> 6);
}

static inline bool has_value(uint32_t unit)
{
	return unit >> 8 & 1;
}

enum { VALUE = 0x7fffffff };

/* The step along a byte, not NUL, from the place of a node's children; false where there is none. */
static inline bool step(
	const struct precompiled *p, uint32_t *base, unsigned char byte, uint32_t *unit)
{
	uint32_t at = *base ^ byte;
	/* a value has the highest bit set, which no label has */
	if (byte == 0 || at >= p->n || (p->units[at] & (1u << 31 | 0xff)) != byte)
		return false;
	*unit = p->units[at];
	*base = at ^ offset_of(*unit);
	return true;
}

static struct slice replacement(const struct precompiled *p, uint32_t value)
{
	const char *s = p->replacements.data + value;
	const char *stop = memchr(s, 0, p->replacements.size - value);
	return (struct slice){ s, stop ? (size_t)(stop - s) : p->replacements.size - value };
}

static size_t find(const struct precompiled *p, struct slice text, struct slice *to, bool shortest)
{
	uint32_t base = offset_of(p->units[0]), unit, value = 0;
	size_t size = 0;
	for (size_t i = 0; i < text.size && step(p, &base, (unsigned char)text.data[i], &unit); i++)
		if (has_value(unit)) {
			value = p->units[base] & VALUE;
			size = i + 1;
			if (shortest)
				break;
		}
	if (size)
		*to = replacement(p, value);
	return size;
}

size_t precompiled_longest(const struct precompiled *p, struct slice text, struct slice *to)
{
	return p->n ? find(p, text, to, false) : 0;
}

size_t precompiled_shortest(const struct precompiled *p, struct slice text, struct slice *to)
{
	return p->n ? find(p, text, to, true) : 0;
}

bool precompiled_keeps(const struct precompiled *p, char c, bool always)
{
	uint32_t base = p->n ? offset_of(p->units[0]) : 0, unit, next;
	if (!p->n || !step(p, &base, (unsigned char)c, &unit))
		return true;
	for (unsigned byte = 1; byte < 128; byte++)
		if (next = base, step(p, &next, (unsigned char)byte, &(uint32_t){ 0 }))
			return false;
	return !always && !has_value(unit);
}

static int check_value(const struct precompiled *p, uint32_t at, struct error *e)
{
	if (at >= p->n || !(p->units[at] >> 31))
		return error_set(e, ERROR_MODEL, "unit %u of %zu is not a value", at, p->n);
	uint32_t value = p->units[at] & VALUE;
	if (value > p->replacements.size ||
		(value < p->replacements.size &&
			((unsigned char)p->replacements.data[value] & 0xc0) == 0x80))
		return error_set(e, ERROR_MODEL, "a rule's replacement begins at byte %u of %zu",
			value, p->replacements.size);
	return 0;
}

enum { UNSEEN, ON_PATH, DONE };
enum { NO_UNIT = -1 }; /* as uint32_t */

/* What is known while every unit that a text can lead to is looked at. */
struct check {
	const struct precompiled *p;
	uint32_t *first,
		*next; /* lists of the units that are children, by the place of their parent's */
	uint8_t *state;
	struct buffer stack;
};

/* A unit says by its label whose child it may be: the whole array once, not 255 places a parent. */
static void list_children(struct check *c)
{
	const struct precompiled *p = c->p;
	size_t places = (p->n | 0xff) + 1;
	c->first = MEM_ARRAY(uint32_t, places);
	c->next = MEM_ARRAY(uint32_t, p->n);
	memset(c->first, 0xff, places * sizeof *c->first);
	for (uint32_t i = (uint32_t)p->n; i-- > 0;) {
		uint32_t label = p->units[i] & (1u << 31 | 0xff);
		if (label == 0 || label > 0xff)
			continue;
		c->next[i] = c->first[i ^ label];
		c->first[i ^ label] = i;
	}
}

/* The children of a unit that is entered. Subtrees may be shared, but no way leads back. */
static int enter(struct check *c, uint32_t at, struct error *e)
{
	const struct precompiled *p = c->p;
	uint32_t base = at ^ offset_of(p->units[at]);
	if (at && has_value(p->units[at]) && check_value(p, base, e))
		return -1;
	if (base > (p->n | 0xff))
		return 0;
	for (uint32_t child = c->first[base]; child != (uint32_t)NO_UNIT; child = c->next[child]) {
		if (c->state[child] == ON_PATH)
			return error_set(e, ERROR_MODEL, "its trie leads from unit %u back to %u",
				at, child);
		if (c->state[child] == UNSEEN)
			buffer_add(&c->stack, &child, sizeof child);
	}
	return 0;
}

static int check(const struct precompiled *p, struct error *e)
{
	struct check c = { .p = p, .state = mem_zero(p->n, 1) };
	uint32_t at = 0;
	int rc = 0;
	list_children(&c);
	buffer_add(&c.stack, &at, sizeof at);
	while (!rc && c.stack.size) {
		memcpy(&at, c.stack.data + c.stack.size - sizeof at, sizeof at);
		if (c.state[at] == UNSEEN) {
			c.state[at] = ON_PATH;
			rc = enter(&c, at, e);
		} else {
			c.state[at] = DONE;
			c.stack.size -= sizeof at;
		}
	}
	mem_free(c.first);
	mem_free(c.next);
	mem_free(c.state);
	buffer_free(&c.stack);
	return rc;
}

static uint32_t little32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static int read_parts(
	struct precompiled *p, struct slice charsmap, struct arena *arena, struct error *e)
{
	if (charsmap.size < 4)
		return error_set(e, ERROR_MODEL, "%zu byte%s, not even its trie's size",
			charsmap.size, plural(charsmap.size));
	size_t size = little32(charsmap.data);
	if (size > charsmap.size - 4 || size % 4 || size == 0)
		return error_set(e, ERROR_MODEL, "its trie has %zu byte%s, of %zu", size,
			plural(size), charsmap.size - 4);
	p->n = size / 4;
	p->units = ARENA_ARRAY(arena, uint32_t, p->n);
	for (size_t i = 0; i < p->n; i++)
		p->units[i] = little32(charsmap.data + 4 + 4 * i);
	p->replacements = arena_copy(
		arena, (struct slice){ charsmap.data + 4 + size, charsmap.size - 4 - size });
	if (utf8_check(p->replacements) != p->replacements.size)
		return error_set(e, ERROR_MODEL, "its replacements are not UTF-8");
	return check(p, e);
}

int precompiled_read(
	struct precompiled *p, struct slice charsmap, struct arena *arena, struct error *e)
{
	*p = (struct precompiled){ 0 };
	if (read_parts(p, charsmap, arena, e)) {
		*p = (struct precompiled){ 0 };
		return error_wrap(e, "precompiled_charsmap");
	}
	for (unsigned c = 0; c < 128; c++) {
		uint32_t base = offset_of(p->units[0]), unit;
		p->plain[c] =
			c != '\r' && !(step(p, &base, (unsigned char)c, &unit) && has_value(unit));
	}
	return 0;
}
