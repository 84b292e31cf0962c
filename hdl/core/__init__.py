"""A core: a macro between AXI4-Streams, requantisation, self-test."""
