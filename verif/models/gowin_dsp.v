// The multiplier of Gowin in the one mode that Yosys infers: no registers, factors from the fabric.
//
// Source: Gowin UG287, MULT18X18.

module MULT18X18 (
    input [17:0] A, SIA, B, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [35:0] DOUT,
    output [17:0] SOA, SOB
);
    parameter AREG = 1'b0;
    parameter BREG = 1'b0;
    parameter OUT_REG = 1'b0;
    parameter PIPE_REG = 1'b0;
    parameter ASIGN_REG = 1'b0;
    parameter BSIGN_REG = 1'b0;
    parameter SOA_REG = 1'b0;
    parameter MULT_RESET_MODE = "SYNC";

    generate
        if (AREG || BREG || OUT_REG || PIPE_REG || ASIGN_REG || BSIGN_REG || SOA_REG) begin
            MULT18X18_in_a_mode_without_a_model unknown ();
        end
    endgenerate

    wire [17:0] a = ASEL ? SIA : A;
    wire [17:0] b = BSEL ? SIB : B;
    // A nineteenth bit makes unsigned factors of signed ones.
    wire [18:0] extended_a = {ASIGN & a[17], a};
    wire [18:0] extended_b = {BSIGN & b[17], b};

    assign DOUT = $signed(extended_a) * $signed(extended_b);
    assign SOA = a;
    assign SOB = b;
endmodule
