"""How many tests the macro's testbenches have."""

from bitline.host.simulator import VERIF

COUNT = (VERIF / "tb_macro.py").read_text(encoding="utf-8").count("@cocotb.test()")
