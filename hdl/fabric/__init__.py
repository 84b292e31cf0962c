"""What has one form in plain Verilog and another on an FPGA; one Verilog module a block."""
