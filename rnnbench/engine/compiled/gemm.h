// The one matrix product, for tiles of C (M rows, one panel of columns) held in registers.

namespace {

constexpr int COLUMN_VECTORS = 2;
#if VECTOR_BYTES == 64
constexpr int ROWS = 12; // 12 x 2 accumulators of 32 registers
#else
constexpr int ROWS = 6; // 6 x 2 accumulators of 16 registers
#endif
template <class T> constexpr int panel() { return COLUMN_VECTORS * lanes<T>(); }
inline int round_up(int size, int unit) { return (size + unit - 1) / unit * unit; }

// Element (i, j) at data[i * row + j * column].
template <class T> struct Matrix {
  const T *data;
  long row, column;
  Matrix from(long i) const { return {data + i * row, row, column}; }
};

// A (M, k) times B (k, one panel); B's rows are `stride` apart.
template <class T> struct Product {
  int k;
  Matrix<T> a;
  const T *b;
  long stride;
};

// C = start + first + second. Rows of `start` are `step` apart: 0 repeats one row, as a bias.
template <class T, int M>
INLINE void tile(const Product<T> *products, int count, int m0, const T *start, long step, T *c,
                 long ldc) {
  constexpr int L = lanes<T>();
  typename Simd<T>::Vector sum[M][COLUMN_VECTORS];
#pragma GCC unroll 16
  for (int m = 0; m < M; m++)
    for (int n = 0; n < COLUMN_VECTORS; n++)
      sum[m][n] = load(start + m * step + n * L);
  for (int q = 0; q < count; q++) {
    const Product<T> &p = products[q];
    const T *a = p.a.data + m0 * p.a.row, *b = p.b;
    const long row = p.a.row, column = p.a.column;
    for (int i = 0; i < p.k; i++, a += column, b += p.stride) {
      typename Simd<T>::Vector right[COLUMN_VECTORS];
      for (int n = 0; n < COLUMN_VECTORS; n++)
        right[n] = load(b + n * L);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++)
        for (int n = 0; n < COLUMN_VECTORS; n++)
          sum[m][n] += a[m * row] * right[n];
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; m++)
    for (int n = 0; n < COLUMN_VECTORS; n++)
      store(c + m * ldc + n * L, sum[m][n]);
}

template <class T>
static void multiply(int rows, const Product<T> *products, int count, const T *start, long step,
                     T *c, long ldc) {
  int m = 0;
#define TILES(M)                                                                                   \
  for (; m + M <= rows; m += M)                                                                    \
    tile<T, M>(products, count, m, start + m * step, step, c + m * ldc, ldc);
  TILES(ROWS)
#if VECTOR_BYTES == 64
  TILES(8)
#endif
  TILES(4)
  TILES(1)
#undef TILES
}

// Pack B (k, n) into panels of rows that lie one after the other; columns past n are zero.
template <class T> static void pack(Matrix<T> b, int k, int n, T *to) {
  for (int first = 0; first < n; first += panel<T>())
    for (int i = 0; i < k; i++)
      for (int j = first; j < first + panel<T>(); j++)
        *to++ = j < n ? b.data[i * b.row + j * b.column] : T(0);
}

} // namespace
