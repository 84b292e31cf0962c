// A macro as OpenRAM makes them, with a port that writes and reads and one that reads; it knows only what its ports
// promise: inputs are taken at the rising edge, words written and read at the falling edge, and what was read is gone
// with the next rising edge.
//
// Source: Guthaus et al., "OpenRAM: An Open-Source Memory Compiler", ICCAD 2016; ports as those of sky130_sram_macros.

module `BITLINE_SRAM (
    input clk0, csb0, web0,
    input [`BITLINE_SRAM_MASK_BITS-1:0] wmask0,
    input [`BITLINE_SRAM_ADDRESS_BITS-1:0] addr0,
    input [`BITLINE_SRAM_WIDTH-1:0] din0,
    output [`BITLINE_SRAM_WIDTH-1:0] dout0,
    input clk1, csb1,
    input [`BITLINE_SRAM_ADDRESS_BITS-1:0] addr1,
    output [`BITLINE_SRAM_WIDTH-1:0] dout1
);
    localparam PART = `BITLINE_SRAM_WIDTH / `BITLINE_SRAM_MASK_BITS;

    reg [`BITLINE_SRAM_WIDTH-1:0] words [0:(1<<`BITLINE_SRAM_ADDRESS_BITS)-1];
    reg [`BITLINE_SRAM_WIDTH-1:0] data, word0, word1;
    reg [`BITLINE_SRAM_MASK_BITS-1:0] mask;
    reg [`BITLINE_SRAM_ADDRESS_BITS-1:0] place0, place1;
    reg writes, reads0, reads1;
    // They differ from a rising edge to the falling edge.
    reg risen0, fallen0, risen1, fallen1;
    integer part;

    initial {risen0, fallen0, risen1, fallen1} = 4'b0000;

    assign dout0 = reads0 && risen0 == fallen0 ? word0 : {`BITLINE_SRAM_WIDTH{1'bx}};
    assign dout1 = reads1 && risen1 == fallen1 ? word1 : {`BITLINE_SRAM_WIDTH{1'bx}};

    always @(posedge clk0) begin
        risen0 <= !fallen0;
        writes <= !csb0 && !web0;
        reads0 <= !csb0 && web0;
        mask <= wmask0;
        place0 <= addr0;
        data <= din0;
    end

    always @(posedge clk1) begin
        risen1 <= !fallen1;
        reads1 <= !csb1;
        place1 <= addr1;
    end

    always @(negedge clk0) begin
        fallen0 <= risen0;
        word0 <= words[place0];
        for (part = 0; part < `BITLINE_SRAM_MASK_BITS; part = part + 1)
            if (writes && mask[part]) words[place0][part*PART +: PART] <= data[part*PART +: PART];
    end

    always @(negedge clk1) begin
        fallen1 <= risen1;
        word1 <= writes && place0 == place1 ? {`BITLINE_SRAM_WIDTH{1'bx}} : words[place1];
    end
endmodule
