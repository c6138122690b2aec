/*
 * random.h: random numbers as a function of a seed and a counter, so that they do not depend on
 * order or threads. The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", 2014, with David Stafford's mix 13), applied twice over the key.
 */
#pragma once
#include <stdint.h>

#if defined __CUDACC__
#define RANDOM_FN static __host__ __device__ inline
#else
#define RANDOM_FN static inline
#endif

RANDOM_FN uint64_t random_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* 64 random bits: draw number i of stream `stream` under a seed. */
RANDOM_FN uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t i)
{
	return random_mix(
		random_mix(seed * 0x9e3779b97f4a7c15u + stream) + i * 0xd1342543de82ef95u);
}

/* The same for many draws of one stream: random_bits(seed, stream, i) is random_draw(random_stream(
 * seed, stream), i). */
static inline uint64_t random_stream(uint64_t seed, uint64_t stream)
{
	return random_mix(seed * 0x9e3779b97f4a7c15u + stream);
}
static inline uint64_t random_draw(uint64_t stream, uint64_t i)
{
	return random_mix(stream + i * 0xd1342543de82ef95u);
}

/* A whole number below n, n < 2^32, from 64 bits; the bias is below n / 2^32. */
RANDOM_FN uint32_t random_below(uint64_t bits, uint32_t n)
{
	return (uint32_t)((bits >> 32) * n >> 32);
}

/* Uniform in [0, 1): 24 bits as float, 53 as double. */
RANDOM_FN float random_float(uint64_t bits)
{
	return (float)(bits >> 40) * 0x1p-24f;
}

RANDOM_FN double random_double(uint64_t bits)
{
	return (double)(bits >> 11) * 0x1p-53;
}
