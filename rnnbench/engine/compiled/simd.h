// Vectors of VECTOR_BYTES bytes (64: AVX-512, 32: AVX2, 16: SSE, NEON), and functions as exp.
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
#ifdef __SSE2__
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
  typedef float Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(float))));
};
template <> struct Simd<double> {
  typedef DoubleVector Vector;
  typedef double Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(double))));
};
template <class T> constexpr int lanes() { return VECTOR_BYTES / sizeof(T); }

// Not by memcpy, which may change any variable: sizes would be read again after every store.
template <class T> INLINE typename Simd<T>::Vector load(const T *from) {
  return *(const typename Simd<T>::Unaligned *)from;
}
template <class T> INLINE void store(T *to, typename Simd<T>::Vector v) {
  *(typename Simd<T>::Unaligned *)to = v;
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
// where the result is a normal number, are exact at infinities, and turn NaN into NaN; exp and
// sigmoid go to zero gradually, unless the processor takes subnormal numbers as zero. float64 is
// the C library's own.
//
// All three rest on S x = n ln 2 + S r, exp(S x) = 2^n (1 + p), p = S r + (S r)^2 q(S r). Of all
// polynomials of degree 4, q makes the largest error of p against exp(S r) - 1 least: 1.7e-8 of it.
// Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits of the sum; with 127
// more, these are the exponent of 2^n.
constexpr float ROUNDING = 12582912.f + 127.f;

INLINE FloatVector clamp(FloatVector x, float low, float high) {
  // These give the second operand if one is NaN; of the plain form GCC makes four instructions.
#if VECTOR_BYTES == 64
  // With a mask of all: GCC warns that it has not set what the others leave as it is.
  const __m512 below = _mm512_maskz_min_ps(0xffff, (__m512)all(high), (__m512)x);
  return (FloatVector)_mm512_maskz_max_ps(0xffff, (__m512)all(low), below);
#elif VECTOR_BYTES == 32
  return (FloatVector)_mm256_max_ps((__m256)all(low), _mm256_min_ps((__m256)all(high), (__m256)x));
#elif defined(__SSE2__)
  return (FloatVector)_mm_max_ps((__m128)all(low), _mm_min_ps((__m128)all(high), (__m128)x));
#else
  x = x > high ? all(high) : x;
  return x < low ? all(low) : x;
#endif
}
struct Reduced {
  FloatVector p, sum; // the sum with ROUNDING
  FloatVector power() const { return (FloatVector)((IntVector)sum << 23); } // -127 < n <= 128
};
// In one piece, ln 2 is exact enough where n is small.
enum class Ln2 { ONE_PIECE, TWO_PIECES };
template <int SCALE, Ln2 LN2> INLINE Reduced reduce(FloatVector x, float low, float high) {
  constexpr float S = SCALE, SS = S * S;
  x = clamp(x, low, high);
  const FloatVector sum = x * (S * 1.44269504f) + ROUNDING, n = sum - ROUNDING;
  const bool one = LN2 == Ln2::ONE_PIECE;
  FloatVector r = x - n * ((one ? 0.693147182f : 0.693359375f) / S);
  if (!one)
    r = r + n * (2.12194440e-4f / S);
  FloatVector q = r * (SS * SS * SS * 1.3940651e-3f) + SS * SS * S * 8.3663990e-3f;
  q = q * r + SS * SS * 4.1666403e-2f;
  q = q * r + SS * S * 1.6666545e-1f;
  q = q * r + SS * 0.5f;
  return {q * r * r + r * S, sum};
}
INLINE FloatVector vexp(FloatVector x) {
  const Reduced e = reduce<1, Ln2::TWO_PIECES>(x, -104.f, 89.f);
  const IntVector n = (IntVector)e.sum - (IntVector)all(ROUNDING), half = n >> 1;
  const IntVector low = (half + 127) << 23, high = (n - half + 127) << 23;
  return (e.p + 1.f) * (FloatVector)low * (FloatVector)high;
}
INLINE FloatVector vsigmoid(FloatVector x) {
  const Reduced e = reduce<-1, Ln2::TWO_PIECES>(x, -89.f, 87.f); // at the low end 2^n is infinite
  return 1.f / (e.power() * (e.p + 1.f) + 1.f);
}
INLINE FloatVector vtanh(FloatVector x) {
  const Reduced e = reduce<2, Ln2::ONE_PIECE>(x, -10.f, 10.f);
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
// As torch: softplus is x itself above 20.
INLINE DoubleVector vsoftplus(DoubleVector x) { return x > 20 ? x : vlog1p(vexp(x)); }
INLINE DoubleVector vlogsigmoid(DoubleVector x) {
  return (x < 0 ? x : DoubleVector{}) - vlog1p(vexp(x < 0 ? x : -x));
}
// log(1 + y), y = exp(-|x|), is zero where y would be less than the least normal number. Of all
// polynomials of degree 8, q makes the largest error of y + y^2 q(y) on [0, 1] least: 5.2e-9 of it.
// softplus and logsigmoid err by less than 2.5 units in the last place.
INLINE FloatVector log1p_of_exp(FloatVector x) {
  const FloatVector negative = (FloatVector)((IntVector)x | INT32_MIN); // -|x|
  const Reduced e = reduce<1, Ln2::TWO_PIECES>(negative, -88.f, 0.f); // at the low end 2^n is zero
  const FloatVector power = e.power(), y = power * e.p + power;
  FloatVector q = y * -3.3184700e-3f + 2.0204575e-2f;
  q = q * y - 5.7664427e-2f;
  q = q * y + 1.0680554e-1f;
  q = q * y - 1.5355396e-1f;
  q = q * y + 1.9695400e-1f;
  q = q * y - 2.4958587e-1f;
  q = q * y + 3.3330511e-1f;
  q = q * y - 4.9999933e-1f;
  return q * y * y + y;
}
INLINE FloatVector vsoftplus(FloatVector x) { return (x > 0 ? x : FloatVector{}) + log1p_of_exp(x); }
INLINE FloatVector vlogsigmoid(FloatVector x) {
  return (x < 0 ? x : FloatVector{}) - log1p_of_exp(x);
}

} // namespace
