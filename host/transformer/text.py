"""Text to train on: characters of an alphabet of 64, from a file or from the documentation that comes with Python."""

import numpy as np

# 64 characters; letters are small ones, and a tilde stands for all others.
ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()[]{}<>=+-*/_@#&|~"


def standard_text():
    """What Python says of its language: the module ``pydoc_data.topics`` of the standard library.

    Raises
    ------
    ValueError
        An installation without it.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise ValueError("pydoc_data.topics must come with Python, and does not: --text gives another text") from None
    return "\n".join(topics[name] for name in sorted(topics))


def tokens_of(text):
    """Numbers of characters in `ALPHABET`, int64: white space is one space."""
    numbers = {character: number for number, character in enumerate(ALPHABET)}
    return np.array([numbers.get(character, numbers["~"]) for character in " ".join(text.split()).lower()])
