"""The text that the Triton kernels of all cells share.

A program has one replica and ROWS sequences of its batch, and keeps their states in registers;
programs never wait for one another. Matrices are read anew at every time step, CHUNK rows at a
time, from the cache where they lie; the other factor of a product comes back from memory, behind a
barrier of the program. So any hidden size fits, and registers hold little for long.

Units are padded to UNITS, a power of two, in registers alone: memory holds H of them, and every
product reads its factors from there. What a padded unit or sequence computes, be it NaN, is stored
nowhere and reaches no other.
"""

# A line that is a word in braces stands for a block of lines; a word in capitals for a number.
KERNELS = """
import triton
import triton.language as tl

from rnnbench.engine.triton.functions import log1p, logsigmoid, sigmoid, sign, tanh


@triton.jit(do_not_specialize=["replicas", "steps", "batch"])
def forward(
    gates_p, saved_p, weights_p, vectors_p, states_p, biases_p, initial_p, replicas, steps, batch,
    H: tl.constexpr, UNITS: tl.constexpr, ROWS: tl.constexpr, CHUNK: tl.constexpr,
    PRECISION: tl.constexpr, DTYPE: tl.constexpr, KEEP: tl.constexpr,
):
    {places}
    biases_p += replica * {FROM_H} * H + unit
    {load_vectors}
    {load_biases}
    {load_initial}
    for step in range(steps):
        gate_at = gates_p + step * batch * {GATES} * H + first * {GATES} + unit[None, :]
        {load_inputs}
        {early_products}
        {early_gates}
        {prepare}
        {late_products}
        {late_gates}
        {update}
        if KEEP:
            saved_at = saved_p + step * batch * {SAVED} * H + first * {SAVED} + unit[None, :]
            {store_saved}
        {store_results}


@triton.jit(do_not_specialize=["replicas", "steps", "batch", "scored"])
def backward(
    gates_p, saved_p, weights_p, vectors_p, states_p, d_outputs_p, d_states_p, d_vectors_p,
    replicas, steps, batch, scored, H: tl.constexpr, UNITS: tl.constexpr, ROWS: tl.constexpr,
    CHUNK: tl.constexpr, PRECISION: tl.constexpr, DTYPE: tl.constexpr,
):
    {places}
    d_outputs_p += replica * scored * batch * {OUTPUTS} * H
    {load_vectors}
    {load_d_states}
    for back in range(steps):
        step = steps - 1 - back
        gate_at = gates_p + step * batch * {GATES} * H + first * {GATES} + unit[None, :]
        saved_at = saved_p + step * batch * {SAVED} * H + first * {SAVED} + unit[None, :]
        {start_d_results}
        if step >= steps - scored:
            seen = (step - (steps - scored)) * batch * {OUTPUTS} * H
            seen_at = d_outputs_p + seen + first * {OUTPUTS} + unit[None, :]
            {add_d_outputs}
        {load_saved}
        {load_results}
        {back_through_update}
        {late_back_products}
        {back_through_prepare}
        {early_back_products}
        {add_gradients}
    d_vectors_p += replica * batch * {VECTORS} * H + first * {VECTORS} + unit[None, :]
    {store_gradients}
"""
PLACES = """
replica = tl.program_id(0).to(tl.int64)
row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
unit = tl.arange(0, UNITS)
chunk = tl.arange(0, CHUNK)
real = unit < H
mine = (row < batch)[:, None] & real[None, :]
first = row[:, None] * H
place = first + unit[None, :]
zero = tl.full((ROWS, UNITS), 0.0, dtype=DTYPE)
gates_p += replica * steps * batch * {GATES} * H
saved_p += replica * steps * batch * {SAVED} * H
weights_p += replica * {LINKS} * H * H
vectors_p += replica * {VECTORS} * H + unit
"""
