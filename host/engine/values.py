"""Tensors of a network in the memory of an engine that has run it."""

import numpy as np


def tensors_of(compiled, network, steps):
    """What each tensor was when the last descriptor that writes it was done.

    Parameters
    ----------
    compiled : Compiled
    network : Network
    steps : iterable of golden.engine.executor.Step

    Returns
    -------
    dict of int to int8 array (inputs that run together, *shape)
        By number of the tensor; those that never are in memory are missing, because layers run together.
    """
    found = {}
    for step in steps:
        made = compiled.steps[step.number] if step.number < len(compiled.steps) else None
        if made and made.output is not None:
            values = elements(made.whole or made.target, step.memory)
            found[made.output] = values.reshape(-1, *network.tensors[made.output].shape)
    return found


def elements(buffer, memory):
    """The bytes of a buffer in a memory, int8 (height, width, channels)."""
    y, x = np.arange(buffer.height)[:, None, None], np.arange(buffer.width)[:, None]
    return memory[buffer.address + y * buffer.pitch + x * buffer.pixel + np.arange(buffer.channels)].view(np.int8)
