"""Who solves each task, and who has forgotten the oldest input: written from the guide's words."""

from functools import singledispatch

import torch

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.brackets import Brackets
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delay import Delay
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.flip_flop import FlipFlop
from rnnbench.tasks.keys import Keys
from rnnbench.tasks.language import WORDS, Language
from rnnbench.tasks.order import Order
from rnnbench.tasks.selective import Selective
from rnnbench.tasks.tracking import Tracking


def one_hot(classes, size):
    return 50.0 * torch.nn.functional.one_hot(classes, size)


@singledispatch
def oracle(task, inputs):
    """Answer from the inputs alone `(T, B, F)`: `(K, B, output_size)`."""


@oracle.register
def _(task: Adding, inputs):
    value, marker = inputs.unbind(-1)
    if task.operation == "product":
        return torch.where(marker == 1, value, 1.0).prod(0)[None, :, None]
    total = (value * (marker == 1)).sum(0)[None, :, None]
    return 0.5 + total / 4 if task.layout == "hs97" else total


@oracle.register
def _(task: DelayedRecall, inputs):
    flagged = inputs[..., task.alphabet_size].argmax(0)
    cue = inputs[flagged, torch.arange(inputs.shape[1]), : task.alphabet_size].argmax(-1)
    return one_hot(cue[None], task.alphabet_size)


@oracle.register
def _(task: Copying, inputs):
    symbols = shown_symbols(task, inputs)
    if task.order == "reverse":
        symbols = symbols.flip(0)
    if task.score_on == "answers":
        return one_hot(symbols, task.output_size)
    before = task.sequence_length - task.num_symbols
    blanks = symbols.new_full((before, inputs.shape[1]), task.alphabet_size)
    return one_hot(torch.cat([blanks, symbols]), task.output_size)


def shown_symbols(task, inputs):
    """Return the symbols of a copy task in their order, wherever they are shown."""
    if task.encoding == "scalar":
        channels = inputs[..., 0].long() - 1
        is_symbol = (channels >= 0) & (channels < task.alphabet_size)
    else:
        channels = inputs.argmax(-1)
        is_symbol = channels < task.alphabet_size
    assert (is_symbol.sum(0) == task.num_symbols).all()
    return channels.T[is_symbol.T].view(-1, task.num_symbols).T


@oracle.register
def _(task: Delay, inputs):
    return one_hot(inputs[: -task.gap].argmax(-1), task.alphabet_size)


@oracle.register
def _(task: Keys, inputs):
    keys, values = inputs[..., : task.num_keys], inputs[..., task.num_keys : -1]
    right = (keys[:-1] * keys[-1]).sum(-1, keepdim=True)
    return 50.0 * (right * values[:-1]).sum(0)[None]


@oracle.register
def _(task: Tracking, inputs):
    """Multiply matrices of permutations, in place of the task's table."""
    matrices = group_matrices(task.group)
    shown = inputs[..., : len(matrices)]
    # A time step without an element is the identity.
    idle = (shown.sum(-1) == 0)[..., None, None] * torch.eye(matrices.shape[-1])
    steps = (shown @ matrices.flatten(1)).unflatten(-1, matrices.shape[1:]) + idle
    product, products = steps[0], [steps[0]]
    for step in steps[1:]:
        product = product @ step
        products.append(product)
    asked = torch.stack(products[-task.answer_length :])
    return 50.0 * (asked.flatten(2) @ matrices.flatten(1).T == matrices[0].sum())


def group_matrices(group):
    """Return permutation matrices `(|G|, n, n)`, in the order of the group's channels."""
    size = int(group[1:])
    if group[0] == "z":
        orders = [[(i + shift) % size for i in range(size)] for shift in range(size)]
    else:
        orders = sorted(torch.cartesian_prod(*[torch.arange(size)] * size).tolist())
        orders = [order for order in orders if len(set(order)) == size]
    matrices = torch.eye(size)[torch.tensor(orders)].transpose(1, 2)
    return matrices[matrices.det() > 0] if group[0] == "a" else matrices


@oracle.register
def _(task: Selective, inputs):
    flagged = inputs[..., task.alphabet_size].T == 1
    symbols = inputs[..., : task.alphabet_size].argmax(-1).T[flagged]
    return one_hot(symbols.view(-1, task.num_symbols).T, task.alphabet_size)


@oracle.register
def _(task: FlipFlop, inputs):
    bit, write = inputs[..., 0], inputs[..., 1] == 1
    kept, answers = torch.zeros_like(bit[0]), []
    for own, writes in zip(bit, write, strict=True):
        kept = torch.where(writes, own, kept)
        answers.append(kept > 0)
    return one_hot(torch.stack(answers[-task.answer_length :]).long(), 2)


@oracle.register
def _(task: Order, inputs):
    number = torch.zeros(inputs.shape[1], dtype=torch.int64)
    worth = torch.ones_like(number)
    for shown in inputs.argmax(-1):
        number += worth * (shown == 1)
        worth = torch.where(shown < 2, 2 * worth, worth)
    return one_hot(number[None], task.output_size)


@oracle.register
def _(task: Brackets, inputs):
    """Keep a stack for each sequence."""
    answers = torch.zeros(task.sequence_length, inputs.shape[1], dtype=torch.int64)
    for column, word in enumerate(inputs.argmax(-1).T.tolist()):
        stack = []
        for time, bracket in enumerate(word):
            if bracket < task.num_types:
                stack.append(bracket)
            else:
                answers[time, column] = stack.pop()
        assert not stack
    return one_hot(answers[-task.answer_length :], task.num_types)


@oracle.register
def _(task: Language, inputs):
    """Read the words."""
    answers = []
    for text in inputs.argmax(-1).T.tolist():
        words = [task.vocabulary[word] for word in text]
        if task.about == "country":
            assert words[:4] == "I grew up in".split()
            answers.append(WORDS["COUNTRY"].index(words[4]))
        else:
            assert words[0] == "The"
            answers.append(int(words[1].endswith("s")))
    return one_hot(torch.tensor(answers)[None], task.output_size)


def contents(task):
    """Return the channels that say what an input holds; the others say when, or which one."""
    if isinstance(task, Adding) or task.input_size == 1:
        return slice(0, 1)
    if isinstance(task, Keys):
        return slice(task.num_keys, task.num_keys + task.alphabet_size)
    if isinstance(task, Tracking):
        return slice(0, task.output_size)
    if isinstance(task, FlipFlop):
        return slice(0, 1)
    if isinstance(task, Order):
        return slice(0, 2)
    if isinstance(task, Brackets):
        return slice(0, task.num_types)
    if isinstance(task, Language):
        first, *rest = WORDS["COUNTRY" if task.about == "country" else "NOUN"]
        start = task.vocabulary.index(first)
        return slice(start, start + len(rest) + 1)
    return slice(0, task.alphabet_size)


def forget_oldest(task, batch, generator):
    """Return the inputs, in which the oldest that each answer needs holds something else, drawn.

    Where it is, `ages` says.
    """
    inputs, part = batch.inputs.clone(), contents(task)
    read = task.dependencies()[:, 1:]
    asked = (batch.targets >= 0) & (task.ages(batch) > 0)
    time = (read - task.ages(batch))[asked]
    column = torch.arange(inputs.shape[1]).expand(batch.targets.shape)[asked]
    if isinstance(task, Adding):
        drawn = torch.rand(len(time), 1, generator=generator)
        drawn = 2 * drawn - 1 if task.layout == "hs97" else drawn
    elif isinstance(task, FlipFlop):
        drawn = 2.0 * torch.randint(2, (len(time), 1), generator=generator) - 1
    else:
        assert (inputs[time, column, part].sum(-1) == 1).all()
        size = part.stop - part.start
        places = torch.randint(size, (len(time),), generator=generator)
        drawn = torch.nn.functional.one_hot(places, size).float()
    inputs[time, column, part] = drawn
    return inputs
