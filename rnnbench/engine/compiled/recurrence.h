// What a recurrence works on: the arguments of a call, and where each array's parts lie.
//
// A cell is a struct of numbers (GATES, STATES, ...), of what feeds its gates, and of elementwise
// `forward` and `backward` on vectors. A time step has one stage or two: LATE gates are fed by
// values that `prepare` computes from the others. The gates that x feeds are X_TO; every other
// product is a link, from a row of `states` (LINK_FROM) to a gate (LINK_TO), those of h first.
// Rows are the states, other outputs, then values; a value of step t lies at t + 1, as results do.
// H is the hidden size, P that size rounded up to whole panels; padded lanes are computed and
// never used. All replicas are independent, and each is computed alike alone or in a stack.

namespace {

// G gates in all, GX of them fed by the input and GH by the hidden state; K links, S states,
// Q rows (states, other outputs and values), O outputs, V vectors.
template <class T> struct Call {
  int64_t replicas, steps, batch, features, hidden, scored, keep;
  const T *inputs;                 // (R, T, B, F)
  const T *weight_x, *weight_h;    // (R, GX * H, F), (R, K * H, H)
  const T *bias_x, *bias_h;        // (R, GX * H), (R, GH * H)
  const T *vectors;                // (R, V, H)
  const T *initial;                // (S, R, B, H), or null for zeros
  T *states;                       // (Q, R, T + 1, B, P)
  T *saved;                        // (R, T, B, W, P), or (B, W, P) where nothing is kept
  T *outputs, *finals;             // (R, scored, B, O * H), (S, R, B, H)
  const T *d_outputs, *d_finals;   // as these, or null for zeros
  T *d_weight_x, *d_weight_h;      // as the weights
  T *d_bias_x, *d_bias_h;          // as the biases
  T *d_vectors;                    // (R, V, H)
  T *d_inputs, *d_initial;         // (R, T, B, F), (S, R, B, H), or null where not asked for
};

// Memory of zeros, aligned for vectors, with room behind it to read a vector past the end.
template <class T> struct Buffer {
  T *data;
  size_t bytes;
  explicit Buffer(long size) : bytes((size * sizeof(T) + 127) / 64 * 64) {
    data = (T *)std::aligned_alloc(64, bytes);
    if (!data)
      std::abort();
    clear();
  }
  ~Buffer() { std::free(data); }
  void clear() { std::memset(data, 0, bytes); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
};

// Copy rows between arrays whose rows lie at different distances.
template <class T>
static void copy_rows(const T *from, long from_row, T *to, long to_row, long rows, long width) {
  for (long i = 0; i < rows; i++)
    std::memcpy(to + i * to_row, from + i * from_row, sizeof(T) * width);
}

template <class C, class T> struct Recurrence {
  typedef typename Simd<T>::Vector Vector;
  static constexpr int G = C::GATES, S = C::STATES, V = C::VECTORS, L = lanes<T>();
  static constexpr int GX = C::FROM_X, GH = C::FROM_H, K = C::LINKS, O = C::OUTPUTS;
  static constexpr int N = C::RESULTS, Q = N + C::VALUES;
  static constexpr int U = G > C::SAVED ? G : C::SAVED; // what `prepare` saves lies behind
  static constexpr int W = U + C::PREPARED;
  static constexpr int A = V + C::CONSTANTS; // vectors, and what follows from them alone

  const Call<T> &call;
  const int steps, batch, F, H, P;
  Buffer<T> vectors; // (A, P)

  explicit Recurrence(const Call<T> &c)
      : call(c), steps((int)c.steps), batch((int)c.batch), F((int)c.features), H((int)c.hidden),
        P(round_up((int)c.hidden, panel<T>())), vectors((long)A * P) {}

  T *state(int s, int r, int t) const {
    return call.states + ((s * call.replicas + r) * (call.steps + 1) + t) * batch * P;
  }
  T *saved(int r, int t) const {
    return call.saved + (call.keep && C::SAVED + C::PREPARED ? r * call.steps + t : 0) * batch * W * P;
  }
  const T *input(int r, int t) const { return call.inputs + (r * call.steps + t) * batch * F; }
  const T *weight_x(int r, int g) const { return call.weight_x + ((long)r * GX + g) * H * F; }
  const T *weight_h(int r, int k) const { return call.weight_h + ((long)r * K + k) * H * H; }
  // Where one state (B, H) of initial, finals or their gradients begins.
  long outer(int s, int r) const { return (s * call.replicas + r) * (long)batch * H; }

  // What a row hands to the links of time step t: an old state, or a value of the step itself.
  T *fed(int row, int r, int t) const { return state(row, r, t + (row >= N)); }

  // Return which of the scored time steps t is, or a negative number.
  int scored(int t) const { return t - (steps - (int)call.scored); }

  // Where an output (B, H) of a scored time step begins, among rows O * H apart.
  template <class P_> P_ output(P_ outputs, int o, int r, int t) const {
    return outputs + (r * call.scored + scored(t)) * batch * O * H + (long)o * H;
  }

  void copy_vectors(int r) {
    copy_rows<T>(call.vectors + (long)r * V * H, H, vectors.data, P, V, H);
    for (int j = 0; j < P; j += L) {
      Vector vector[A + 1], constant[A - V + 1];
      read_vectors(j, vector);
      C::fix(vector, constant);
      for (int a = V; a < A; a++)
        store(vectors.data + (long)a * P + j, constant[a - V]);
    }
  }

  __attribute__((always_inline)) void read_rows(int first, int rows, int r, int t, int b, int j,
                                                Vector *to) const {
    for (int s = 0; s < rows; s++)
      to[s] = load(state(first + s, r, t) + b * P + j);
  }
  __attribute__((always_inline)) void read_vectors(int j, Vector *to) const {
    for (int v = 0; v < A; v++)
      to[v] = load(vectors.data + (long)v * P + j);
  }
};

} // namespace
