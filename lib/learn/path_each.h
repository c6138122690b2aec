/* path_each.h: see path.h. */
#include "lib/learn/path.h"

#define PATH portable
#define WIDTH 2
#define TARGET
PATH_VECTOR;
#include BODY
#undef PATH
#undef WIDTH
#undef TARGET

#ifdef __x86_64__
#define PATH avx2
#define WIDTH 4
#define TARGET __attribute__((target("avx2")))
PATH_VECTOR;
#include BODY
#undef PATH
#undef WIDTH
#undef TARGET
#define PATH avx512
#define WIDTH 8
#define TARGET __attribute__((target("avx512f")))
PATH_VECTOR;
#include BODY
#undef PATH
#undef WIDTH
#undef TARGET
#endif
