"""Accuracy of a network whose products are not exact."""

# The worked example in place of a model.
DIGITS = "digits"


def accuracy_of(scores, exact, labels):
    """Share of inputs classified as their label, or, without labels, as the exact network classifies them.

    Parameters
    ----------
    scores, exact : array (N, ..., classes)
    labels : int array (N,) or None
    """
    guesses = scores.reshape(len(scores), -1).argmax(axis=1)
    expected = exact.reshape(len(exact), -1).argmax(axis=1) if labels is None else labels
    return float((guesses == expected).mean())
