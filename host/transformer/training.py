"""A transformer of characters in floating point: its forward pass, its gradients, and Adam."""

from dataclasses import dataclass

import numpy as np

from ...golden.mvm import ignored_blas_flags

EPSILON = 1e-5
# Of Adam, and the tokens of a batch.
RATE, WARM_UP, BETAS, BATCH = 4e-3, 30, (0.9, 0.98), 1600
NAMES = ("query", "key", "value", "output", "up", "down")


@dataclass(frozen=True)
class Sizes:
    """Of a model: characters, context, dimensions, heads, width of the feed-forward, blocks.

    With these a product of a window has less than 2**20 multiply-accumulates, and OpenBLAS does not divide it among
    threads; they would wait for each other, on a busy machine 30 times as long.
    """

    characters: int
    context: int = 80
    dimensions: int = 64
    heads: int = 4
    width: int = 192
    blocks: int = 1


def drawn(sizes, seed):
    """Parameters by name, float32, drawn."""
    rng = np.random.default_rng(seed)
    shapes = {"characters": (sizes.characters, sizes.dimensions), "positions": (sizes.context, sizes.dimensions)}
    for block in range(sizes.blocks):
        for name in NAMES:
            rows = sizes.width if name == "down" else sizes.dimensions
            shapes[f"{block} {name}"] = rows, sizes.width if name == "up" else sizes.dimensions
        for name in ("attention gain", "feed-forward gain"):
            shapes[f"{block} {name}"] = sizes.dimensions,
    shapes |= {"gain": (sizes.dimensions,), "logits": (sizes.dimensions, sizes.characters)}
    return {name: (np.ones(shape) if len(shape) == 1 else rng.normal(0, 1, shape) * (
        0.1 if name in ("characters", "positions") else shape[0] ** -0.5)).astype(np.float32)
        for name, shape in shapes.items()}


class FloatModel:
    """Forward and backward passes of parameters by name.

    Parameters
    ----------
    sizes : Sizes
    parameters : dict of str to float32 array
    """

    def __init__(self, sizes, parameters):
        self.sizes, self.parameters = sizes, parameters

    def forward(self, tokens):
        """Logits (batch, tokens, characters), and all that the backward pass and the quantizer need, by name."""
        p, kept = self.parameters, {"tokens": tokens}
        x = p["characters"][tokens] + p["positions"][:tokens.shape[1]]
        kept["embedding"] = x
        for block in range(self.sizes.blocks):
            x = self._attention(block, x, kept)
            x = self._feed_forward(block, x, kept)
        y = self._norm("gain", x, kept)
        return y @ p["logits"], kept

    def _norm(self, name, x, kept):
        inverse = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        kept[name] = x, inverse, (y := x * inverse * self.parameters[name])
        return y

    def _attention(self, block, x, kept):
        p = self.parameters
        y = self._norm(f"{block} attention gain", x, kept)
        query, key, value = (self._heads(y @ p[f"{block} {name}"]) for name in NAMES[:3])
        scores = query @ key.swapaxes(-1, -2) * np.float32(query.shape[-1] ** -0.5)
        hidden = np.triu(np.ones(scores.shape[-2:], bool), 1)
        scores = np.where(hidden, np.float32(-1e9), scores)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        context = self._joined(weights @ value)
        kept[f"{block} attention"] = query, key, value, weights, context
        kept[f"{block} residual"] = x = x + context @ p[f"{block} output"]
        return x

    def _heads(self, x):
        return x.reshape(*x.shape[:2], self.sizes.heads, -1).swapaxes(1, 2)

    @staticmethod
    def _joined(x):
        x = x.swapaxes(1, 2)
        return x.reshape(*x.shape[:2], -1)

    def _feed_forward(self, block, x, kept):
        p = self.parameters
        y = self._norm(f"{block} feed-forward gain", x, kept)
        hidden = y @ p[f"{block} up"]
        gate = 1 / (1 + np.exp(-hidden))
        active = hidden * gate
        kept[f"{block} feed-forward"] = hidden, gate, active
        kept[f"{block} end"] = x = x + active @ p[f"{block} down"]
        return x

    # The way back.

    def gradients(self, tokens):
        """The loss, nats a character, and its gradient by name; ``tokens`` (batch, n) each with the next one."""
        logits, kept = self.forward(tokens[:, :-1])
        top = logits - logits.max(axis=-1, keepdims=True)
        chances = np.exp(top)
        chances /= chances.sum(axis=-1, keepdims=True)
        count, wanted = tokens[:, 1:].size, tokens[:, 1:, None]
        loss = -float(np.log(np.take_along_axis(chances, wanted, -1) + 1e-30).mean())
        np.put_along_axis(chances, wanted, np.take_along_axis(chances, wanted, -1) - 1, -1)
        made, change = {}, chances / np.float32(count)
        made["logits"] = _product(kept["gain"][2], change)
        back = self._norm_back("gain", _through(change, self.parameters["logits"]), kept, made)
        for block in reversed(range(self.sizes.blocks)):
            back = self._feed_forward_back(block, back, kept, made)
            back = self._attention_back(block, back, kept, made)
        made["positions"] = np.zeros_like(self.parameters["positions"])
        made["positions"][:back.shape[1]] = back.sum(axis=0)
        made["characters"] = np.zeros_like(self.parameters["characters"])
        np.add.at(made["characters"], kept["tokens"], back)
        return loss, made

    def _norm_back(self, name, back, kept, made):
        x, inverse, _ = kept[name]
        made[name] = (back * x * inverse).sum(axis=(0, 1))
        back = back * self.parameters[name] * inverse
        return back - x * inverse * inverse * (back * x).mean(axis=-1, keepdims=True)

    def _feed_forward_back(self, block, back, kept, made):
        p, (hidden, gate, active) = self.parameters, kept[f"{block} feed-forward"]
        made[f"{block} down"] = _product(active, back)
        inner = _through(back, p[f"{block} down"]) * gate * (1 + hidden * (1 - gate))
        name = f"{block} feed-forward gain"
        made[f"{block} up"] = _product(kept[name][2], inner)
        return back + self._norm_back(name, _through(inner, p[f"{block} up"]), kept, made)

    def _attention_back(self, block, back, kept, made):
        p, (query, key, value, weights, context) = self.parameters, kept[f"{block} attention"]
        made[f"{block} output"] = _product(context, back)
        inner = self._heads(_through(back, p[f"{block} output"]))
        change = inner @ value.swapaxes(-1, -2)
        change = weights * (change - (change * weights).sum(axis=-1, keepdims=True))
        change *= np.float32(query.shape[-1] ** -0.5)
        parts = change @ key, change.swapaxes(-1, -2) @ query, weights.swapaxes(-1, -2) @ inner
        name, total = f"{block} attention gain", 0
        for one, part in zip(NAMES[:3], parts):
            part = self._joined(part)
            made[f"{block} {one}"] = _product(kept[name][2], part)
            total = total + _through(part, p[f"{block} {one}"])
        return back + self._norm_back(name, total, kept, made)


def _through(back, matrix):
    """What comes back through a matrix; as a view it would be divided among threads."""
    return back @ np.ascontiguousarray(matrix.T)


def _product(a, b):
    """The gradient of a matrix, from what goes in and what comes back, window by window."""
    return (a.swapaxes(1, 2) @ b).sum(axis=0)


def train(sizes, tokens, *, steps, seed=0, progress=None):
    """A `FloatModel` trained on windows of a text.

    Parameters
    ----------
    sizes : Sizes
    tokens : int array
    steps : int
        Of Adam, each on a drawn batch; the rate rises, then falls to zero.
    seed : int
    progress : function, optional
        Takes how many steps are done, and the loss.

    Returns
    -------
    FloatModel
    """
    model, rng = FloatModel(sizes, drawn(sizes, seed)), np.random.default_rng([seed, 1])
    moments = {name: [np.zeros_like(array), np.zeros_like(array)] for name, array in model.parameters.items()}
    windows = np.lib.stride_tricks.sliding_window_view(tokens, sizes.context + 1)
    for step in range(steps):
        batch = windows[rng.integers(0, len(windows), max(1, BATCH // sizes.context))]
        with ignored_blas_flags():
            loss, gradients = model.gradients(batch)
        rate = RATE * min((step + 1) / WARM_UP, 1 - step / steps)
        _adam(model.parameters, gradients, moments, step, rate)
        if progress:
            progress(step + 1, f"loss {loss:.3f}")
    return model


def _adam(parameters, gradients, moments, step, rate):
    for name, gradient in gradients.items():
        first, second = moments[name]
        first += (1 - BETAS[0]) * (gradient - first)
        second += (1 - BETAS[1]) * (gradient * gradient - second)
        size = rate / (1 - BETAS[0] ** (step + 1))
        parameters[name] -= (size * first / (np.sqrt(second / (1 - BETAS[1] ** (step + 1))) + 1e-8)).astype(np.float32)
