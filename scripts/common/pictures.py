"""Pictures: matplotlib without a screen, and PNG of its figures."""

import io

DPI = 110


def pyplot():
    """matplotlib's pyplot, which draws without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def png(figure):
    """A figure as bytes; it is closed."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=DPI)
    pyplot().close(figure)
    return picture.getvalue()
