/* sha256.h: the SHA-256 digest (FIPS 180-4). */
#pragma once
#include <stdint.h>

#include "lib/base/slice.h"

enum { SHA256_SIZE = 32 };

void sha256(struct slice bytes, uint8_t digest[SHA256_SIZE]);
