"""Wrappers of memories, for a chip designer to replace: one Verilog module for each size, with several bodies."""

from string import Template

# Rules of Verilator's -Wall that are off in this file, and why.
WAIVERS = {
    "DECLFILENAME": "all sizes are in one file",
    "UNUSEDSIGNAL": "macros have more bits and words than the memory that they make",
}

HEAD = """// write, write_address, write_data: a rising edge of clk with write stores a word.
// enable, address, data: a rising edge with enable takes the address, and the next with enable gives the word, which
// stays until the one after. What is read of a word while it is written has no value, nor has one that was never
// written, though a simulation and an FPGA give zero.
//
// Bodies, by what is defined:
//   nothing                    a model for simulators, which synthesizers take too
//   BITLINE_MEMORY_FPGA        asks for block RAM
//   BITLINE_MEMORY_OPENRAM     macros of OpenRAM with a port that writes and one that reads, as many as the size takes:
//     BITLINE_SRAM               their module, by default sky130_sram_1kbyte_1rw1r_32x256_8
//     BITLINE_SRAM_WIDTH         bits of a word of one, by default 32
//     BITLINE_SRAM_ADDRESS_BITS  bits of its address, by default 8
//     BITLINE_SRAM_MASK_BITS     bits of its write mask, by default 4

`ifdef BITLINE_MEMORY_OPENRAM
`ifndef BITLINE_SRAM
`define BITLINE_SRAM sky130_sram_1kbyte_1rw1r_32x256_8
`endif
`ifndef BITLINE_SRAM_WIDTH
`define BITLINE_SRAM_WIDTH 32
`endif
`ifndef BITLINE_SRAM_ADDRESS_BITS
`define BITLINE_SRAM_ADDRESS_BITS 8
`endif
`ifndef BITLINE_SRAM_MASK_BITS
`define BITLINE_SRAM_MASK_BITS 4
`endif
`endif
"""

# Nothing is replicated zero times: a word has one bit more than all slices, an address those of a page more.
MODULE = Template("""// $depth words of $width bits.
module $name (
  input wire clk,  // rising edge
  input wire write,  // store a word
  input wire ${address_range}write_address,  // its address
  input wire ${range}write_data,  // the word
  input wire enable,  // reads advance by one cycle
  input wire ${address_range}address,  // address to read
  output reg ${range}data  // the word, after two cycles with enable
);
`ifdef BITLINE_MEMORY_OPENRAM
  localparam LOW = `BITLINE_SRAM_ADDRESS_BITS;
  localparam SLICES = ($width + `BITLINE_SRAM_WIDTH - 1) / `BITLINE_SRAM_WIDTH;
  localparam PAGES = ($depth + (1 << LOW) - 1) >> LOW;
  localparam FULL = SLICES * `BITLINE_SRAM_WIDTH;
  wire [FULL:0] stored = {{(FULL + 1 - $width){1'b0}}, write_data};
  wire [LOW+$last_bit:0] write_place = {{LOW{1'b0}}, write_address};
  wire [LOW+$last_bit:0] read_place = {{LOW{1'b0}}, address};
  wire [$last_bit:0] write_page = write_place[LOW+$last_bit:LOW];
  wire [$last_bit:0] read_page = read_place[LOW+$last_bit:LOW];
  wire [PAGES*FULL-1:0] words;
  genvar page, slice;
  generate
    for (page = 0; page < PAGES; page = page + 1) begin : pages
      for (slice = 0; slice < SLICES; slice = slice + 1) begin : slices
        wire [`BITLINE_SRAM_WIDTH-1:0] dout0;
        `BITLINE_SRAM sram (
          .clk0(clk),
          .csb0(!(write && write_page == page)),
          .web0(1'b0),
          .wmask0({`BITLINE_SRAM_MASK_BITS{1'b1}}),
          .addr0(write_place[LOW-1:0]),
          .din0(stored[slice*`BITLINE_SRAM_WIDTH +: `BITLINE_SRAM_WIDTH]),
          .dout0(dout0),
          .clk1(clk),
          .csb1(!(enable && read_page == page)),
          .addr1(read_place[LOW-1:0]),
          .dout1(words[page*FULL+slice*`BITLINE_SRAM_WIDTH +: `BITLINE_SRAM_WIDTH])
        );
      end
    end
  endgenerate
  // A macro that is not read keeps nothing, so what it gave is held while enable is low.
  reg fresh;
  reg [$last_bit:0] page_now;
  reg ${range}held;
  wire [PAGES*FULL-1:0] shown = words >> (page_now * FULL);
  wire ${range}word = fresh ? shown[$top:0] : held;
  always @(posedge clk) begin
    fresh <= enable;
    held <= word;
    if (enable) begin
      page_now <= read_page;
      data <= word;
    end
  end
`else
`ifdef BITLINE_MEMORY_FPGA
  (* ram_style = "block", ramstyle = "no_rw_check", syn_ramstyle = "block_ram" *)
`endif
  reg ${range}cells [$last:0];
  reg ${range}word;
  integer index;
  initial
    for (index = 0; index < $depth; index = index + 1)
      cells[index] = 0;
  always @(posedge clk) begin
    if (write) cells[write_address] <= write_data;
    if (enable) begin
      data <= word;
      word <= cells[address];
`ifndef BITLINE_MEMORY_FPGA
      if (write && write_address == address) word <= {$width{1'bx}};
`endif
    end
  end
`endif
endmodule
""")


def _range(bits):
    return f"[{bits - 1}:0] " if bits > 1 else ""


def memory_module(name, width, depth):
    """Verilog of the wrapper of one size; ports of `BlockRam`, with an address of at least one bit."""
    bits = max(1, (depth - 1).bit_length())
    return MODULE.substitute(name=name, width=width, depth=depth, range=_range(width), address_range=_range(bits),
                             last_bit=bits - 1, top=width - 1, last=depth - 1)
