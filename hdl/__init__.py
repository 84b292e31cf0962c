"""The gateware, a folder a part and a file a block, in the order data flows; ``emit`` writes Verilog."""
