/*
 * test_math.c: lib/base/math.h and math64.h. The float32 functions against libm in double: with
 * HEDDLE_SLOW over all 2^32 arguments, otherwise over every 997th block of 256. Errors in units of
 * the last place of the float32 result. The same functions as the compiler vectorises them for AVX2
 * and AVX-512 run in test_ops.c, through the kernels.
 *
 * Without the instruction a fused multiply-add takes ten times as long, so that only the program
 * that make check-slow compiles for this processor, test_math_native, tries all arguments: about 5
 * minutes on 2 cores. It must find the same bits: the hashes below are of both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/math.h"
#include "lib/base/random.h"

#if defined __x86_64__
#include <xmmintrin.h>
#endif

enum { BLOCK = 256, SAMPLE = 997 }; /* SAMPLE: of blocks, where not all are tried */

#if defined __FMA__ || defined __aarch64__
enum { HAS_FMA = true };
#else
enum { HAS_FMA = false };
#endif

/* HEDDLE_SLOW: the functions are tried whole where fused multiply-adds are instructions, the fused
 * multiply-add itself where it is software. */
static bool exhaustive(bool of_fma)
{
	return getenv("HEDDLE_SLOW") && HAS_FMA != of_fma;
}

/* Of float32, at a finite v: by the bits of the exponent, for this is asked 30 billion times. */
static double ulp(double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	bits &= (uint64_t)0x7ff << 52;
	memcpy(&v, &bits, sizeof v);
	return v < 0x1p-126 ? 0x1p-149 : v * 0x1p-23;
}

/* The softmax's exponential is defined to be 0 below -87. */
static double exp_neg(double x)
{
	return x < -87 ? 0 : exp(x);
}

#define BLOCK_OF(function) \
	static void block_##function(const float *x, float *y) \
	{ \
		for (int i = 0; i < BLOCK; i++) \
			y[i] = function(x[i]); \
	}
BLOCK_OF(math_exp)
BLOCK_OF(math_exp_neg)
BLOCK_OF(math_log)
BLOCK_OF(math_erf)
BLOCK_OF(math_tanh)
BLOCK_OF(math_sin)
BLOCK_OF(math_cos)

/* The bits of a sample of results, which must be the same wherever this is compiled: hashed in
 * order, NaNs as one. */
static const struct function {
	const char *name;
	void (*block)(const float *, float *);
	double (*reference)(double);
	double most; /* stated error */
	bool negative; /* defined for x <= 0 only */
	uint64_t hash; /* of the sample */
} functions[] = {
	{ "exp", block_math_exp, exp, 1.05, false, 0x863b730d1223c198 },
	{ "exp_neg", block_math_exp_neg, exp_neg, 1.05, true, 0xecb32e70e0b477db },
	{ "log", block_math_log, log, 1.09, false, 0xdc3b826634e0eaf1 },
	{ "erf", block_math_erf, erf, 1.16, false, 0x9a9a74154a263684 },
	{ "tanh", block_math_tanh, tanh, 1.34, false, 0x306000aef2ff9e07 },
	{ "sin", block_math_sin, sin, 0.51, false, 0xf3256fe92de19619 },
	{ "cos", block_math_cos, cos, 0.51, false, 0xe0d6b753e6c70801 },
};

struct result {
	double worst;
	float where;
	long wrong; /* infinities, NaNs and signs */
	uint64_t hash;
};

static void check_block(const struct function *f, uint32_t b, struct result *r)
{
	float x[BLOCK], y[BLOCK];
	for (uint32_t i = 0; i < BLOCK; i++)
		x[i] = math_float((int32_t)(b * BLOCK + i));
	f->block(x, y);
	for (int i = 0; i < BLOCK; i++) {
		if (f->negative && !(x[i] <= 0))
			continue;
		double want = f->reference((double)x[i]);
		float nearest = (float)want;
		uint32_t bits = y[i] != y[i] ? 0x7fc00000 : (uint32_t)math_bits(y[i]);
		if (b % SAMPLE == 0)
			r->hash = random_mix(r->hash ^ bits);
		if (want != want) {
			r->wrong += y[i] == y[i];
		} else if (isinf(nearest) || isinf(y[i])) {
			r->wrong += nearest != y[i];
		} else {
			double e = fabs((double)y[i] - want) / ulp(want);
			r->wrong += signbit(nearest) != signbit(y[i]);
			if (e > r->worst) {
				r->worst = e;
				r->where = x[i];
			}
		}
	}
}

static void float32_functions_are_within_their_stated_error(void **state)
{
	uint32_t step = exhaustive(false) ? 1 : SAMPLE;
	bool verbose = getenv("HEDDLE_VERBOSE") != NULL, good = true;
	(void)state;
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		const struct function *f = &functions[i];
		struct result all = { 0 };
#pragma omp parallel for schedule(dynamic, 64)
		for (uint32_t b = 0; b < 1u << 24; b += step) {
			struct result r = { 0 };
			math_enter();
			check_block(f, b, &r);
#pragma omp critical
			{
				all.wrong += r.wrong;
				if (b % SAMPLE == 0)
					all.hash ^= random_mix(r.hash + b);
				if (r.worst > all.worst) {
					all.worst = r.worst;
					all.where = r.where;
				}
			}
		}
		if (verbose)
			print_message("%-8s %.4f ulp at %a, hash 0x%016llx\n", f->name, all.worst,
				(double)all.where, (unsigned long long)all.hash);
		if (all.worst > f->most || all.wrong) {
			print_error("%s: %.4f ulp at %a, stated %.2f; %ld wrong specials\n",
				f->name, all.worst, (double)all.where, f->most, all.wrong);
			good = false;
		}
		if (all.hash != f->hash) {
			print_error("%s: hash %016llx\n", f->name, (unsigned long long)all.hash);
			good = false;
		}
	}
	assert_true(good);
}

static double uniform(uint64_t stream, uint64_t i, double low, double high)
{
	return low + (high - low) * random_double(random_bits(3, stream, i));
}

static void pow_is_within_its_stated_error(void **state)
{
	uint64_t n = exhaustive(false) ? 100000000 : 300000;
	double worst = 0;
	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		float x = (float)exp(uniform(1, i, -1, 1) * (i % 2 ? 3 : 80));
		float y = (float)(uniform(2, i, -1, 1) * (i % 3 ? 2 : 40));
		double want = pow((double)x, (double)y);
		if (want < 3.4e38 && want > 1e-44)
			worst = fmax(worst, fabs((double)math_pow(x, y) - want) / ulp(want));
	}
	assert_true(worst <= 0.51);
}

static void pow_of_special_arguments_is_as_ieee_754_says(void **state)
{
	static const float v[] = { 0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 2, -2, 0.5f, -0.5f, 3,
		-3, 1e-40f, -1e-40f, 16777216, 16777215, -16777215, 3e38f, -3e38f, 1.5f };
	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		for (size_t j = 0; j < sizeof v / sizeof *v; j++) {
			double want = pow((double)v[i], (double)v[j]), p = math_pow64(v[i], v[j]);
			float want32 = (float)want, p32 = math_pow(v[i], v[j]);
			if (isnan(want)) {
				assert_true(isnan(p) && isnan(p32));
				continue;
			}
			assert_true(p32 == want32 && signbit(p32) == signbit(want32));
			assert_true(signbit(p) == signbit(want));
			assert_true(p == want || fabs(p - want) <= 0x1p-52 * fabs(want));
		}
}

/* Error against long double, in units of the last place. */
static double error64(double got, long double want)
{
	double size = fabs((double)want);
	double unit = size < 0x1p-1022 ? 0x1p-1074 : ldexp(1, ilogb(size) - 52);
	return (double)(fabsl((long double)got - want) / unit);
}

static void double_functions_are_within_their_stated_error(void **state)
{
	uint64_t n = exhaustive(false) ? 100000000 : 300000;
	double worst[3] = { 0 };
	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		double x = uniform(1, i, -1, 1) * (i % 2 ? 745 : 2);
		long double want = expl((long double)x);
		if (want < 1.7e308L)
			worst[0] = fmax(worst[0], error64(math_exp64(x), want));
		double y = (double)expl((long double)(uniform(2, i, -1, 1) * (i % 2 ? 700 : 1)));
		worst[1] = fmax(worst[1], error64(math_log64(y), logl((long double)y)));
		double a = exp(uniform(3, i, -1, 1) * (i % 2 ? 3 : 100));
		double b = uniform(4, i, -1, 1) * (i % 3 ? 2 : 40);
		want = powl((long double)a, (long double)b);
		if (want < 1.7e308L && want > 1e-320L)
			worst[2] = fmax(worst[2], error64(math_pow64(a, b), want));
	}
	if (getenv("HEDDLE_VERBOSE"))
		print_message(
			"exp64 %.3f, log64 %.3f, pow64 %.3f ulp\n", worst[0], worst[1], worst[2]);
	assert_true(worst[0] <= 0.85);
	assert_true(worst[1] <= 0.51);
	assert_true(worst[2] <= 0.9);
}

static void double_functions_know_their_special_arguments(void **state)
{
	(void)state;
	assert_true(math_exp64(0) == 1 && math_exp64(INFINITY) == INFINITY);
	assert_true(math_exp64(-INFINITY) == 0 && isnan(math_exp64(NAN)));
	assert_true(math_exp64(710) == INFINITY && math_exp64(-746) == 0);
	assert_true(math_exp64(-745.1) == 0x1p-1074);
	assert_true(
		math_log64(1) == 0 && math_log64(0) == -INFINITY && math_log64(-0.0) == -INFINITY);
	assert_true(isnan(math_log64(-1)) && isnan(math_log64(NAN)));
	assert_true(math_log64(INFINITY) == INFINITY &&
		    error64(math_log64(5e-324), logl((long double)5e-324)) < 1);
}

/* Against the exact result: the product of floats is exact in double, the sum in long double
 * mostly; libm's fmaf is correctly rounded. */
static void fma_rounds_once(void **state)
{
	uint64_t n = exhaustive(true) ? 300000000 : 1000000;
	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		float v[3];
		for (uint64_t j = 0; j < 3; j++) {
			uint32_t u = (uint32_t)random_bits(5, j, i),
				 kind = (uint32_t)(i >> 2 * j) & 3;
			u = kind == 1 ? (u & 0x80ffffff) | 0x3f000000 : u;
			u = kind == 2 ? (u & 0x83ffffff) | 0x1e000000 : u;
			u = kind == 3 ? u & 0xff8000ff : u;
			memcpy(&v[j], &u, sizeof u);
		}
		if (i % 5 == 0) /* nearly cancelled */
			v[2] = -(v[0] * v[1]) * (1 + (float)(int)(i / 5 % 5 - 2) * 0x1p-23f);
		float got = math_fma(v[0], v[1], v[2]), want = fmaf(v[0], v[1], v[2]);
		if (got == got || want == want)
			assert_memory_equal(&got, &want, sizeof got);
	}
}

/* A library built with -ffast-math switches subnormals off for whoever opens it
 * (prototypes/ftz.c). */
static void math_enter_brings_subnormals_back(void **state)
{
	(void)state;
#if defined __x86_64__
	volatile float small = 1e-38f;
	_mm_setcsr(_mm_getcsr() | 0x8040);
	volatile float flushed = small * 0.5f;
	math_enter();
	volatile float kept = small * 0.5f;
	assert_true(flushed == 0 && kept > 0);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(float32_functions_are_within_their_stated_error),
		cmocka_unit_test(pow_is_within_its_stated_error),
		cmocka_unit_test(pow_of_special_arguments_is_as_ieee_754_says),
		cmocka_unit_test(double_functions_are_within_their_stated_error),
		cmocka_unit_test(double_functions_know_their_special_arguments),
		cmocka_unit_test(fma_rounds_once),
		cmocka_unit_test(math_enter_brings_subnormals_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
