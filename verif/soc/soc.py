"""Builds a SoC of LiteX: VexRiscv, memories, a serial port, and cores, with a DMA of their own or with LiteX's.

``python -m bitline.verif.soc.soc program.c own_dma streams``, in a folder with the last two, each the folder of a core,
writes there ``soc.v``, the SoC's Verilog; what its memories contain, the ROM that program; and ``soc.f``, the list of
all Verilog.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import litex
from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration import export
from litex.soc.integration.common import get_mem_data
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore

PORTS = [("sys_clk", 0, Pins(1)), ("serial", 0, *(
    Subsignal(f"{side}_{name}", Pins(bits))
    for side in ("source", "sink") for name, bits in (("valid", 1), ("ready", 1), ("data", 8))))]
KIBIBYTE = 1024
# LiteX's headers are for GNU C.
C_OPTIONS = ("--target=riscv32", "-march=rv32im", "-mabi=ilp32", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror",
             "-ffreestanding")


class Soc(SoCCore):
    """The SoC; ``cores``: wrappers of cores by their names in it, which are those of their folders."""

    def __init__(self, platform, cores):
        # The variant lite has no data cache, which would have to be flushed for a DMA.
        super().__init__(platform, int(100e6), cpu_type="vexriscv", cpu_variant="lite", uart_name="sim",
                         with_timer=False, integrated_rom_size=16 * KIBIBYTE, integrated_sram_size=16 * KIBIBYTE)
        self.crg = CRG(platform.request("sys_clk"))
        for name, wrapper in cores.items():
            core = wrapper(platform, folder=name)
            self.add_module(name, core)
            self.bus.add_slave(name, core.bus, SoCRegion(size=4 * KIBIBYTE, cached=False))
            self.irq.add(name)
            if hasattr(core, "dma"):
                self.bus.add_master(f"{name}_dma", core.dma)
            if hasattr(core, "vectors"):
                core.add_dma(self.bus)


def write_headers(soc, folder):
    """What LiteX's headers, start code and linker script include."""
    folder.mkdir()
    for name, text in {"mem.h": export.get_mem_header(soc.bus.regions), "soc.h": export.get_soc_header(soc.constants),
                       "csr.h": export.get_csr_header(soc.csr_regions, soc.constants, soc.mem_regions["csr"].origin),
                       "regions.ld": export.get_linker_regions(soc.bus.regions),
                       "output_format.ld": export.get_linker_output_format(soc.cpu)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def compile_program(program, driver):
    """A program with the drivers that are in a folder, compiled and linked as LiteX does: words of the ROM."""
    root = Path(litex.__file__).parent / "soc"
    cpu = root / "cores" / "cpu" / "vexriscv"
    sources = [cpu / "crt0.S", Path(__file__).with_name(program), *driver.glob("bitline_*.c")]
    # LiteX's own headers do not bear strict warnings.
    headers = [f"-isystem{folder}" for folder in (".", cpu, root / "software" / "include")]
    objects = [f"{source.stem}.o" for source in sources]
    for source, compiled in zip(sources, objects):
        subprocess.run(["clang", *C_OPTIONS, f"-I{driver}", *headers, "-c", source, "-o", compiled], check=True)
    script = root / "software" / "bios" / "linker.ld"
    subprocess.run(["ld.lld", "-T", script, "--oformat", "binary", "-o", "program.bin", *objects], check=True)
    return get_mem_data("program.bin", data_width=32, endianness="little")


def main(program, *names):
    """Build the SoC of the cores in folders of these names, in the working folder."""
    cores = {}
    for name in names:
        (wrapper,) = Path(name).glob("*_litex.py")
        sys.path.insert(0, name)
        cores[name] = import_module(wrapper.stem).BitlineCore
    platform = SimPlatform("SIM", PORTS)
    soc = Soc(platform, cores)
    soc.finalize()
    write_headers(soc, Path("generated"))
    soc.init_rom("rom", compile_program(program, Path(names[0])))
    platform.get_verilog(soc, name="soc").write("soc.v")
    sources = [*(source for source, *_ in platform.sources), Path("soc.v").resolve()]
    Path("soc.f").write_text("".join(f"{source}\n" for source in sources), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
