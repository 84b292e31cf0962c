"""Images on the Verilog of an engine, beside its golden model."""
