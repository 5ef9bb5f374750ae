"""Triton's text of the operations that a trace may hold."""

from __future__ import annotations

import operator

import torch

from rnnbench.engine.operations import Language

aten = torch.ops.aten
# Of an operation, by its arguments; `zero` is the kernels'. No constant stands in `tl.where`: there
# it would be rounded to float32.
EXPRESSIONS: dict[object, str] = {
    aten.add.Tensor: "{0} + {1}",
    aten.add.Scalar: "{0} + {1}",
    aten.sub.Tensor: "{0} - {1}",
    aten.sub.Scalar: "{0} - {1}",
    aten.sub_.Tensor: "{0} - {1}",
    aten.mul.Tensor: "{0} * {1}",
    aten.mul.Scalar: "{0} * {1}",
    aten.div.Tensor: "{0} / {1}",
    aten.div.Scalar: "{0} / {1}",
    aten.rsub.Scalar: "{1} - {0}",
    aten.neg.default: "-{0}",
    aten.reciprocal.default: "1.0 / {0}",
    aten.abs.default: "tl.abs({0})",
    aten.sign.default: "sign({0})",
    aten.sgn.default: "sign({0})",
    aten.maximum.default: "tl.where(({0} > {1}) | ({0} != {0}), {0}, {1})",
    aten.minimum.default: "tl.where(({0} < {1}) | ({0} != {0}), {0}, {1})",
    aten.exp.default: "tl.exp({0})",
    aten.log.default: "tl.log({0})",
    aten.log1p.default: "log1p({0})",
    aten.sqrt.default: "tl.sqrt({0})",
    aten.rsqrt.default: "1.0 / tl.sqrt({0})",
    aten.sin.default: "tl.sin({0})",
    aten.cos.default: "tl.cos({0})",
    aten.tanh.default: "tanh({0})",
    aten.sigmoid.default: "sigmoid({0})",
    aten.relu.default: "tl.where({0} < 0, zero, {0})",
    aten.silu.default: "{0} * sigmoid({0})",
    aten.softplus.default: "tl.where({0} > 20, {0}, log1p(tl.exp({0})))",
    aten.log_sigmoid_forward.default: "logsigmoid({0})",
    operator.getitem: "{0}",  # of log_sigmoid_forward, whose second result is not used
    aten.sigmoid_backward.default: "{0} * {1} * (1.0 - {1})",
    aten.tanh_backward.default: "{0} * (1.0 - {1} * {1})",
    aten.threshold_backward.default: "tl.where({1} <= {2}, zero, {0})",
    aten.softplus_backward.default: "tl.where({1} > 20, {0}, {0} * sigmoid({1}))",
    aten.log_sigmoid_backward.default: "{0} * sigmoid(-{1})",
    aten.where.self: "tl.where({0}, {1}, {2})",
    aten.masked_fill.Scalar: "tl.where({1}, zero + {2}, {0})",
    aten.masked_fill_.Scalar: "tl.where({1}, zero + {2}, {0})",
    aten.zeros_like.default: "zero",
    aten.empty_like.default: "zero",
    aten.ones_like.default: "zero + 1.0",
    aten.scalar_tensor.default: "zero + {0}",
    aten.fill_.Scalar: "zero + {1}",
}


def triton(stage: str) -> Language:
    """Return the language in which all names of a stage of the cell start with its letter."""
    return Language(EXPRESSIONS, f"{stage}_{{}}", "{}", "{}.to(DTYPE)")
