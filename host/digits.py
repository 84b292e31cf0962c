"""A small int8 classifier of scikit-learn's handwritten digits: trained, quantized, and run on any product."""

from dataclasses import dataclass, replace

import numpy as np

from ..golden.mvm import ignored_blas_flags

HIDDEN = 128
SEED = 0
# Of a layer's weights, the greatest magnitude that fine-tuning leaves, in standard deviations.
OUTSTANDING = 2.5


@dataclass(frozen=True)
class Layer:
    """One quantized layer: int8 ``weights`` (K, N), integer ``bias`` (N,) at the scale of the products.

    ``scale`` turns totals into the next layer's unsigned 8-bit inputs; None for the last layer.
    """

    weights: np.ndarray
    bias: np.ndarray
    scale: float | None


@dataclass(frozen=True)
class Classifier:
    """The layers, the images that were kept from training, and what the float network takes each of them for.

    ``seen`` are the images of the training.
    """

    layers: list
    images: np.ndarray
    labels: np.ndarray
    float_guesses: np.ndarray
    seen: np.ndarray

    @property
    def float_accuracy(self):
        """Of the float network on the images."""
        return float((self.float_guesses == self.labels).mean())

    def first(self, count):
        """The same with only so many images; all of them for None."""
        return replace(self, images=self.images[:count], labels=self.labels[:count],
                       float_guesses=self.float_guesses[:count])


def train(noise=None):
    """Train on half of the digits and quantize; the other 899 images are for testing.

    Parameters
    ----------
    noise : float, optional
        Go on training with so much noise on the weights, as a part of the greatest of each layer; with 0 the same
        training without noise.

    Returns
    -------
    Classifier
    """
    network, seen, images, seen_labels, image_labels = fit()
    if noise is not None:
        network.coefs_, network.intercepts_ = _fine_tune(network, seen / 16, seen_labels, noise)
    return Classifier(_quantize(network, seen), images.astype(np.int64), image_labels,
                      network.predict(images / 16), seen.astype(np.int64))


def fit():
    """scikit-learn's float network; pixels (N, 64), 0 to 16, of its training and of other images; their labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    pixels, labels = load_digits(return_X_y=True)
    seen, images, seen_labels, image_labels = train_test_split(pixels, labels, test_size=0.5, random_state=SEED,
                                                               stratify=labels)
    # Threads cost more than they give in products as small as these.
    with threadpool_limits(1):
        network = MLPClassifier((HIDDEN,), max_iter=300, random_state=SEED).fit(seen / 16, seen_labels)
    return network, seen, images, seen_labels, image_labels


@ignored_blas_flags()
def _fine_tune(network, inputs, labels, noise, *, epochs=60, batch=50, rate=0.05):
    """Gradient descent whose every step sees other weights, near the ones it changes (Joshi et al., 2020)."""
    rng = np.random.default_rng(SEED)
    weights, biases = [w.copy() for w in network.coefs_], [b.copy() for b in network.intercepts_]
    wanted = np.eye(10)[labels]
    for _ in range(epochs):
        for chosen in np.array_split(rng.permutation(len(inputs)), len(inputs) // batch):
            seen = [w + noise * np.abs(w).max() * rng.standard_normal(w.shape) for w in weights]
            hidden = np.maximum(inputs[chosen] @ seen[0] + biases[0], 0)
            scores = hidden @ seen[1] + biases[1]
            softmax = np.exp(scores - scores.max(axis=1, keepdims=True))
            error = (softmax / softmax.sum(axis=1, keepdims=True) - wanted[chosen]) / len(chosen)
            back = (error @ seen[1].T) * (hidden > 0)
            for w, b, x, e in zip(weights, biases, (inputs[chosen], hidden), (back, error)):
                w -= rate * (x.T @ e)
                b -= rate * e.sum(axis=0)
        for w in weights:
            # A weight that stands out makes the noise of all others larger.
            np.clip(w, -OUTSTANDING * w.std(), OUTSTANDING * w.std(), out=w)
    return weights, biases


@ignored_blas_flags()
def _quantize(network, seen):
    """Weights to int8 by their greatest magnitude; hidden activations to 8 bits by the greatest that training shows."""
    layers, input_scale = [], 1 / 16
    activations = seen / 16
    for index, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_)):
        weight_scale = np.abs(weights).max() / 127
        product_scale = weight_scale * input_scale
        activations = np.maximum(activations @ weights + bias, 0)
        is_last = index == len(network.coefs_) - 1
        next_scale = None if is_last else activations.max() / 255
        layers.append(Layer(np.rint(weights / weight_scale).astype(np.int64),
                            np.rint(bias / product_scale).astype(np.int64),
                            None if is_last else product_scale / next_scale))
        input_scale = next_scale
    return layers


def run(layers, images, product):
    """Scores (B, 10) of images (B, 64), with ``product(layer, inputs)`` for each matrix product."""
    values = images
    for index, layer in enumerate(layers):
        values = product(index, values) + layer.bias
        if layer.scale is not None:
            values = np.clip(np.rint(values * layer.scale), 0, 255).astype(np.int64)
    return values
