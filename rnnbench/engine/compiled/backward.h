// The backward pass: time steps in reverse, weights' gradients in blocks of time steps.

namespace {

constexpr int BLOCK_ROWS = 128; // of a block: sequences times time steps

template <class C, class T> struct Backward : Recurrence<C, T> {
  typedef Recurrence<C, T> Base;
  typedef typename Base::Vector Vector;
  using Base::A, Base::G, Base::S, Base::V, Base::L, Base::U, Base::W, Base::GX, Base::GH;
  using Base::K, Base::N, Base::O, Base::Q;
  using Base::call, Base::steps, Base::batch, Base::F, Base::H, Base::P;

  const int padded_F, length; // time steps of a block
  const long rows;            // of a block
  // From one row of d_gates to the next. A panel more than G * P: at a power of two, which that
  // often is, the rows of a column would share a few places of the cache.
  const long stride;
  Buffer<T> packed_h, packed_x;           // weights: (K, panels, H, panel), (GX, panels, H, panel)
  Buffer<T> d_state;                      // (Q, B, P)
  Buffer<T> d_gates;                      // (length, B, G, P), rows `stride` apart
  Buffer<T> d_input;                      // (B, padded_F)
  Buffer<T> d_weight_h, d_weight_x;       // (K, P, P), (F + 1, G, P): the last row is the bias's
  Buffer<T> d_vector;                     // (V, P)
  Buffer<T> right, extended_inputs;       // copies for the weights' products

  explicit Backward(const Call<T> &c)
      : Base(c), padded_F(round_up(F, panel<T>())),
        length(std::min(steps, std::max(1, BLOCK_ROWS / batch))), rows((long)length * batch),
        stride((long)G * P + panel<T>()), packed_h((long)K * H * P),
        packed_x((long)GX * H * padded_F), d_state((long)Q * batch * P), d_gates(rows * stride),
        d_input((long)batch * padded_F), d_weight_h((long)K * P * P),
        d_weight_x((long)(F + 1) * G * P), d_vector((long)V * P), right(rows * P),
        extended_inputs(rows * (F + 1)) {}

  void run(int r) {
    prepare(r);
    for (int end = steps; end > 0; end -= length) {
      const int first = std::max(0, end - length);
      for (int t = end - 1; t >= first; t--) {
        T *d = d_gates.data + (t - first) * batch * stride;
        differentiate(r, t, d);
        if constexpr (C::VALUES > 0) {
          for (int row = N; row < Q; row++)
            carry_back(row, d);
          differentiate_values(r, t, d);
        }
        for (int row = 0; row < S; row++)
          carry_back(row, d);
        if (call.d_inputs)
          to_inputs(r, t, d);
      }
      to_weights(r, first, (end - first) * batch);
    }
    write(r);
  }

  void prepare(int r) {
    for (int k = 0; k < K; k++)
      pack<T>({this->weight_h(r, k), H, 1}, H, H, packed_h.data + (long)k * H * P);
    if (call.d_inputs)
      for (int g = 0; g < GX; g++)
        pack<T>({this->weight_x(r, g), F, 1}, H, F, packed_x.data + (long)g * H * padded_F);
    this->copy_vectors(r);
    for (Buffer<T> *sum : {&d_state, &d_weight_h, &d_weight_x, &d_vector})
      sum->clear();
    if (call.d_finals)
      for (int s = 0; s < S; s++)
        copy_rows<T>(call.d_finals + this->outer(s, r), H, d_old(s), P, batch, H);
  }

  T *d_old(int s) const { return d_state.data + (long)s * batch * P; }

  // From the results' gradients to those of gates (B, G, P), values and, but for the links, states.
  void differentiate(int r, int t, T *d_gate_rows) const {
    add_outputs(r, t);
    const T *kept = this->saved(r, t), *earlier = this->saved(r, std::max(t - 1, 0));
    for (int b = 0; b < batch; b++)
      for (int j = 0; j < P; j += L) {
        Vector saved[W], old[S], next[N], value[Q - N + 1], vector[A + 1], d_next[N], d_gate[G];
        Vector d_before[Q] = {}, d_vectors[V + 1]; // an output that is no state has none before
        for (int k = 0; k < C::SAVED; k++) {
          const long place = ((long)b * W + k) * P + j;
          saved[k] = load(kept + place);
          __builtin_prefetch(earlier + place, 0, 2); // it comes from far, and is needed next
        }
        this->read_rows(0, S, r, t, b, j, old);
        this->read_rows(0, N, r, t + 1, b, j, next);
        this->read_rows(N, Q - N, r, t + 1, b, j, value);
        this->read_vectors(j, vector);
        for (int s = 0; s < N; s++)
          d_next[s] = load(d_old(s) + b * P + j);
        for (int v = 0; v < V; v++)
          d_vectors[v] = load(d_vector.data + (long)v * P + j);
        C::backward(saved, old, next, value, vector, d_next, d_gate, d_before, d_before + N,
                    d_vectors);
        for (int s = 0; s < Q; s++)
          store(d_old(s) + b * P + j, d_before[s]);
        for (int g = 0; g < G; g++)
          store(d_gate_rows + b * stride + g * P + j, d_gate[g]);
        for (int v = 0; v < V; v++)
          store(d_vector.data + (long)v * P + j, d_vectors[v]);
      }
  }

  // From the values' gradients on to those of the first stage's gates and of the old states.
  void differentiate_values(int r, int t, T *d_gate_rows) const {
    const T *kept = this->saved(r, t);
    for (int b = 0; b < batch; b++)
      for (int j = 0; j < P; j += L) {
        Vector saved[C::PREPARED + 1], old[S], value[Q - N + 1], vector[A + 1];
        Vector d_value[Q - N + 1], d_gate[G], d_before[S], d_vectors[V + 1];
        for (int k = 0; k < C::PREPARED; k++)
          saved[k] = load(kept + ((long)b * W + U + k) * P + j);
        this->read_rows(0, S, r, t, b, j, old);
        this->read_rows(N, Q - N, r, t + 1, b, j, value);
        this->read_vectors(j, vector);
        for (int v = 0; v < Q - N; v++)
          d_value[v] = load(d_old(N + v) + b * P + j);
        for (int g = 0; g < G; g++)
          d_gate[g] = load(d_gate_rows + b * stride + g * P + j);
        for (int s = 0; s < S; s++)
          d_before[s] = load(d_old(s) + b * P + j);
        for (int v = 0; v < V; v++)
          d_vectors[v] = load(d_vector.data + (long)v * P + j);
        C::prepare_backward(saved, old, value, vector, d_value, d_gate, d_before, d_vectors);
        for (int g = 0; g < G; g++)
          store(d_gate_rows + b * stride + g * P + j, d_gate[g]);
        for (int s = 0; s < S; s++)
          store(d_old(s) + b * P + j, d_before[s]);
        for (int v = 0; v < V; v++)
          store(d_vector.data + (long)v * P + j, d_vectors[v]);
      }
  }

  void add_outputs(int r, int t) const {
    if (!call.d_outputs || this->scored(t) < 0)
      return;
    for (int o = 0; o < O; o++) {
      const T *from = this->output(call.d_outputs, o, r, t);
      for (int b = 0; b < batch; b++)
        for (int j = 0; j < H; j++)
          d_old(C::OUTPUT_ROWS[o])[(long)b * P + j] += from[(long)b * O * H + j];
    }
  }

  // C += the sum over some gates of d_gate (B, H) times packed weights.
  void multiply_gates(const T *d, const int *gates, int count, const T *packed, int width,
                      T *c) const {
    for (int n = 0; n < width; n += panel<T>()) {
      Product<T> products[K > GX ? K : GX];
      for (int i = 0; i < count; i++)
        products[i] = {H, d + (long)gates[i] * P, stride, packed + ((long)i * width + n) * H,
                       panel<T>()};
      multiply<T, Left::ROWS_APART>(batch, products, count, c + n, width, c + n, width);
    }
  }

  // Add to the gradient of what a row has fed what comes through its links.
  void carry_back(int row, const T *d) const {
    int first = 0, count = 0;
    for (int k = 0; k < K; k++) {
      first += C::LINK_FROM[k] < row;
      count += C::LINK_FROM[k] == row;
    }
    if (count)
      multiply_gates(d, C::LINK_TO + first, count, packed_h.data + (long)first * H * P, P,
                     d_old(row));
  }

  void to_inputs(int r, int t, const T *d) {
    d_input.clear();
    multiply_gates(d, C::X_TO, GX, packed_x.data, padded_F, d_input.data);
    copy_rows<T>(d_input.data, padded_F, call.d_inputs + (r * call.steps + t) * batch * F, F, batch,
                 F);
  }

  // Add a block of time steps, `count` rows in all, to the gradients of the weights.
  void to_weights(int r, int first, int count) const {
    const int tiles = (H + ROWS - 1) / ROWS, height = (H + tiles - 1) / tiles;
    for (int k = 0; k < K; k++) {
      if (k == 0 || C::LINK_FROM[k] != C::LINK_FROM[k - 1])
        pack_rows<T>(this->fed(C::LINK_FROM[k], r, first), P, count, P, right.data);
      for (int m = 0; m < H; m += height) {
        const T *left = d_gates.data + (long)C::LINK_TO[k] * P + m;
        T *to = d_weight_h.data + ((long)k * P + m) * P;
        for (int n = 0; n < P; n += panel<T>()) {
          const Product<T> product = {count, left, stride, right.data + (long)n * count,
                                      panel<T>()};
          multiply<T, Left::COLUMNS_APART>(std::min(height, H - m), &product, 1, to + n, P, to + n,
                                           P);
        }
      }
    }
    extend_inputs(r, first, count);
    const long columns = (long)G * P;
    for (long n = 0; n < columns; n += panel<T>()) {
      const Product<T> product = {count, extended_inputs.data, F + 1, d_gates.data + n, stride};
      T *to = d_weight_x.data + n;
      multiply<T, Left::COLUMNS_APART>(F + 1, &product, 1, to, columns, to, columns);
    }
  }

  // The inputs with a one behind each, for the bias.
  void extend_inputs(int r, int first, int count) const {
    copy_rows<T>(this->input(r, first), F, extended_inputs.data, F + 1, count, F);
    for (int k = 0; k < count; k++)
      extended_inputs.data[(long)k * (F + 1) + F] = T(1);
  }

  // Copy out of the padding.
  void write(int r) const {
    const T *bias = d_weight_x.data + (long)F * G * P;
    for (int k = 0; k < K; k++)
      copy_rows<T>(d_weight_h.data + (long)k * P * P, P, call.d_weight_h + ((long)r * K + k) * H * H,
                   H, H, H);
    for (int k = 0; k < GH; k++)
      std::memcpy(call.d_bias_h + ((long)r * GH + k) * H, bias + (long)C::LINK_TO[k] * P,
                  sizeof(T) * H);
    for (int x = 0; x < GX; x++) {
      const long row = ((long)r * GX + x) * H, gate = C::X_TO[x];
      for (int j = 0; j < H; j++)
        for (int f = 0; f < F; f++)
          call.d_weight_x[(row + j) * F + f] = d_weight_x.data[((long)f * G + gate) * P + j];
      std::memcpy(call.d_bias_x + row, bias + gate * P, sizeof(T) * H);
    }
    copy_rows<T>(d_vector.data, P, call.d_vectors + (long)r * V * H, H, V, H);
    if (call.d_initial)
      for (int s = 0; s < S; s++)
        copy_rows<T>(d_old(s), P, call.d_initial + this->outer(s, r), H, batch, H);
  }
};

} // namespace
