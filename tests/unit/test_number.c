/*
 * test_number.c: decimals from and to floats, against strtod, strtof and printf of the C library,
 * which are exact. HEDDLE_SLOW=1 prints and reads back all 2^32 floats.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/base/slice.h"
#include "lib/record/number.h"

static float float_of(uint32_t bits)
{
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static double double_of(uint64_t bits)
{
	double x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static uint32_t bits32(float x)
{
	uint32_t b;
	memcpy(&b, &x, sizeof b);
	return b;
}

static uint64_t bits64(double x)
{
	uint64_t b;
	memcpy(&b, &x, sizeof b);
	return b;
}

static void layout_is_javascripts(void **state)
{
	static const struct {
		double x;
		const char *text;
	} table[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -1.5, "-1.5" },
		{ 100, "100" },
		{ 0.1, "0.1" },
		{ 0.001, "0.001" },
		{ 1e-6, "0.000001" },
		{ 1.5e-6, "0.0000015" },
		{ 1e-7, "1e-7" },
		{ 1.25e-7, "1.25e-7" },
		{ 123456789, "123456789" },
		{ 1e20, "100000000000000000000" },
		{ 123e18, "123000000000000000000" },
		{ 1e21, "1e21" },
		{ 1.5e300, "1.5e300" },
		{ 5e-324, "5e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e308" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 0.3, "0.3" },
		{ 2.0 / 3, "0.6666666666666666" },
		{ 0x1p53, "9007199254740992" },
		{ 9007199254740991, "9007199254740991" },
		{ 2251799813685248.5, "2251799813685248.5" },
		{ -1.2345678901234567e-5, "-0.000012345678901234568" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char out[NUMBER_SIZE + 1];
		out[number_from_double(out, table[i].x)] = 0;
		assert_string_equal(out, table[i].text);
	}
}

static void floats_are_shorter_than_doubles(void **state)
{
	static const struct {
		float x;
		const char *text;
	} table[] = {
		{ 0.1f, "0.1" },
		{ 1e-45f, "1e-45" },
		{ 3.4028235e38f, "3.4028235e38" },
		{ 16777216, "16777216" },
		{ 1.17549435e-38f, "1.1754944e-38" },
		{ 0.33333334f, "0.33333334" },
		{ -0.0f, "-0" },
		{ 8388608.5f, "8388608" },
		{ 4194304.5f, "4194304.5" },
		{ 1e21f, "1e21" },
		{ 33554432, "33554432" },
		{ 1e10f, "10000000000" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char out[NUMBER_SIZE + 1];
		out[number_from_float(out, table[i].x)] = 0;
		assert_string_equal(out, table[i].text);
	}
}

/* The significant digits of a printed number, without zeros at their ends. */
static size_t digits_of(const char *text, size_t n, char *out)
{
	size_t k = 0;
	for (size_t i = 0; i < n && text[i] != 'e'; i++)
		if (text[i] >= '0' && text[i] <= '9' && (k || text[i] != '0'))
			out[k++] = text[i];
	while (k > 1 && out[k - 1] == '0')
		k--;
	out[k] = 0;
	return k;
}

/* The shortest %e that reads back. */
static void oracle(double x, bool is_float, char digits[32])
{
	for (int p = 0; p < 17; p++) {
		char text[64];
		int n = snprintf(text, sizeof text, "%.*e", p, x);
		if (is_float ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x) {
			digits_of(text, (size_t)n, digits);
			return;
		}
	}
	fail_msg("no %%e reads back");
}

static void check_shortest(double x, bool is_float, bool narrow)
{
	char text[NUMBER_SIZE + 1], ours[32], theirs[32];
	size_t n = is_float ? number_from_float(text, (float)x) : number_from_double(text, x);
	digits_of(text, n, ours);
	oracle(x, is_float, theirs);
	text[n] = 0;
	bool same = is_float ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
	/* at a power of two the decimal that printf gives, the nearest of its length, may lie
	 * outside the interval on its narrow side, and another of that length inside on the
	 * other */
	if (!same || strlen(ours) > strlen(theirs) || (!narrow && strcmp(ours, theirs) != 0))
		fail_msg("%.*s where printf has %s", (int)n, text, theirs);
}

static void no_shorter_decimal_reads_back(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 150000; i++) {
		uint64_t r = random_bits(1, 0, i);
		float x = fabsf(float_of((uint32_t)r));
		if (isfinite(x) && x != 0)
			check_shortest((double)x, true, (bits32(x) & 0x7fffff) == 0);
		double y = fabs(double_of(random_bits(1, 1, i)));
		if (isfinite(y) && y != 0)
			check_shortest(y, false, (bits64(y) & 0xfffffffffffff) == 0);
		/* what embeddings hold: about -0.2 to 0.2 */
		x = (random_float(random_bits(1, 2, i)) - 0.5f) * 0.4f;
		if (x != 0)
			check_shortest((double)fabsf(x), true, false);
	}
	for (int e = -1074; e < 1024; e++) {
		check_shortest(ldexp(1, e), false, true);
		if (e >= -149 && e < 128)
			check_shortest(ldexp(1, e), true, true);
		for (int d = -1; d <= 1 && e > -1000 && e < 1000; d += 2)
			check_shortest(double_of(bits64(ldexp(1, e)) + (uint64_t)d), false, false);
	}
}

static void round_trip32(uint32_t bits, bool strict)
{
	float x = float_of(bits);
	char text[NUMBER_SIZE + 1];
	const char *after;
	if (!isfinite(x))
		return;
	size_t n = number_from_float(text, x);
	float y = number_to_float(text, text + n, &after);
	text[n] = 0;
	if (bits32(y) != bits || after != text + n ||
		(strict && bits32(strtof(text, NULL)) != bits))
		fail_msg("%08x printed as %s reads as %08x", bits, text, bits32(y));
}

/* Ten million of them, or with HEDDLE_SLOW all 2^32. */
static void floats_read_back(void **state)
{
	uint64_t step = getenv("HEDDLE_SLOW") ? 1 : 429;
	(void)state;
#pragma omp parallel for schedule(static, 1 << 16)
	for (uint64_t b = 0; b < (uint64_t)1 << 32; b += step)
		round_trip32((uint32_t)b, b / step % 4 == 0);
}

static void doubles_read_back(void **state)
{
	size_t count = getenv("HEDDLE_SLOW") ? 100000000 : 1000000;
	(void)state;
	for (uint64_t i = 0; i < count; i++) {
		double x = double_of(random_bits(2, i & 1, i));
		char text[NUMBER_SIZE + 1];
		const char *after;
		if (!isfinite(x))
			continue;
		size_t n = number_from_double(text, x);
		text[n] = 0;
		double y = number_to_double(text, text + n, &after);
		if (bits64(y) != bits64(x) ||
			(i % 4 == 0 && bits64(strtod(text, NULL)) != bits64(x)))
			fail_msg("%a printed as %s reads as %a", x, text, y);
	}
}

/* --- Reading -------------------------------------------------------------------------------- */

static void reads_as_strtod(const char *text, size_t n)
{
	const char *after;
	double x = number_to_double(text, text + n, &after), y = strtod(text, NULL);
	if (bits64(x) != bits64(y) || after != text + n)
		fail_msg("%s: %a, strtod %a", text, x, y);
	float f = number_to_float(text, text + n, &after), g = strtof(text, NULL);
	if (bits32(f) != bits32(g) || after != text + n)
		fail_msg("%s: %a, strtof %a", text, (double)f, (double)g);
}

static void hard_decimals_read_exactly(void **state)
{
	static const char *const table[] = {
		"0",
		"-0",
		"0.0",
		"-0.000e5",
		"0e999999999999",
		"1e-999999999999",
		"1e999999999999",
		"1e400",
		"-1e400",
		"1.7976931348623157e308",
		"1.7976931348623158e308",
		"1.7976931348623159e308",
		"179769313486231580793728971405303415079934132710037826936173778980444968292764750"
		"946649017977587207096"
		"330286416692887910946555547851940402630657488671505820681908902000708383676273854"
		"845817711531764475730"
		"270069855571366959622842914819860834936475292719074168444365510704342711559699508"
		"093042880e0",
		"4.9e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"2.47032822920623272e-324",
		"2.2250738585072011e-308",
		"2.2250738585072012e-308",
		"2.225073858507201136057409796709131975934819546"
		"351645648023426109724822222021076945516529523908135087914149158913039621106870086"
		"438694594645527657207"
		"407820621743379988141063267329253552286881372149012981122451451889849057222307285"
		"255133155755015914397"
		"476397983411801999323962548289017107081850690630666655994938275772572015763062690"
		"663332647565300009245"
		"888316433037779791869612049497390377829704905051080609940730262937128958950003583"
		"799967207254304360284"
		"078895771796150945516748243471030702609144621572289880258182545180325707018860872"
		"113128079512233426288"
		"3686223226e-308",
		"9007199254740993",
		"9007199254740992.999999999999999999999",
		"9007199254740993.00000000000000000001",
		"9007199254740991.5",
		"1.00000005960464477539062500",
		"1.000000059604644775390624999999999999999999999",
		"1.0000000596046447753906250000000000000000000001",
		"7.0064923216240853e-46",
		"7.0064923216240854e-46",
		"7.006492321624085354618e-46",
		"1.401298464324817e-45",
		"3.4028235677973366e38",
		"3.4028235677973365e38",
		"3.4028236e38",
		"340282356779733661637539395458142568447",
		"340282356779733661637539395458142568448",
		"123456789012345678901234567890",
		"0.00000000000000000000000000000000000000000000000001234567890123456789012"
		"3",
		"8.5e-46",
		"1e-45",
		"5e-46",
		"1e22",
		"1e23",
		"1e-22",
		"1e-23",
		"100000000000000016777215",
		"100000000000000016777216",
		"3.518437208883201171875e13",
		"62.5364939768271845828",
		"8.10109172351e-10",
		"1.50000000000000011102230246251565",
		"9355950000000000000.00000000000000000000000000000000001844674407370955161"
		"6000001844674407370955161618446744073709551614073709551616184467440737095"
		"5161600018446744073709551616600000184467440737095516161844674407370955161"
		"4073709551616184467440737095516160001844674407370955161601844674407370955"
		"6744516161844674407370955161407370955161618446744073709551616000184467440"
		"7370955161601844674407370955161161600018446744073709500184467440737095516"
		"1600184467440737095516160018446744073709551168164467440737095516160001844"
		"0737095516160184467440737095516161844674407370955161600018446744075369107"
		"5160161161600018446744073709500184467440737095516160018446744073709551616"
		"0018446744073709551616184467440737095516160001844955161618446744073709551"
		"616000184467440753691075160018446744073709",
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		reads_as_strtod(table[i], strlen(table[i]));
}

static void middles_between_floats_go_to_the_even_one(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 4000; i++) {
		double x = double_of(random_bits(3, 0, i) & 0x7fffffffffffffff);
		char text[1300];
		/* an exact middle between two doubles, all its digits, and its neighbours by one in
		 * the last digit */
		if (i % 4 == 0) /* subnormal, or the smallest that are not */
			x = double_of(random_bits(3, 1, i) >> 12 | (i % 8 ? 0 : (uint64_t)1 << 52));
		if (!isfinite(x) || x == 0 || !isfinite(nextafter(x, INFINITY)))
			continue;
		long double middle = ((long double)x + (long double)nextafter(x, INFINITY)) / 2;
		for (int cut = 0; cut < 2; cut++) {
			int n = snprintf(text, sizeof text, "%.*Le", cut ? 30 : 770, middle);
			reads_as_strtod(text, (size_t)n);
			char *e = strchr(text, 'e') - 1;
			*e = (char)(*e == '9' ? '8' : *e + 1);
			reads_as_strtod(text, (size_t)n);
		}
		float f = fabsf(float_of((uint32_t)random_bits(3, 2, i) >> (i % 3 ? 0 : 9)));
		if (!isfinite(f) || !isfinite(nextafterf(f, INFINITY)))
			continue;
		double between = ((double)f + (double)nextafterf(f, INFINITY)) / 2;
		int n = snprintf(text, sizeof text, "%.150e", between);
		reads_as_strtod(text, (size_t)n);
		text[n] = 0;
		char *e = strchr(text, 'e') - 1;
		*e = (char)(*e == '9' ? '8' : *e + 1);
		reads_as_strtod(text, (size_t)n);
	}
}

static void random_decimals_read_as_strtod(void **state)
{
	size_t count = getenv("HEDDLE_SLOW") ? 50000000 : 500000;
	(void)state;
	for (uint64_t i = 0; i < count; i++) {
		char text[128], *p = text;
		uint64_t r = random_bits(4, 0, i);
		size_t digits = 1 + r % 25, point = (r >> 8) % (digits + 1);
		if (r >> 16 & 1)
			*p++ = '-';
		if (point == 0) {
			*p++ = '0';
			*p++ = '.';
		}
		for (size_t k = 0; k < digits; k++) {
			uint64_t d = random_bits(4, k + 1, i) % 10;
			if (point && k == point && k)
				*p++ = '.';
			*p++ = (char)('0' + (k == 0 && point > 1 && d == 0 ? 1 : d));
		}
		if (r >> 17 & 1)
			p += sprintf(p, "e%d",
				(int)(r >> 20) % (r >> 18 & 1 ? 360 : 50) -
					(r >> 18 & 1 ? 180 : 25));
		*p = 0;
		reads_as_strtod(text, (size_t)(p - text));
	}
}

static void only_the_grammar_of_json_is_read(void **state)
{
	static const struct {
		const char *text;
		int after;
	} table[] = {
		{ "", -1 },
		{ "-", -1 },
		{ "+1", -1 },
		{ ".5", -1 },
		{ "e5", -1 },
		{ "inf", -1 },
		{ "nan", -1 },
		{ "01", 1 },
		{ "1.", 1 },
		{ "1.e5", 1 },
		{ "1e", 1 },
		{ "1e+", 1 },
		{ "1E-x", 1 },
		{ "1,2", 1 },
		{ "0x10", 1 },
		{ "-0", 2 },
		{ "12.5e+03]", 8 },
		{ " 1", -1 },
		{ "1_0", 1 },
		{ "12345678", 8 },
		{ "0.12345678x", 10 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *t = table[i].text, *after;
		number_to_double(t, t + strlen(t), &after);
		assert_int_equal(after ? (int)(after - t) : -1, table[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_javascripts),
		cmocka_unit_test(floats_are_shorter_than_doubles),
		cmocka_unit_test(no_shorter_decimal_reads_back),
		cmocka_unit_test(floats_read_back),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(hard_decimals_read_exactly),
		cmocka_unit_test(middles_between_floats_go_to_the_even_one),
		cmocka_unit_test(random_decimals_read_as_strtod),
		cmocka_unit_test(only_the_grammar_of_json_is_read),
	};
	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
