// The multiplier of ECP5 in two modes, with factors from the fabric: all registers on CLK0, as the array of DSPs uses it,
// and none, as Yosys infers it.
//
// Source: Lattice FPGA-TN-02205. With registers the product of factors comes out with the third edge.

module MULT18X18D (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22,
    output P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTA_CE = "CE0";
    parameter REG_INPUTA_RST = "RST0";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_INPUTB_CE = "CE0";
    parameter REG_INPUTB_RST = "RST0";
    parameter REG_PIPELINE_CLK = "NONE";
    parameter REG_PIPELINE_CE = "CE0";
    parameter REG_PIPELINE_RST = "RST0";
    parameter REG_OUTPUT_CLK = "NONE";
    parameter REG_OUTPUT_CE = "CE0";
    parameter REG_OUTPUT_RST = "RST0";
    parameter GSR = "ENABLED";
    parameter RESETMODE = "SYNC";

    localparam REGISTERS = REG_INPUTA_CLK == "CLK0";
    localparam CLOCK = REGISTERS ? "CLK0" : "NONE";

    generate
        if (REG_INPUTA_CLK != CLOCK || REG_INPUTB_CLK != CLOCK || REG_PIPELINE_CLK != CLOCK || REG_OUTPUT_CLK != CLOCK
            || RESETMODE != "SYNC") begin : unknown_mode
            MULT18X18D_in_a_mode_without_a_model unknown ();
        end
    endgenerate

    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};

    // A nineteenth bit makes unsigned factors of signed ones.
    wire [18:0] extended_a = {SIGNEDA & A17, a};
    wire [18:0] extended_b = {SIGNEDB & B17, b};
    wire [35:0] direct = $signed(extended_a) * $signed(extended_b);
    reg [18:0] factor_a;
    reg [18:0] factor_b;
    reg [35:0] product;
    reg [35:0] out;

    // Not in their declarations, of which Verilator's lint warns.
    initial begin
        factor_a = 19'b0;
        factor_b = 19'b0;
        product = 36'b0;
        out = 36'b0;
    end

    always @(posedge CLK0)
        if (RST0) begin
            factor_a <= 19'b0;
            factor_b <= 19'b0;
            product <= 36'b0;
            out <= 36'b0;
        end else if (CE0) begin
            factor_a <= extended_a;
            factor_b <= extended_b;
            product <= $signed(factor_a) * $signed(factor_b);
            out <= product;
        end

    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
        P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REGISTERS ? out : direct;
endmodule
