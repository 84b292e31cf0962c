"""The gateware, one file a block, in the order data flows; ``emit`` writes Verilog."""
