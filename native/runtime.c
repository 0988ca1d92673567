/* What Numba's machine code asks of its run time: memory that counts its references. The layout is Numba's. */
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

/* Functions under the oldest name that the C library knows them by: newer names differ in how they report errors, and
   would keep the library from systems of before 2022. The linker sends the kernels' calls here (--wrap). */
#ifdef __x86_64__
#define FIRST "GLIBC_2.2.5"
#else
#define FIRST "GLIBC_2.17"
#endif
#define ONE(name)                                             \
    __asm__(".symver first_" #name ", " #name "@" FIRST);     \
    double first_##name(double);                              \
    double __wrap_##name(double x) { return first_##name(x); }
#define TWO(name)                                             \
    __asm__(".symver first_" #name ", " #name "@" FIRST);     \
    double first_##name(double, double);                      \
    double __wrap_##name(double x, double y) { return first_##name(x, y); }
ONE(exp)
ONE(log)
TWO(pow)
TWO(hypot)

typedef void Destroy(void *data, size_t size, void *info);

typedef struct {
    size_t references;
    Destroy *destroy;
    void *info;
    void *data;
    size_t size;
    void *allocator;
} Owner;

void *NRT_Allocate(size_t size) { return malloc(size); }

void NRT_Free(void *data) { free(data); }

static void free_apart(void *data, size_t size, void *info) {
    if (info) ((Destroy *)info)(data, size, NULL);
    free(data);
}

static Owner *own(size_t size, size_t alignment) {
    Owner *owner = malloc(sizeof(Owner) + size + alignment);
    if (owner) {
        uintptr_t first = (uintptr_t)(owner + 1);
        *owner = (Owner){1, NULL, NULL, (void *)(first + (alignment - first % alignment) % alignment), size, NULL};
    }
    return owner;
}

Owner *NRT_MemInfo_alloc_aligned(size_t size, unsigned alignment) { return own(size, alignment ? alignment : 1); }

Owner *NRT_MemInfo_alloc(size_t size) { return own(size, 16); }

Owner *NRT_MemInfo_new_varsize_dtor(size_t size, Destroy *of_elements) {
    Owner *owner = own(0, 1);
    void *data = owner ? malloc(size) : NULL;
    if (!data) {
        free(owner);
        return NULL;
    }
    *owner = (Owner){1, free_apart, (void *)of_elements, data, size, NULL};
    return owner;
}

Owner *NRT_MemInfo_new_varsize(size_t size) { return NRT_MemInfo_new_varsize_dtor(size, NULL); }

void *NRT_MemInfo_varsize_realloc(Owner *owner, size_t size) {
    void *data = realloc(owner->data, size);
    if (data) {
        owner->data = data;
        owner->size = size;
    }
    return data;
}

void NRT_MemInfo_call_dtor(Owner *owner) {
    if (owner->destroy) owner->destroy(owner->data, owner->size, owner->info);
    free(owner);
}

/* New strides for the same memory in C order; arrays whose elements do not follow one another are refused. */
int numba_attempt_nocopy_reshape(intptr_t axes, const intptr_t *shape, const intptr_t *strides, intptr_t new_axes,
                                 const intptr_t *new_shape, intptr_t *new_strides, intptr_t itemsize, int fortran) {
    intptr_t step = itemsize, new_step = itemsize;
    if (fortran) return 0;
    for (intptr_t k = axes - 1; k >= 0; k--) {
        if (shape[k] > 1 && strides[k] != step) return 0;
        step *= shape[k];
    }
    for (intptr_t k = new_axes - 1; k >= 0; k--) {
        new_strides[k] = new_step;
        new_step *= new_shape[k];
    }
    return 1;
}

/* Numba would put the words of some exceptions together with Python's help. Nobody asks it to here: see `_raise`. */
void *PyExc_RuntimeError;
void *PyUnicode_FromKindAndData(void) { return NULL; }
void *PyTuple_Pack(void) { return NULL; }
intptr_t PyObject_Hash(void) { return -1; }
void PyErr_SetString(void) {}

/* Whether this processor, and the system on it, can run what the library holds. */
EXPORT int mfn_runs_here(void) {
#ifdef LEVEL
    __builtin_cpu_init();
    return __builtin_cpu_supports(LEVEL) != 0;
#else
    return 1;
#endif
}

EXPORT void mfn_release(Owner *owner) {
    if (owner && __atomic_sub_fetch(&owner->references, 1, __ATOMIC_ACQ_REL) == 0) NRT_MemInfo_call_dtor(owner);
}
