// Vectors of VECTOR_BYTES bytes (64: AVX-512, 32: AVX2, 16: SSE, NEON), and exp, tanh and sigmoid.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
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
#define INLINE static inline __attribute__((always_inline))

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

// In float32 these err by less than 1 (exp), 1.2 (tanh) and 2.4 (sigmoid) units in the last place
// on the whole finite range, are exact at infinities, and turn NaN into NaN; float64 is the C
// library's own. Polynomials: Cephes (Moshier). exp applies the exponent in two halves, so that
// results overflow and underflow gradually.
INLINE FloatVector vexp(FloatVector x) {
  x = x > 89.f ? all(89.f) : x;
  x = x < -104.f ? all(-104.f) : x;
  const FloatVector n = (x * 1.44269504f + 12582912.f) - 12582912.f;
  FloatVector r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  FloatVector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const FloatVector safe = n == n ? n : FloatVector{};
  const IntVector whole = __builtin_convertvector(safe, IntVector);
  const IntVector half = whole >> 1;
  const IntVector low = (half + 127) << 23, high = (whole - half + 127) << 23;
  return p * (FloatVector)low * (FloatVector)high;
}
INLINE FloatVector vtanh(FloatVector x) {
  const FloatVector a = x < 0.f ? -x : x;
  const FloatVector big = 1.f - 2.f / (vexp(a + a) + 1.f);
  const FloatVector z = x * x;
  FloatVector p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  p = p * z * x + x;
  return a < 0.625f ? p : (x < 0.f ? -big : big);
}
#define BY_LANE(name, function)                                                                    \
  template <class V> INLINE V name(V x) {                                                          \
    for (unsigned i = 0; i < sizeof(V) / sizeof(x[0]); i++)                                        \
      x[i] = function(x[i]);                                                                       \
    return x;                                                                                      \
  }
BY_LANE(vexp, std::exp)
BY_LANE(vtanh, std::tanh)
template <class V> INLINE V vsigmoid(V x) { return 1 / (1 + vexp(-x)); }

} // namespace
