"""Parameters of which some are tested always, and the rest with --all."""

import pytest


def some(values, *kept):
    """The values, all but those at the positions ``kept`` marked slow."""
    return [value if index in kept else pytest.param(*value, marks=pytest.mark.slow) if isinstance(value, tuple)
            else pytest.param(value, marks=pytest.mark.slow) for index, value in enumerate(values)]


def some_of(table, *kept):
    """The keys of a dictionary, all but ``kept`` marked slow."""
    assert set(kept) <= set(table)
    return some(table, *(index for index, key in enumerate(table) if key in kept))
