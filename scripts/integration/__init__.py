"""What is written beside a core's Verilog, for those who integrate it."""
