"""A core: a macro between AXI4-Streams, requantization, self-test."""
