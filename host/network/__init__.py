"""Networks: their files, checks and kernels."""
