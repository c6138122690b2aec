/*
 * path_each.h: includes BODY once a path, see path.h. There and only there
 *	WIDTH		doubles of the path's vectors
 *	LOCAL(name)	the name with the path's before it
 *	INLINE		a function that is compiled for the path, TARGET: its attribute alone
 *	vector		WIDTH doubles; in memory they may lie anywhere
 *	get(p), put(p)	the vector at p, to read and to write. No functions: they would return a
 *			vector wider than baseline x86-64 has
 */
#include "lib/learn/path.h"

#define PATH_PASTE(path, name) path##_##name
#define PATH_EXPAND(path, name) PATH_PASTE(path, name)
#define LOCAL(name) PATH_EXPAND(PATH, name)
#define INLINE TARGET static inline __attribute__((always_inline))
#define vector LOCAL(vector)
#define get(p) (*(const vector *)(p))
#define put(p) (*(vector *)(p))
#define PATH_VECTOR \
	typedef double vector __attribute__(( \
		vector_size(WIDTH * sizeof(double)), aligned(sizeof(double)), may_alias))

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

#undef PATH_PASTE
#undef PATH_EXPAND
#undef LOCAL
#undef INLINE
#undef vector
#undef get
#undef put
#undef PATH_VECTOR
#undef BODY
