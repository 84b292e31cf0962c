"""What computes beside the macro, and brings results to memory."""
