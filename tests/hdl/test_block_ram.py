"""Block RAM of ECP5: its pages, and its cells against the memory that other fabrics get."""

import subprocess

import pytest
from bitline.hdl.emit import run_yosys
from bitline.hdl.fabric.ecp5_block_ram import SHAPES, pages_of
from bitline.hdl.fabric.emitter import Emitter
from bitline.hdl.fabric.memory import BlockRam
from bitline.scripts.integration.cell_models import cell_models

# Each memory by itself, and what reads of one word that is written at the same edge are left out.
BENCH = """
module bench;
    localparam DEPTH = {depth}, BITS = $clog2(DEPTH);
    reg clk = 0, write = 0, enable = 0;
    reg [BITS-1:0] write_address = 0, address = 0;
    reg [{width}-1:0] write_data = 0;
    wire [{width}-1:0] data_ecp5, data_generic;
    t_ecp5 ecp5 (.clk(clk), .write(write), .write_address(write_address), .write_data(write_data),
                 .enable(enable), .address(address), .data(data_ecp5));
    t_generic generic (.clk(clk), .write(write), .write_address(write_address), .write_data(write_data),
                       .enable(enable), .address(address), .data(data_generic));
    integer cycle, differences = 0, zeros = 0, reads = 0;
    initial begin
        for (cycle = 0; cycle < 40000; cycle = cycle + 1) begin
            write = $urandom;
            enable = $urandom % 4 != 0;
            write_address = $urandom % DEPTH;
            // Often what was written last.
            address = $urandom % 2 ? write_address + 1 : $urandom % DEPTH;
            if (address >= DEPTH || address == write_address) address = write_address == 0;
            write_data = {{$urandom, $urandom, $urandom}};
            #1 clk = 1;
            #1 clk = 0;
            reads = reads + (enable && cycle > 0);
            // What is there before the first read is not stated.
            if (reads != 0 && data_ecp5 !== data_generic) differences = differences + 1;
            if (data_ecp5 === 0) zeros = zeros + 1;
        end
        $display("%0d differences, %0d words", differences, cycle - zeros > 1000);
        $finish;
    end
endmodule
"""


@pytest.mark.parametrize("depth, sizes", [
    (1, [512]), (512, [512]), (513, [1024]), (1025, [1024, 512]), (1537, [2048]), (2048, [2048]), (2049, [2048, 512]),
    (3073, [2048, 1024, 512]), (4352, [2048, 2048, 512]), (5632, [2048, 2048, 1024, 512])])
def test_pages_of_a_memory(depth, sizes):
    pages, whole = pages_of(depth), -(-depth // SHAPES[-1][0])
    assert [page.words for page in pages] == sizes
    assert [page.start for page in pages] == [sum(sizes[:index]) for index in range(len(sizes))]
    for width in range(1, 145):
        assert sum(-(-width // page.bits) for page in pages) <= whole * -(-width // SHAPES[-1][1])


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("width, depth", [(40, 300), (20, 900), (11, 2000), (37, 3600), (10, 4352)])
def test_cells_are_a_memory(width, depth, tmp_path):
    """Also of a cell of which an address is wrong, which is noticed."""
    read = ""
    for fabric in ("generic", "ecp5"):
        emitter = Emitter("t", fabric)
        component = BlockRam(width=width, depth=depth)
        if fabric == "generic":
            emitter.memory = lambda width, depth: None
        emitter.add(f"t_{fabric}", component)
        read += f"read_rtlil <<text\n{emitter.modules[f't_{fabric}']}\ntext\n"
    verilog = run_yosys(f"{read}proc\nclean\nwrite_verilog -noattr\n")
    models = cell_models("ecp5")["bitline_ecp5_cells.v"]
    assert compared(verilog, models, width, depth, tmp_path) == "0 differences, 1 words"
    wrong = models.replace("ADB4, ADB3}", "ADB3, ADB4}").replace("ADR6, ADR5}", "ADR5, ADR6}")
    assert not compared(verilog, wrong, width, depth, tmp_path).startswith("0 ")


def compared(verilog, models, width, depth, folder):
    bench = BENCH.format(width=width, depth=depth)
    (folder / "bench.v").write_text("\n".join([verilog, models, bench]), encoding="utf-8")
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", folder / "bench", folder / "bench.v"], check=True)
    done = subprocess.run(["vvp", folder / "bench"], check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]
