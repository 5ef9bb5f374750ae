"""Functions that generated kernels use: those that Triton lacks, or gives too roughly near 0."""

import triton
import triton.language as tl


@triton.jit
def sigmoid(x):
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + tl.exp(-x))


@triton.jit
def tanh(x):
    """Return 1 - 2 / (exp(2 |x|) + 1) with the sign of x; it is exact to the last bits of 1.

    Near 0 that is too rough in float32: there it is the polynomial of Cephes (Moshier, 1992).
    """
    size = tl.abs(x)
    far = 1.0 - 2.0 / (tl.exp(2.0 * size) + 1.0)
    y = tl.where(x < 0, -far, far)
    if x.dtype == tl.float32:
        s = x * x
        p = -5.70498872745e-3 * s + 2.06390887954e-2
        p = (p * s - 5.37397155531e-2) * s + 1.33314422036e-1
        p = p * s - 3.33332819422e-1
        y = tl.where(size < 0.625, x + x * s * p, y)
    return y


@triton.jit
def sign(x):
    """Return -1, 0 or 1; 0 for NaN, as torch."""
    return (x > 0).to(x.dtype) - (x < 0).to(x.dtype)


@triton.jit
def log1p(x):
    """Return log(1 + x); a factor puts back what 1 + x loses (Higham, 2002, section 1.14)."""
    u = 1.0 + x
    near = tl.log(u) * (x / (u - 1.0))
    return tl.where(u == 1.0, x, tl.where(u == x, tl.log(u), near))


@triton.jit
def logsigmoid(x):
    """Return log(1 / (1 + exp(-x)))."""
    return tl.where(x < 0, x, x * 0.0) - log1p(tl.exp(-tl.abs(x)))
