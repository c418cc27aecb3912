// Counts what each thread allocates. Loaded before the allocator (LD_PRELOAD), it passes every call on to it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

// This model needs no memory of its own for a new thread.
static __thread unsigned long allocations __attribute__((tls_model("initial-exec")));
static __thread unsigned long allocated_bytes __attribute__((tls_model("initial-exec")));

// Of the thread that asks.
unsigned long counted_allocations(void) { return allocations; }
unsigned long counted_bytes(void) { return allocated_bytes; }

static void count(size_t size) {
    allocations += 1;
    allocated_bytes += size;
}

// What dlsym itself may ask for before the allocator is found: it is never freed.
static _Alignas(16) char early[65536];
static size_t early_used;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

void *malloc(size_t size) {
    static void *(*allocator)(size_t);
    if (!allocator) allocator = next("malloc");
    count(size);
    return allocator(size);
}

void *calloc(size_t number, size_t size) {
    static void *(*allocator)(size_t, size_t);
    static int is_looking;
    if (!allocator && is_looking) {
        size_t bytes = (number * size + 15) & ~(size_t)15;
        if (bytes > sizeof early - early_used) return NULL;
        void *place = early + early_used;
        early_used += bytes;
        return place;
    }
    if (!allocator) {
        is_looking = 1;
        allocator = next("calloc");
    }
    count(number * size);
    return allocator(number, size);
}

void *realloc(void *old, size_t size) {
    static void *(*allocator)(void *, size_t);
    if (!allocator) allocator = next("realloc");
    count(size);
    return allocator(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    static int (*allocator)(void **, size_t, size_t);
    if (!allocator) allocator = next("posix_memalign");
    count(size);
    return allocator(place, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    static void *(*allocator)(size_t, size_t);
    if (!allocator) allocator = next("aligned_alloc");
    count(size);
    return allocator(alignment, size);
}

void free(void *place) {
    static void (*allocator)(void *);
    if (!allocator) allocator = next("free");
    if ((char *)place < early || (char *)place >= early + sizeof early) allocator(place);
}
