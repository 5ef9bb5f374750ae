// The recurrence around a cell: whole sequences forward, and backward with all gradients.
//
// A cell is a struct with GATES, STATES, VECTORS, SAVED (numbers), FROM_X and FROM_H (which gates
// the input and the hidden state feed), and elementwise `forward` and `backward` on vectors.
// H is the hidden size, P that size rounded up to whole panels; padded lanes are computed and
// never used. All replicas are independent, and each is computed alike alone or in a stack.

namespace {

template <class T> struct Call {
  int64_t replicas, steps, batch, features, hidden, scored, keep;
  const T *inputs;                     // (R, T, B, F)
  const T *weight_x, *weight_h, *bias; // (R, gates_x * H, F), (R, gates_h * H, H), (R, G, P)
  const T *vectors;                    // (R, V, P)
  T *states;                           // (S, R, T + 1, B, P); slot 0 is the initial state
  T *saved;                            // (R, T or 1, B, W, P)
  const T *d_outputs;                  // (R, scored, B, P)
  T *d_states;                         // (S, R, B, P): of the final states in, initial ones out
  T *d_weight_x, *d_weight_h, *d_bias; // as the weights; d_bias (R, G, P)
  T *d_vectors;                        // (R, V, P)
  T *d_inputs;                         // (R, T, B, F), or null
};

// Uninitialised memory, aligned for vectors.
template <class T> struct Buffer {
  T *data;
  explicit Buffer(long size) {
    const size_t bytes = (size_t)std::max(size, 1L) * sizeof(T);
    data = (T *)std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!data)
      std::abort();
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
};

constexpr int count(const bool *flags, int size) {
  int n = 0;
  for (int i = 0; i < size; i++)
    n += flags[i];
  return n;
}

template <class C, class T> struct Recurrence {
  typedef typename Simd<T>::Vector Vector;
  static constexpr int G = C::GATES, S = C::STATES, V = C::VECTORS, L = lanes<T>();
  static constexpr int W = C::GATES > C::SAVED ? C::GATES : C::SAVED;
  static constexpr int GX = count(C::FROM_X, G), GH = count(C::FROM_H, G);

  const Call<T> &call;
  const int steps, batch, F, H, P;

  explicit Recurrence(const Call<T> &c)
      : call(c), steps((int)c.steps), batch((int)c.batch), F((int)c.features), H((int)c.hidden),
        P(round_up((int)c.hidden, panel<T>())) {}

  T *state(int s, int r, int t) const {
    return call.states + ((s * call.replicas + r) * (call.steps + 1) + t) * batch * P;
  }
  T *saved(int r, int t) const {
    return call.saved + (call.keep ? r * call.steps + t : 0) * batch * W * P;
  }
  const T *input(int r, int t) const { return call.inputs + (r * call.steps + t) * batch * F; }

  void forward(int r) const {
    Buffer<T> packed_h((long)GH * H * P), packed_x((long)GX * F * P);
    for (int g = 0; g < GH; g++)
      pack<T>({call.weight_h + ((long)r * GH + g) * H * H, 1, H}, H, H,
              packed_h.data + (long)g * H * P);
    for (int g = 0; g < GX; g++)
      pack<T>({call.weight_x + ((long)r * GX + g) * H * F, 1, F}, F, H,
              packed_x.data + (long)g * F * P);
    for (int t = 0; t < steps; t++) {
      T *gates = saved(r, t);
      preactivate(r, t, packed_h.data, packed_x.data, gates);
      update(r, t, gates);
    }
  }

  // Fill all gates' pre-activations of a time step: (B, W, P).
  void preactivate(int r, int t, const T *packed_h, const T *packed_x, T *gates) const {
    const Matrix<T> h = {state(0, r, t), P, 1}, x = {input(r, t), F, 1};
    for (int g = 0, gh = 0, gx = 0; g < G; gh += C::FROM_H[g], gx += C::FROM_X[g], g++)
      for (int n = 0; n < P; n += panel<T>()) {
        Product<T> products[2];
        int used = 0;
        if (C::FROM_H[g])
          products[used++] = {H, h, packed_h + ((long)gh * P + n) * H, panel<T>()};
        if (C::FROM_X[g])
          products[used++] = {F, x, packed_x + ((long)gx * P + n) * F, panel<T>()};
        const T *bias = call.bias + ((long)r * G + g) * P + n;
        multiply<T>(batch, products, used, bias, 0, gates + (long)g * P + n, (long)W * P);
      }
  }

  // Turn pre-activations into new states and into what the backward pass needs.
  void update(int r, int t, T *gates) const {
    for (int b = 0; b < batch; b++, gates += (long)W * P)
      for (int j = 0; j < P; j += L) {
        Vector gate[W], old[S], vector[V + 1], next[S];
        for (int g = 0; g < G; g++)
          gate[g] = load(gates + g * P + j);
        read(r, t, b, j, old, vector);
        C::forward(gate, old, vector, next);
        for (int s = 0; s < S; s++)
          store(state(s, r, t + 1) + b * P + j, next[s]);
        if (call.keep)
          for (int k = 0; k < C::SAVED; k++)
            store(gates + k * P + j, gate[k]);
      }
  }

  __attribute__((always_inline)) void read(int r, int t, int b, int j, Vector *old,
                                           Vector *vector) const {
    for (int s = 0; s < S; s++)
      old[s] = load(state(s, r, t) + b * P + j);
    for (int v = 0; v < V; v++)
      vector[v] = load(call.vectors + ((long)r * V + v) * P + j);
  }

  void backward(int r) const {
    const int block = std::max(1, 128 / batch); // time steps whose weight gradients go together
    Buffer<T> packed((long)GH * H * P), packed_x((long)GX * H * round_up(F, panel<T>()));
    Buffer<T> d_gates((long)block * batch * G * P), d_input((long)batch * round_up(F, panel<T>()));
    Buffer<T> d_h((long)GH * P * P), d_x((long)(F + 1) * G * P);
    std::memset(d_h.data, 0, sizeof(T) * GH * P * P);
    std::memset(d_x.data, 0, sizeof(T) * (F + 1) * G * P);
    for (int g = 0; g < GH; g++)
      pack<T>({call.weight_h + ((long)r * GH + g) * H * H, H, 1}, H, H,
              packed.data + (long)g * H * P);
    if (call.d_inputs)
      for (int g = 0; g < GX; g++)
        pack<T>({call.weight_x + ((long)r * GX + g) * H * F, F, 1}, H, F,
                packed_x.data + (long)g * H * round_up(F, panel<T>()));
    for (int last = steps; last > 0; last -= block) {
      const int first = std::max(0, last - block);
      for (int t = last - 1; t >= first; t--) {
        T *d = d_gates.data + (long)(t - first) * batch * G * P;
        differentiate(r, t, d);
        carry_back(r, d, packed.data);
        if (call.d_inputs)
          to_inputs(r, t, d, packed_x.data, d_input.data);
      }
      to_weights(r, first, last - first, d_gates.data, d_h.data, d_x.data);
    }
    write_weights(r, d_h.data, d_x.data);
  }

  T *d_state(int s, int r) const {
    return call.d_states + ((long)s * call.replicas + r) * batch * P;
  }

  // From the new states' gradients to the gates' (B, G, P) and, but for h's own matrix, the old's.
  void differentiate(int r, int t, T *d_gates) const {
    const int scored = t - (steps - (int)call.scored);
    const T *d_output =
        scored < 0 ? nullptr : call.d_outputs + (r * call.scored + scored) * batch * P;
    const T *kept = saved(r, t);
    for (int j = 0; j < P; j += L) {
      Vector d_vector[V + 1] = {};
      for (int b = 0; b < batch; b++) {
        Vector value[W], old[S], vector[V + 1], d_next[S], d_gate[G], d_old[S];
        for (int k = 0; k < C::SAVED; k++)
          value[k] = load(kept + ((long)b * W + k) * P + j);
        read(r, t, b, j, old, vector);
        for (int s = 0; s < S; s++)
          d_next[s] = load(d_state(s, r) + b * P + j);
        if (d_output)
          d_next[0] += load(d_output + b * P + j);
        C::backward(value, old, vector, d_next, d_gate, d_old, d_vector);
        for (int s = 0; s < S; s++)
          store(d_state(s, r) + b * P + j, d_old[s]);
        for (int g = 0; g < G; g++)
          store(d_gates + ((long)b * G + g) * P + j, d_gate[g]);
      }
      for (int v = 0; v < V; v++) {
        T *sum = call.d_vectors + ((long)r * V + v) * P + j;
        store(sum, load(sum) + d_vector[v]);
      }
    }
  }

  // Add to the old hidden state's gradient what comes through its matrix.
  void carry_back(int r, const T *d_gates, const T *packed) const {
    T *d_h = d_state(0, r);
    for (int n = 0; n < P; n += panel<T>()) {
      Product<T> products[G];
      int used = 0;
      for (int g = 0; g < G; g++)
        if (C::FROM_H[g]) {
          products[used] = {H,
                            {d_gates + (long)g * P, (long)G * P, 1},
                            packed + ((long)used * P + n) * H,
                            panel<T>()};
          used++;
        }
      multiply<T>(batch, products, used, d_h + n, P, d_h + n, P);
    }
  }

  void to_inputs(int r, int t, const T *d_gates, const T *packed, T *scratch) const {
    const int padded = round_up(F, panel<T>());
    std::memset(scratch, 0, sizeof(T) * batch * padded);
    for (int n = 0; n < padded; n += panel<T>()) {
      Product<T> products[G];
      int used = 0;
      for (int g = 0; g < G; g++)
        if (C::FROM_X[g]) {
          products[used] = {H,
                            {d_gates + (long)g * P, (long)G * P, 1},
                            packed + ((long)used * padded + n) * H,
                            panel<T>()};
          used++;
        }
      multiply<T>(batch, products, used, scratch + n, padded, scratch + n, padded);
    }
    T *to = call.d_inputs + (r * call.steps + t) * batch * F;
    for (int b = 0; b < batch; b++)
      std::memcpy(to + (long)b * F, scratch + (long)b * padded, sizeof(T) * F);
  }

  // Add a block of time steps to the gradients of the weights: (GH, P, P), (F + 1, G, P).
  void to_weights(int r, int first, int length, const T *d_gates, T *d_h, T *d_x) const {
    const int rows = length * batch;
    const T *h = state(0, r, first), *x = input(r, first);
    Buffer<T> right((long)rows * P), left((long)rows * ROWS), extended((long)rows * (F + 1));
    pack<T>({h, P, 1}, rows, P, right.data);
    for (int g = 0, gh = 0; g < G; g++) {
      if (!C::FROM_H[g])
        continue;
      for (int m = 0; m < H; m += ROWS) {
        const int width = std::min(ROWS, P - m);
        for (int k = 0; k < rows; k++)
          std::memcpy(left.data + (long)k * ROWS, d_gates + ((long)k * G + g) * P + m,
                      sizeof(T) * width);
        T *to = d_h + ((long)gh * P + m) * P;
        for (int n = 0; n < P; n += panel<T>()) {
          const Product<T> product = {
              rows, {left.data, 1, ROWS}, right.data + (long)n * rows, panel<T>()};
          multiply<T>(width, &product, 1, to + n, P, to + n, P);
        }
      }
      gh++;
    }
    for (int k = 0; k < rows; k++) {
      std::memcpy(extended.data + (long)k * (F + 1), x + (long)k * F, sizeof(T) * F);
      extended.data[(long)k * (F + 1) + F] = T(1);
    }
    const long columns = (long)G * P;
    for (long n = 0; n < columns; n += panel<T>()) {
      const Product<T> product = {rows, {extended.data, 1, F + 1}, d_gates + n, columns};
      multiply<T>(F + 1, &product, 1, d_x + n, columns, d_x + n, columns);
    }
  }

  // Copy out of the padding.
  void write_weights(int r, const T *d_h, const T *d_x) const {
    for (int g = 0, gh = 0, gx = 0; g < G; gh += C::FROM_H[g], gx += C::FROM_X[g], g++)
      for (int j = 0; j < H; j++) {
        if (C::FROM_H[g])
          std::memcpy(call.d_weight_h + (((long)r * GH + gh) * H + j) * H,
                      d_h + ((long)gh * P + j) * P, sizeof(T) * H);
        if (C::FROM_X[g])
          for (int f = 0; f < F; f++)
            call.d_weight_x[(((long)r * GX + gx) * H + j) * F + f] = d_x[((long)f * G + g) * P + j];
      }
    std::memcpy(call.d_bias + (long)r * G * P, d_x + (long)F * G * P, sizeof(T) * G * P);
  }
};

template <class C, class T> static void run_forward(const Call<T> *call) {
  const Recurrence<C, T> recurrence(*call);
  for (int r = 0; r < call->replicas; r++)
    recurrence.forward(r);
}
template <class C, class T> static void run_backward(const Call<T> *call) {
  const Recurrence<C, T> recurrence(*call);
  for (int r = 0; r < call->replicas; r++)
    recurrence.backward(r);
}

} // namespace
