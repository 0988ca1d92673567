// The default kinetics and the potential in plain C++: row loops over fields with ghost cells, nothing else.
// Written as a peer for the compiled kernels of the package; computes the same bits under a periodic boundary.

#include <cstddef>
#include <utility>

namespace {

template <typename T>
struct Parameters {
    T da, dh, dt, r_a, beta, bias, r_h;
    T alpha, leak, rest, threshold, drive, low, high;
};

template <typename T>
void wrap(T* x, std::ptrdiff_t n) {
    const std::ptrdiff_t pitch = n + 2;
    for (std::ptrdiff_t i = 1; i <= n; ++i) {
        x[i * pitch] = x[i * pitch + n];
        x[i * pitch + n + 1] = x[i * pitch + 1];
    }
    for (std::ptrdiff_t j = 0; j < pitch; ++j) {
        x[j] = x[n * pitch + j];
        x[(n + 1) * pitch + j] = x[pitch + j];
    }
}

template <typename T>
inline T laplacian(const T* up, const T* mid, const T* down, std::ptrdiff_t j) {
    return ((up[j] + down[j]) + (mid[j - 1] + mid[j + 1])) - T(4) * mid[j];
}

template <typename T>
void substep(const T* __restrict a, const T* __restrict h, T* __restrict a_new, T* __restrict h_new, std::ptrdiff_t n,
             const Parameters<T> p) {
    const std::ptrdiff_t pitch = n + 2;
    for (std::ptrdiff_t i = 1; i <= n; ++i) {
        const T *am = a + i * pitch, *hm = h + i * pitch;
        T *ao = a_new + i * pitch, *ho = h_new + i * pitch;
        for (std::ptrdiff_t j = 1; j <= n; ++j) {
            const T x = am[j], y = hm[j];
            const T f = p.r_a * (T(4) * x * (T(1) - x) * (x - T(0.5)) - p.beta * (y - T(0.5)) + p.bias);
            const T g = p.r_h * (x - y);
            ao[j] = x + (p.da * laplacian(am - pitch, am, am + pitch, j) + p.dt * f);
            ho[j] = y + (p.dh * laplacian(hm - pitch, hm, hm + pitch, j) + p.dt * g);
        }
    }
}

template <typename T>
void potential(const T* __restrict v, const T* __restrict a, T* __restrict v_new, std::ptrdiff_t n,
               const Parameters<T> p) {
    const std::ptrdiff_t pitch = n + 2;
    for (std::ptrdiff_t i = 1; i <= n; ++i) {
        const T *vm = v + i * pitch, *am = a + i * pitch;
        T* vo = v_new + i * pitch;
        for (std::ptrdiff_t j = 1; j <= n; ++j) {
            const T lap = laplacian(vm - pitch, vm, vm + pitch, j);
            T x = vm[j] + (p.alpha * lap + p.leak * (p.rest - vm[j]));
            x += am[j] > p.threshold ? p.drive : T(0);
            x = x < p.low ? p.low : x;
            vo[j] = x > p.high ? p.high : x;
        }
    }
}

// Fields are (n + 2)^2; the result lies in the first three arrays when steps * substeps and steps are even.
template <typename T>
void advance(T* a, T* h, T* v, T* a_new, T* h_new, T* v_new, long n, long steps, long substeps,
             const Parameters<T>* p) {
    for (long t = 0; t < steps; ++t) {
        for (long s = 0; s < substeps; ++s) {
            wrap(a, n);
            wrap(h, n);
            substep(a, h, a_new, h_new, n, *p);
            std::swap(a, a_new);
            std::swap(h, h_new);
        }
        wrap(v, n);
        potential(v, a, v_new, n, *p);
        std::swap(v, v_new);
    }
}

}  // namespace

extern "C" void advance_float64(double* a, double* h, double* v, double* a_new, double* h_new, double* v_new, long n,
                                long steps, long substeps, const Parameters<double>* p) {
    advance(a, h, v, a_new, h_new, v_new, n, steps, substeps, p);
}

extern "C" void advance_float32(float* a, float* h, float* v, float* a_new, float* h_new, float* v_new, long n,
                                long steps, long substeps, const Parameters<float>* p) {
    advance(a, h, v, a_new, h_new, v_new, n, steps, substeps, p);
}
