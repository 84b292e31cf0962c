"""A SoC of LiteX in which a program on VexRiscv runs cores."""
