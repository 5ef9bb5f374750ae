"""Cells with one mistake each: above a class stands which check it fails, and in what words."""

import torch
from torch import tanh

from rnnbench import Cell

BROKEN = []  # (class, check, words)


def broken(check, words):
    """Enter a class in the table of broken cells; of words with | between them one is enough."""

    def enter(kind):
        BROKEN.append((kind, check, words))
        return kind

    return enter


class Plain(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return tanh(a)


class Stepped(Cell):
    """A plain network by a step of its own; what is broken comes in `push`."""

    def shapes(self, input_size, hidden_size):
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": (hidden_size, hidden_size),
        }

    def step(self, parameters, inputs, states):
        from_x = torch.bmm(self.push(inputs), parameters["weight_ih_l0"].transpose(1, 2))
        from_h = torch.bmm(states[0], parameters["weight_hh_l0"].transpose(1, 2))
        return (tanh(from_x + from_h),)

    def push(self, inputs):
        return inputs
