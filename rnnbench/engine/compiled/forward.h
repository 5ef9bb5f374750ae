// The forward pass: pre-activations by matrix products, new states by the cell.

namespace {

template <class C, class T> struct Forward : Recurrence<C, T> {
  typedef Recurrence<C, T> Base;
  typedef typename Base::Vector Vector;
  using Base::A, Base::G, Base::S, Base::V, Base::L, Base::U, Base::W, Base::GX, Base::GH;
  using Base::K, Base::N, Base::O, Base::Q;
  using Base::call, Base::steps, Base::batch, Base::F, Base::H, Base::P;
  Buffer<T> packed_h, packed_x; // transposed weights: (K, panels, H, panel), (GX, panels, F, panel)
  Buffer<T> bias;               // (G, P), whatever feeds the gate

  explicit Forward(const Call<T> &c)
      : Base(c), packed_h((long)K * H * P), packed_x((long)GX * F * P), bias((long)G * P) {}

  void run(int r) {
    prepare(r);
    for (int t = 0; t < steps; t++) {
      for (int n = 0; n < P; n += panel<T>())
        preactivate<false>(r, t, n);
      if constexpr (C::VALUES > 0) {
        for (int n = 0; n < P; n += panel<T>())
          prepare_values(r, t, n);
        for (int n = 0; n < P; n += panel<T>())
          preactivate<true>(r, t, n);
      }
      for (int n = 0; n < P; n += panel<T>())
        update(r, t, n);
      for (int o = 0; o < O && this->scored(t) >= 0; o++)
        copy_rows<T>(this->state(C::OUTPUT_ROWS[o], r, t + 1), P, this->output(call.outputs, o, r, t),
                     O * H, batch, H);
    }
    for (int s = 0; s < S; s++)
      copy_rows<T>(this->state(s, r, steps), P, call.finals + this->outer(s, r), H, batch, H);
  }

  void prepare(int r) {
    for (int k = 0; k < K; k++)
      pack<T>({this->weight_h(r, k), 1, H}, H, H, packed_h.data + (long)k * H * P);
    for (int g = 0; g < GX; g++)
      pack<T>({this->weight_x(r, g), 1, F}, F, H, packed_x.data + (long)g * F * P);
    bias.clear();
    for (int g = 0; g < GX; g++)
      add_bias(C::X_TO[g], call.bias_x + ((long)r * GX + g) * H);
    for (int g = 0; g < GH; g++)
      add_bias(C::LINK_TO[g], call.bias_h + ((long)r * GH + g) * H);
    this->copy_vectors(r);
    for (int s = 0; s < S; s++) {
      std::memset(this->state(s, r, 0), 0, sizeof(T) * batch * P);
      if (call.initial)
        copy_rows<T>(call.initial + this->outer(s, r), H, this->state(s, r, 0), P, batch, H);
    }
  }

  void add_bias(int gate, const T *from) const {
    for (int j = 0; j < H; j++)
      bias.data[(long)gate * P + j] += from[j];
  }

  // Fill a panel of the pre-activations of a stage of a time step, in saved (B, W, P).
  template <bool LATE> void preactivate(int r, int t, int n) const {
    for (int g = 0; g < G; g++) {
      if (bool(C::LATE[g]) != LATE)
        continue;
      Product<T> products[K + 1];
      int used = 0;
      for (int k = 0; k < K; k++)
        if (C::LINK_TO[k] == g)
          products[used++] = {H, this->fed(C::LINK_FROM[k], r, t), P,
                              packed_h.data + ((long)k * P + n) * H, panel<T>()};
      for (int x = 0; x < GX; x++)
        if (C::X_TO[x] == g)
          products[used++] = {F, this->input(r, t), F, packed_x.data + ((long)x * P + n) * F,
                              panel<T>()};
      multiply<T, Left::ROWS_APART>(batch, products, used, bias.data + (long)g * P + n, 0,
                                    this->saved(r, t) + (long)g * P + n, (long)W * P);
    }
  }

  // Turn a panel of the first stage's pre-activations into the values that feed the second's.
  void prepare_values(int r, int t, int n) const {
    T *gates = this->saved(r, t);
    for (int b = 0; b < batch; b++, gates += (long)W * P)
      for (int j = n; j < n + panel<T>(); j += L) {
        Vector gate[G], old[S], vector[A + 1], value[Q - N + 1], kept[C::PREPARED + 1];
        for (int g = 0; g < G; g++)
          if (!C::LATE[g])
            gate[g] = load(gates + g * P + j);
        this->read_rows(0, S, r, t, b, j, old);
        this->read_vectors(j, vector);
        C::prepare(gate, old, vector, value, kept);
        for (int v = 0; v < Q - N; v++)
          store(this->state(N + v, r, t + 1) + b * P + j, value[v]);
        for (int k = 0; k < C::PREPARED; k++)
          store(gates + (U + k) * P + j, kept[k]);
      }
  }

  // Turn a panel of pre-activations into new states and into what the backward pass needs.
  void update(int r, int t, int n) const {
    T *gates = this->saved(r, t);
    for (int b = 0; b < batch; b++, gates += (long)W * P)
      for (int j = n; j < n + panel<T>(); j += L) {
        Vector gate[W], old[S], vector[A + 1], value[Q - N + 1], next[N];
        for (int g = 0; g < G; g++)
          gate[g] = load(gates + g * P + j);
        this->read_rows(0, S, r, t, b, j, old);
        this->read_rows(N, Q - N, r, t + 1, b, j, value);
        this->read_vectors(j, vector);
        C::forward(gate, old, value, vector, next);
        for (int s = 0; s < N; s++)
          store(this->state(s, r, t + 1) + b * P + j, next[s]);
        if (call.keep)
          for (int k = 0; k < C::SAVED; k++)
            store(gates + k * P + j, gate[k]);
      }
  }
};

} // namespace
