/*
 * stream.c: streams and events. An operation is queued; step() runs the first of some stream that is
 * free to run, by the random numbers, and whoever waits makes steps until what it waits for is done:
 * nothing else happens meanwhile, so that what was not waited for is seen not to be there.
 *
 * What is done for certain when an operation begins is kept as a vector clock, the number of
 * operations of each stream: events carry them from stream to stream, waiting carries them to the
 * host, and the host to whatever it queues later. Host threads count as one.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/emu/shadow.h"

enum { STREAMS = 64 };

struct clock {
	uint32_t done[STREAMS];
};

enum op_kind { OP_LAUNCH, OP_HOST, OP_RECORD, OP_WAIT };

struct op {
	struct op *next;
	enum op_kind kind;
	uint64_t number; /* order of queueing */
	struct clock known; /* to the host when it queued this */
	const char *name;
	uintptr_t pc;
	union {
		struct launch launch;
		struct {
			cudaHostFn_t fn;
			void *context;
		} host;
		struct {
			struct CUevent_st *event;
			uint64_t record;
		} event;
	};
	/* a launch's closure follows */
	_Alignas(16) char closure[];
};

struct CUstream_st {
	bool used, blocking;
	unsigned id;
	struct op *first, **last;
	struct clock known;
};

struct CUevent_st {
	uint64_t recorded, done; /* numbers of records queued and run */
	bool destroyed;
	struct clock known;
};

/* An operation that has run, while not all know it. */
struct past {
	uint32_t first, last; /* epochs */
	unsigned stream;
	uint32_t number; /* in its stream */
	uintptr_t code; /* of the kernel, or of the call */
	const char *name; /* NULL: a kernel */
};

static struct CUstream_st streams[STREAMS];
static unsigned n_streams;
static struct clock host;
static uint64_t n_queued;
static struct past *past;
static size_t n_past, past_space;
static const struct CUstream_st *running;
static cudaError_t last_error;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t owner;
static unsigned depth;

static void stream_new(struct CUstream_st *s, bool blocking)
{
	struct clock known = s->known; /* numbers go on where a slot is used again */
	*s = (struct CUstream_st){
		.used = true, .blocking = blocking, .id = (unsigned)(s - streams)
	};
	s->known = known;
	s->last = &s->first;
}

static void open_all(void)
{
	static bool open;
	if (open)
		return;
	open = true;
	const char *seed = getenv("HEDDLE_EMU_SEED");
	emu_set_seed(seed && *seed ? strtoull(seed, NULL, 10) : 1);
	shadow_open();
	stream_new(&streams[0], true);
	n_streams = 1;
}

void emu_lock(void)
{
	if (!(__atomic_load_n(&depth, __ATOMIC_RELAXED) && pthread_equal(owner, pthread_self()))) {
		pthread_mutex_lock(&lock);
		owner = pthread_self();
	}
	depth++;
	open_all();
}

void emu_unlock(void)
{
	if (--depth == 0) {
		memory_open(false);
		pthread_mutex_unlock(&lock);
	}
}

static struct CUstream_st *stream_of(cudaStream_t s)
{
	struct CUstream_st *found = s ? s : &streams[0];
	if (found < streams || found >= streams + STREAMS || !found->used)
		report("a stream that does not exist", "%p", (void *)s);
	return found;
}

static void clock_join(struct clock *to, const struct clock *from)
{
	for (unsigned i = 0; i < STREAMS; i++)
		to->done[i] = to->done[i] > from->done[i] ? to->done[i] : from->done[i];
}

/* --- what is ordered --- */

bool stream_several(void)
{
	return n_streams > 1;
}

bool stream_ordered(uint32_t epoch, const char **who)
{
	*who = "an earlier operation";
	for (size_t i = 0; i < n_past; i++) {
		const struct past *p = &past[i];
		if (epoch < p->first || epoch > p->last)
			continue;
		const struct symbol *kernel = p->name ? NULL : symbol_function(p->code);
		if (running && running->known.done[p->stream] >= p->number)
			return true;
		*who = text_format("%s on stream %u",
			kernel    ? symbol_text(kernel->name)
			: p->name ? p->name
				  : "a kernel",
			p->stream);
		return false;
	}
	return true;
}

/* Forget what every stream and the host know. */
static void prune(void)
{
	struct clock least = host;
	for (unsigned i = 0; i < STREAMS; i++)
		for (unsigned j = 0; streams[i].used && j < STREAMS; j++)
			if (streams[i].known.done[j] < least.done[j])
				least.done[j] = streams[i].known.done[j];
	size_t n = 0;
	for (size_t i = 0; i < n_past; i++)
		if (least.done[past[i].stream] < past[i].number)
			past[n++] = past[i];
	n_past = n;
}

static void begin(struct CUstream_st *s, const struct op *op)
{
	clock_join(&s->known, &op->known);
	if (s->blocking && s->id != 0) /* the default stream's earlier operations are done */
		clock_join(&s->known, &streams[0].known);
	for (unsigned i = 1; s->id == 0 && i < STREAMS; i++)
		if (streams[i].used && streams[i].blocking)
			clock_join(&s->known, &streams[i].known);
	if (now.epoch > EPOCH_MOST / 2) {
		shadow_new_epochs();
		n_past = 0;
	}
	now.all_ordered = true;
	for (size_t i = 0; i < n_past && now.all_ordered; i++)
		now.all_ordered = s->known.done[past[i].stream] >= past[i].number;
	running = s;
	now.launch_first = now.block_first = now.barrier = epoch_next();
}

static void finish(struct CUstream_st *s, const struct op *op)
{
	s->known.done[s->id]++;
	running = NULL;
	if (!stream_several())
		return;
	if (n_past >= 256)
		prune();
	if (n_past == past_space) {
		past_space = past_space ? 2 * past_space : 512;
		past = realloc(past, past_space * sizeof *past);
		if (!past)
			abort();
	}
	past[n_past++] = (struct past){ .first = now.launch_first,
		.last = now.epoch,
		.stream = s->id,
		.number = s->known.done[s->id],
		.code = op->kind == OP_LAUNCH ? (uintptr_t)op->launch.kernel : op->pc,
		.name = op->kind == OP_LAUNCH ? NULL : op->name };
}

/* --- operations --- */

static struct op *op_new(enum op_kind kind, const char *name, uintptr_t pc, size_t closure)
{
	struct op *op = calloc(1, sizeof *op + closure);
	if (!op)
		abort();
	op->kind = kind;
	op->name = name;
	op->pc = pc;
	return op;
}

static void queue(struct CUstream_st *s, struct op *op)
{
	op->number = ++n_queued;
	op->known = host;
	*s->last = op;
	s->last = &op->next;
}

static void run(struct CUstream_st *s, struct op *op)
{
	begin(s, op);
	switch (op->kind) {
	case OP_LAUNCH:
		launch_run(&op->launch);
		break;
	case OP_HOST:
		op->host.fn(op->host.context);
		break;
	case OP_RECORD:
		op->event.event->known = s->known;
		op->event.event->done = op->event.record;
		break;
	case OP_WAIT:
		clock_join(&s->known, &op->event.event->known);
		break;
	}
	finish(s, op);
}

/* Whether the first of a stream may run. Operations of the default stream and of those that block
 * with it do not pass each other. */
static bool may_run(const struct CUstream_st *s)
{
	const struct op *op = s->first;
	if (!s->used || !op)
		return false;
	if (op->kind == OP_WAIT && op->event.event->done < op->event.record)
		return false;
	if (s->id != 0)
		return !s->blocking || !streams[0].first || streams[0].first->number > op->number;
	for (unsigned i = 1; i < STREAMS; i++)
		if (streams[i].used && streams[i].blocking && streams[i].first &&
			streams[i].first->number < op->number)
			return false;
	return true;
}

/* Run one operation; false if none is queued. */
static bool step(void)
{
	unsigned able[STREAMS], n = 0;
	bool queued = false;
	for (unsigned i = 0; i < STREAMS; i++) {
		queued = queued || (streams[i].used && streams[i].first);
		if (may_run(&streams[i]))
			able[n++] = i;
	}
	if (n == 0) {
		if (queued)
			abort(); /* no program can make streams wait in a circle */
		return false;
	}
	struct CUstream_st *s = &streams[able[emu_below(n)]];
	struct op *op = s->first;
	memory_open(true);
	run(s, op);
	s->first = op->next;
	if (!s->first)
		s->last = &s->first;
	free(op);
	return true;
}

static void drain(struct CUstream_st *s)
{
	while (s->first)
		step();
	clock_join(&host, &s->known);
}

/* --- launches --- */

void *emu_launch_new(const void *kernel, struct dim3 grid, struct dim3 block, size_t shared,
	cudaStream_t, size_t closure_size, void (*run)(void *));
void emu_launch_queue(void *closure);

static struct op *pending;
static struct CUstream_st *pending_stream;

static bool launchable(struct dim3 grid, struct dim3 block, size_t shared, const void *kernel)
{
	uint64_t threads = (uint64_t)block.x * block.y * block.z;
	return grid.x && grid.y && grid.z && threads && threads <= MOST_THREADS && block.z <= 64 &&
	       grid.x <= INT32_MAX && grid.y <= 65535 && grid.z <= 65535 &&
	       shared <= launch_shared_limit(kernel);
}

void *emu_launch_new(const void *kernel, struct dim3 grid, struct dim3 block, size_t shared,
	cudaStream_t stream, size_t closure_size, void (*fn)(void *))
{
	emu_lock();
	if (!launchable(grid, block, shared, kernel)) {
		last_error = cudaErrorInvalidConfiguration;
		emu_unlock();
		return NULL;
	}
	pending = op_new(OP_LAUNCH, NULL, 0, closure_size);
	pending_stream = stream_of(stream);
	pending->launch = (struct launch){ .kernel = kernel,
		.grid = grid,
		.block = block,
		.shared = shared,
		.run = fn,
		.closure = pending->closure,
		.closure_size = closure_size };
	return pending->closure;
}

void emu_launch_queue(void *closure)
{
	(void)closure;
	queue(pending_stream, pending);
	emu_unlock();
}

/* --- other operations: copy.c, cublaslt.c --- */

void stream_call(
	cudaStream_t stream, const char *name, void (*fn)(void *), void *context, uintptr_t pc)
{
	emu_lock();
	struct op *op = op_new(OP_HOST, name, pc, 0);
	op->host.fn = fn;
	op->host.context = context;
	queue(stream_of(stream), op);
	emu_unlock();
}

void stream_drain(cudaStream_t stream)
{
	emu_lock();
	drain(stream_of(stream));
	emu_unlock();
}

#define PC ((uintptr_t)__builtin_return_address(0) - 1)

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void *context)
{
	stream_call(stream, "cudaLaunchHostFunc", fn, context, PC);
	return cudaSuccess;
}

/* --- streams --- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
	emu_lock();
	unsigned i = 1;
	while (i < STREAMS && streams[i].used)
		i++;
	if (i == STREAMS)
		report("too many streams", "the emulator has %d", (int)STREAMS);
	stream_new(&streams[i], !(flags & cudaStreamNonBlocking));
	n_streams++;
	*stream = &streams[i];
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
	return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
	(void)priority;
	return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
	*least = *greatest = 0;
	return cudaSuccess;
}

/* Its operations are still done, CUDA says: they are done now. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	emu_lock();
	struct CUstream_st *s = stream_of(stream);
	struct clock known = host;
	drain(s);
	host = known;
	s->used = s->id == 0;
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	emu_lock();
	drain(stream_of(stream));
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
	emu_lock();
	while (step())
		;
	for (unsigned i = 0; i < STREAMS; i++)
		clock_join(&host, &streams[i].known);
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
	emu_lock();
	struct CUstream_st *s = stream_of(stream);
	if (s->first && emu_below(2))
		step();
	bool done = !s->first;
	if (done)
		clock_join(&host, &s->known);
	emu_unlock();
	return done ? cudaSuccess : cudaErrorNotReady;
}

/* --- events --- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
	(void)flags;
	*event = calloc(1, sizeof **event);
	return *event ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	return cudaEventCreateWithFlags(event, 0);
}

/* What waits for it still does: it is not freed while something is queued. */
cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	emu_lock();
	event->destroyed = true;
	bool queued = false;
	for (unsigned i = 0; i < STREAMS; i++)
		queued = queued || streams[i].first;
	if (!queued)
		free(event);
	emu_unlock();
	return cudaSuccess;
}

static cudaError_t event_queue(enum op_kind kind, cudaEvent_t event, cudaStream_t stream)
{
	emu_lock();
	struct op *op = op_new(kind, "an event", 0, 0);
	if (kind == OP_RECORD)
		event->recorded++;
	op->event.event = event;
	op->event.record = event->recorded;
	queue(stream_of(stream), op);
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	return event_queue(OP_RECORD, event, stream);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
	(void)flags;
	return event_queue(OP_WAIT, event, stream);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	emu_lock();
	while (event->done < event->recorded && step())
		;
	clock_join(&host, &event->known);
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
	emu_lock();
	if (event->done < event->recorded && emu_below(2))
		step();
	bool done = event->done >= event->recorded;
	if (done)
		clock_join(&host, &event->known);
	emu_unlock();
	return done ? cudaSuccess : cudaErrorNotReady;
}

/* A millisecond a record: there is no clock that a test could rely on. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
	if (!from->recorded || !to->recorded)
		return cudaErrorInvalidResourceHandle;
	*ms = 1;
	return from->done < from->recorded || to->done < to->recorded ? cudaErrorNotReady
								      : cudaSuccess;
}

/* --- errors --- */

cudaError_t cudaGetLastError(void)
{
	cudaError_t e = last_error;
	last_error = cudaSuccess;
	return e;
}

cudaError_t cudaPeekAtLastError(void)
{
	return last_error;
}
