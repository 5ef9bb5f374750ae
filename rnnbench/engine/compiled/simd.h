// Vectors of VECTOR_BYTES bytes (64: AVX-512, 32: AVX2, 16: SSE, NEON), and exp, tanh and sigmoid.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>

#ifndef VECTOR_BYTES
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#endif
#if VECTOR_BYTES == 64
#include <immintrin.h>
#endif
#define INLINE static inline __attribute__((always_inline, unused))

namespace { // each cell's library keeps its own: several are loaded at once

typedef float FloatVector __attribute__((vector_size(VECTOR_BYTES)));
typedef double DoubleVector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t IntVector __attribute__((vector_size(VECTOR_BYTES)));

template <class T> struct Simd;
template <> struct Simd<float> {
  typedef FloatVector Vector;
};
template <> struct Simd<double> {
  typedef DoubleVector Vector;
};
template <class T> constexpr int lanes() { return VECTOR_BYTES / sizeof(T); }

// memcpy is how the language spells an unaligned load or store; it compiles to one.
template <class T> INLINE typename Simd<T>::Vector load(const T *from) {
  typename Simd<T>::Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T> INLINE void store(T *to, typename Simd<T>::Vector v) {
  std::memcpy(to, &v, sizeof v);
}
template <class T> INLINE typename Simd<T>::Vector all(T value) {
  typename Simd<T>::Vector v = {};
  return v + value;
}

// A constant of a cell, in the vector's own type.
template <class V> constexpr auto scalar(double value) {
  return (std::remove_const_t<std::remove_reference_t<decltype(V{}[0])>>)value;
}

// In float32 these err by less than 1.1 (exp) and 2.6 (tanh, sigmoid) units in the last place
// where the result is a normal number, are exact at infinities, and turn NaN into NaN; exp goes
// to zero gradually, sigmoid at the smallest normal number. float64 is the C library's own.
//
// All three rest on x = n ln 2 + r, exp(x) = 2^n (1 + p(r)); the polynomial is Cephes' (Moshier).
// Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits of the sum.
constexpr float ROUNDING = 12582912.f;

INLINE FloatVector clamp(FloatVector x, float low, float high) {
#if VECTOR_BYTES == 64 // of the plain form GCC makes four instructions; these two keep NaN as well
  const __m512 below = _mm512_maskz_min_ps(0xffff, (__m512)all(high), (__m512)x);
  return (FloatVector)_mm512_maskz_max_ps(0xffff, (__m512)all(low), below);
#else
  x = x > high ? all(high) : x;
  return x < low ? all(low) : x;
#endif
}
struct Reduced {
  FloatVector p;
  IntVector n; // in the low 9 bits
  FloatVector power() const { return (FloatVector)((n << 23) + 0x3f800000); } // for |n| < 127
};
INLINE Reduced reduce(FloatVector x, float low, float high) {
  x = clamp(x, low, high);
  const FloatVector shifted = x * 1.44269504f + ROUNDING;
  const FloatVector n = shifted - ROUNDING;
  FloatVector r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  FloatVector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return {p * r * r + r, (IntVector)shifted};
}
INLINE FloatVector vexp(FloatVector x) {
  const Reduced e = reduce(x, -104.f, 89.f);
  const IntVector n = e.n - 0x4b400000, half = n >> 1; // the bits of ROUNDING
  const IntVector low = (half + 127) << 23, high = (n - half + 127) << 23;
  return (e.p + 1.f) * (FloatVector)low * (FloatVector)high;
}
INLINE FloatVector vsigmoid(FloatVector x) {
  constexpr float END = 87.336545f; // sigmoid(-END) = 2^-126
  const Reduced e = reduce(-x, -END, END);
  const FloatVector power = e.power(), y = 1.f / (power * e.p + (power + 1.f));
  return x < -END ? FloatVector{} : y;
}
INLINE FloatVector vtanh(FloatVector x) {
  const Reduced e = reduce(x + x, -20.f, 20.f);
  const FloatVector power = e.power(), m = power * e.p + (power - 1.f); // exp(2 x) - 1
  return m / (m + 2.f);
}
#define BY_LANE(name, function)                                                                    \
  template <class V> INLINE V name(V x) {                                                          \
    for (unsigned i = 0; i < sizeof(V) / sizeof(x[0]); i++)                                        \
      x[i] = function(x[i]);                                                                       \
    return x;                                                                                      \
  }
BY_LANE(vexp, std::exp)
BY_LANE(vtanh, std::tanh)
INLINE DoubleVector vsigmoid(DoubleVector x) { return 1 / (1 + vexp(-x)); }
BY_LANE(vlog, std::log)
BY_LANE(vlog1p, std::log1p)
BY_LANE(vsin, std::sin)
BY_LANE(vcos, std::cos)
BY_LANE(vsqrt, std::sqrt)
template <class V> INLINE V vsign(V x) {
  return x > 0 ? V{} + 1 : (x < 0 ? V{} - 1 : V{});
}

// log errs by less than 1 unit in the last place, log1p by less than 2; log(0) is -infinity, of
// less NaN. x = 2^n m, sqrt(1/2) <= m < sqrt(2); the polynomial is Cephes' (Moshier).
INLINE FloatVector vlog(FloatVector x) {
  constexpr float LEAST = 1.17549435e-38f, MOST = 3.40282347e38f;
  const FloatVector normal = x < LEAST ? x * 8388608.f : x; // 2^23: subnormal numbers
  const IntVector bits = (IntVector)normal, exponent = (bits - 0x3f3504f3) >> 23;
  const FloatVector n = __builtin_convertvector(exponent, FloatVector) -
                        (x < LEAST ? FloatVector{} + 23.f : FloatVector{});
  const FloatVector r = (FloatVector)(bits - (exponent << 23)) - 1.f, square = r * r;
  FloatVector p = r * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  FloatVector y = p * r * square - n * 2.12194440e-4f;
  y = r + (y - square * 0.5f) + n * 0.693359375f;
  y = x > MOST ? x : y;
  y = x == 0 ? FloatVector{} - std::numeric_limits<float>::infinity() : y;
  return x >= 0 ? y : FloatVector{} + std::numeric_limits<float>::quiet_NaN();
}
// Higham (2002, Accuracy and Stability of Numerical Algorithms, section 1.14.1).
INLINE FloatVector vlog1p(FloatVector x) {
  const FloatVector u = x + 1.f, lost = (u - 1.f) - x;
  return u - 1.f == x ? vlog(u) : vlog(u) - lost / u;
}
template <class V> INLINE V vlogsigmoid(V x) {
  return (x < 0 ? x : V{}) - vlog1p(vexp(x < 0 ? x : -x));
}

} // namespace
