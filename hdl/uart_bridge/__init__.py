"""The bridge to a host: serial line, frames, the top of a board."""
