// The cells of ECP5's slices that generated Verilog has, as simulators need them.
//
// Source: Lattice FPGA-TN-02228. They do what the models of Yosys do, ecp5/cells_sim.v.

// A LUT, whose input A is the lowest address bit; as multiplexers, so that an unknown input of which nothing depends does
// no harm.
module LUT4 (
    input wire A, B, C, D,
    output wire Z
);
    parameter [15:0] INIT = 16'h0000;

    wire [7:0] by_d = D ? INIT[15:8] : INIT[7:0];
    wire [3:0] by_c = C ? by_d[7:4] : by_d[3:0];
    wire [1:0] by_b = B ? by_c[3:2] : by_c[1:0];
    assign Z = A ? by_b[1] : by_b[0];
endmodule

// The multiplexer behind two LUTs.
module PFUMX (
    input wire ALUT, BLUT, C0,
    output wire Z
);
    assign Z = C0 ? ALUT : BLUT;
endmodule

// Those behind two PFUMX, and behind two of themselves.
module L6MUX21 (
    input wire D0, D1, SD,
    output wire Z
);
    assign Z = SD ? D1 : D0;
endmodule

// Two positions of a carry chain. With INJECT1 "NO" each is a LUT whose value decides whether the carry goes on, or what
// the LUT has at C = D = 0 takes its place; with "YES" the sum is the LUT's, and zero takes the place of the carry.
module CCU2C (
    input wire CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output wire S0, S1, COUT
);
    parameter [15:0] INIT0 = 16'h0000;
    parameter [15:0] INIT1 = 16'h0000;
    parameter INJECT1_0 = "YES";
    parameter INJECT1_1 = "YES";
    localparam CARRIES_0 = INJECT1_0 != "YES";
    localparam CARRIES_1 = INJECT1_1 != "YES";

    wire propagate_0, propagate_1, middle;
    LUT4 #(.INIT(INIT0)) lut_0 (.A(A0), .B(B0), .C(C0), .D(D0), .Z(propagate_0));
    LUT4 #(.INIT(INIT1)) lut_1 (.A(A1), .B(B1), .C(C1), .D(D1), .Z(propagate_1));
    wire [1:0] by_b_0 = B0 ? INIT0[3:2] : INIT0[1:0];
    wire [1:0] by_b_1 = B1 ? INIT1[3:2] : INIT1[1:0];

    assign S0 = propagate_0 ^ (CARRIES_0 & CIN);
    assign middle = propagate_0 ? CIN : CARRIES_0 & (A0 ? by_b_0[1] : by_b_0[0]);
    assign S1 = propagate_1 ^ (CARRIES_1 & middle);
    assign COUT = propagate_1 ? middle : CARRIES_1 & (A1 ? by_b_1[1] : by_b_1[0]);
endmodule
