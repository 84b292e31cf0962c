"""Storage, multiplication, adder tree and accumulator: one kind of column a file."""
