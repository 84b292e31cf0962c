"""The block macro behind buses: packets of headers, codes and scales in, floats out, and registers."""
