// The forward pass: pre-activations by matrix products, new states by the cell.

namespace {

template <class C, class T> struct Forward : Recurrence<C, T> {
  typedef Recurrence<C, T> Base;
  typedef typename Base::Vector Vector;
  using Base::G, Base::S, Base::V, Base::L, Base::W, Base::GX, Base::GH;
  using Base::call, Base::steps, Base::batch, Base::F, Base::H, Base::P;
  Buffer<T> packed_h, packed_x; // transposed weights: (GH, panels, H, panel), (GX, panels, F, panel)
  Buffer<T> bias;               // (G, P), whatever feeds the gate

  explicit Forward(const Call<T> &c)
      : Base(c), packed_h((long)GH * H * P), packed_x((long)GX * F * P), bias((long)G * P) {}

  void run(int r) {
    prepare(r);
    for (int t = 0; t < steps; t++) {
      for (int n = 0; n < P; n += panel<T>())
        preactivate(r, t, n);
      for (int n = 0; n < P; n += panel<T>())
        update(r, t, n);
      if (this->scored(t) >= 0)
        copy_rows<T>(this->state(0, r, t + 1), P,
                     call.outputs + (r * call.scored + this->scored(t)) * batch * H, H, batch, H);
    }
    for (int s = 0; s < S; s++)
      copy_rows<T>(this->state(s, r, steps), P, call.finals + this->outer(s, r), H, batch, H);
  }

  void prepare(int r) {
    for (int g = 0; g < GH; g++)
      pack<T>({this->weight_h(r, g), 1, H}, H, H, packed_h.data + (long)g * H * P);
    for (int g = 0; g < GX; g++)
      pack<T>({this->weight_x(r, g), 1, F}, F, H, packed_x.data + (long)g * F * P);
    for (int g = 0, gh = 0, gx = 0; g < G; gh += C::FROM_H[g], gx += C::FROM_X[g], g++)
      for (int j = 0; j < H; j++)
        bias.data[(long)g * P + j] =
            (C::FROM_X[g] ? call.bias_x[((long)r * GX + gx) * H + j] : T(0)) +
            (C::FROM_H[g] ? call.bias_h[((long)r * GH + gh) * H + j] : T(0));
    this->copy_vectors(r);
    for (int s = 0; s < S; s++) {
      std::memset(this->state(s, r, 0), 0, sizeof(T) * batch * P);
      if (call.initial)
        copy_rows<T>(call.initial + this->outer(s, r), H, this->state(s, r, 0), P, batch, H);
    }
  }

  // Fill a panel of all gates' pre-activations of a time step, in saved (B, W, P).
  void preactivate(int r, int t, int n) const {
    const T *h = this->state(0, r, t), *x = this->input(r, t);
    for (int g = 0, gh = 0, gx = 0; g < G; gh += C::FROM_H[g], gx += C::FROM_X[g], g++) {
      Product<T> products[2];
      int used = 0;
      if (C::FROM_H[g])
        products[used++] = {H, h, P, packed_h.data + ((long)gh * P + n) * H, panel<T>()};
      if (C::FROM_X[g])
        products[used++] = {F, x, F, packed_x.data + ((long)gx * P + n) * F, panel<T>()};
      multiply<T, Left::ROWS_APART>(batch, products, used, bias.data + (long)g * P + n, 0,
                                    this->saved(r, t) + (long)g * P + n, (long)W * P);
    }
  }

  // Turn a panel of pre-activations into new states and into what the backward pass needs.
  void update(int r, int t, int n) const {
    T *gates = this->saved(r, t);
    for (int b = 0; b < batch; b++, gates += (long)W * P)
      for (int j = n; j < n + panel<T>(); j += L) {
        Vector gate[W], old[S], vector[V + 1], next[S];
        for (int g = 0; g < G; g++)
          gate[g] = load(gates + g * P + j);
        this->read_states(r, t, b, j, old);
        this->read_vectors(j, vector);
        C::forward(gate, old, vector, next);
        for (int s = 0; s < S; s++)
          store(this->state(s, r, t + 1) + b * P + j, next[s]);
        if (call.keep)
          for (int k = 0; k < C::SAVED; k++)
            store(gates + k * P + j, gate[k]);
      }
  }
};

} // namespace
