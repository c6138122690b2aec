/*
 * undefined.c: what code compiled with -fsanitize=bounds,… calls, in libubsan's place: an index past
 * a dimension of an array, be it inside the variable or in local memory, and arithmetic that is
 * undefined in C++ and whose results on a card and a CPU differ (shifts by the width, floats beyond
 * an integer's range). Names and data: gcc/ubsan.cc.
 */
#include "tests/emu/internal.h"

/* What the handlers are told; only the array's type is used. */
struct bounds_data {
	const char *file;
	uint32_t line, column;
	const struct {
		uint16_t kind, info;
		char name[];
	} * array, *index;
};

#define PC ((uintptr_t)__builtin_return_address(0) - 1)

static _Noreturn void undefined(const char *what, const char *detail, uintptr_t pc)
{
	const char *who = now.self ? text_thread(now.self->id) : "the host";
	report(what, "%s%s at %s", detail, who, text_place(pc));
}

void __ubsan_handle_out_of_bounds(const struct bounds_data *, intptr_t index);
void __ubsan_handle_out_of_bounds(const struct bounds_data *d, intptr_t index)
{
	undefined("index past the end of an array",
		text_format("index %td of %s, by ", (ptrdiff_t)index, d->array->name), PC);
}

#define HANDLER(name, what) \
	void __ubsan_handle_##name(void *, void *, void *); \
	void __ubsan_handle_##name(void *data, void *a, void *b) \
	{ \
		(void)data, (void)a, (void)b; \
		undefined(what, "by ", PC); \
	}

HANDLER(shift_out_of_bounds, "a shift by too much")
HANDLER(add_overflow, "signed overflow")
HANDLER(sub_overflow, "signed overflow")
HANDLER(mul_overflow, "signed overflow")
HANDLER(negate_overflow, "signed overflow")
HANDLER(divrem_overflow, "division by zero")
HANDLER(float_cast_overflow, "a float beyond the integer's range")
