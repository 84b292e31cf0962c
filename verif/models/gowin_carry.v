// A LUT of Gowin in arithmetic mode, as its configuration bits say: the LUT decides whether the carry goes on, and its
// lowest four bits, as a function of A and B, what goes on in its place.
//
// Source: Project Apicula, doc/alu.md.

module GOWIN_CARRY (
    input A, B, C, D, CIN,
    output F, COUT
);
    parameter [15:0] INIT = 16'h0000;

    // As multiplexers, so that an unknown input of which nothing depends does no harm.
    wire [7:0] by_d = D ? INIT[15:8] : INIT[7:0];
    wire [3:0] by_c = C ? by_d[7:4] : by_d[3:0];
    wire [1:0] by_b = B ? by_c[3:2] : by_c[1:0];
    wire propagate = A ? by_b[1] : by_b[0];
    wire [1:0] low_by_b = B ? INIT[3:2] : INIT[1:0];
    wire generated = A ? low_by_b[1] : low_by_b[0];

    assign F = propagate ^ CIN;
    assign COUT = propagate ? CIN : generated;
endmodule
