"""The engine: a macro with memories, gather, lanes and sequencer, which runs a whole network."""
