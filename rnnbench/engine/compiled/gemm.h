// The one matrix product, for tiles of C (M rows, one panel of columns) held in registers.

namespace {

constexpr int COLUMN_VECTORS = 2;
#if VECTOR_BYTES == 64
constexpr int ROWS = 12; // 12 x 2 accumulators of 32 registers
#elif defined(__aarch64__)
constexpr int ROWS = 10; // 10 x 2 accumulators of 32 registers, which elements of A need as well
#else
constexpr int ROWS = 6; // 6 x 2 accumulators of 16 registers
#endif
template <class T> constexpr int panel() { return COLUMN_VECTORS * lanes<T>(); }
inline int round_up(int size, int unit) { return (size + unit - 1) / unit * unit; }

// How a left factor A (rows, k) lies: its rows, or its columns, are `stride` apart.
enum class Left { ROWS_APART, COLUMNS_APART };

// A (rows, k) times B (k, one panel), whose rows are `b_stride` apart.
template <class T> struct Product {
  int k;
  const T *a;
  long a_stride;
  const T *b;
  long b_stride;
};

// sum (M, one panel) += A times B, A from row m0 on.
template <class T, int M, Left LEFT>
INLINE void accumulate(const Product<T> &p, int m0,
                       typename Simd<T>::Vector (&sum)[M][COLUMN_VECTORS]) {
  constexpr bool APART = LEFT == Left::ROWS_APART;
  const long stride = p.a_stride, next = APART ? 1 : stride;
  // Every third row has a pointer of its own, from which the processor addresses the next two:
  // one for each row would not fit the registers.
  const T *a[(M + 2) / 3], *b = p.b;
  for (int i = 0; i < (M + 2) / 3; i++)
    a[i] = p.a + (APART ? (m0 + 3 * i) * stride : m0 + 3 * i);
  for (int k = 0; k < p.k; k++, b += p.b_stride) {
    typename Simd<T>::Vector right[COLUMN_VECTORS];
    for (int n = 0; n < COLUMN_VECTORS; n++)
      right[n] = load(b + n * lanes<T>());
#pragma GCC unroll 16
    for (int m = 0; m < M; m++)
      for (int n = 0; n < COLUMN_VECTORS; n++)
        sum[m][n] += a[m / 3][APART ? (m % 3) * stride : m % 3] * right[n];
    for (int i = 0; i < (M + 2) / 3; i++)
      a[i] += next;
  }
}

// C = start + the products' sum. Rows of `start` are `step` apart: 0 repeats one row, as a bias.
template <class T, Left LEFT, int M>
INLINE void tile(const Product<T> *products, int count, int m0, const T *start, long step, T *c,
                 long ldc) {
  constexpr int L = lanes<T>();
  typename Simd<T>::Vector sum[M][COLUMN_VECTORS];
#pragma GCC unroll 16
  for (int m = 0; m < M; m++)
    for (int n = 0; n < COLUMN_VECTORS; n++)
      sum[m][n] = load(start + m * step + n * L);
  for (int q = 0; q < count; q++)
    accumulate<T, M, LEFT>(products[q], m0, sum);
#pragma GCC unroll 16
  for (int m = 0; m < M; m++)
    for (int n = 0; n < COLUMN_VECTORS; n++)
      store(c + m * ldc + n * L, sum[m][n]);
}

template <class T, Left LEFT, int M = ROWS>
INLINE void tile_of(int rows, const Product<T> *products, int count, int m0, const T *start,
                    long step, T *c, long ldc) {
  if constexpr (M > 1)
    if (rows < M)
      return tile_of<T, LEFT, M - 1>(rows, products, count, m0, start, step, c, ldc);
  tile<T, LEFT, M>(products, count, m0, start, step, c, ldc);
}

// Rows are shared out evenly: a tile of few rows does not keep the multipliers busy. Never inlined:
// in the middle of a large function GCC keeps a tile's sums in memory, on AVX2 all of them.
template <class T, Left LEFT>
__attribute__((noinline)) static void multiply(int rows, const Product<T> *products, int count,
                                               const T *start, long step, T *c, long ldc) {
  const int tiles = (rows + ROWS - 1) / ROWS;
  for (int i = 0, m = 0; i < tiles; i++) {
    const int here = rows / tiles + (i < rows % tiles);
    tile_of<T, LEFT>(here, products, count, m, start + m * step, step, c + m * ldc, ldc);
    m += here;
  }
}

// Element (i, j) at data[i * row + j * column].
template <class T> struct Matrix {
  const T *data;
  long row, column;
};

// Pack B (k, n) into panels of rows that lie one after the other; columns past n are zero.
template <class T> static void pack(Matrix<T> b, int k, int n, T *to) {
  for (int first = 0; first < n; first += panel<T>()) {
    const int width = std::min(panel<T>(), n - first);
    for (int i = 0; i < k; i++, to += panel<T>()) {
      const T *from = b.data + i * b.row + first * b.column;
      for (int j = 0; j < width; j++)
        to[j] = from[j * b.column];
      for (int j = width; j < panel<T>(); j++)
        to[j] = T(0);
    }
  }
}

// Pack rows (k, padded) that lie `row` apart and are padded to whole panels already.
template <class T> static void pack_rows(const T *from, long row, int k, int padded, T *to) {
  for (int first = 0; first < padded; first += panel<T>())
    for (int i = 0; i < k; i++, to += panel<T>())
      for (int v = 0; v < panel<T>(); v += lanes<T>())
        store(to + v, load(from + i * row + first + v));
}

} // namespace
