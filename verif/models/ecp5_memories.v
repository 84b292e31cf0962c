// Block RAM of ECP5, in the modes that `hdl/fabric/ecp5_block_ram.py` uses: PDPW16KD, 512 words of 36 bits, and DP16KD, of
// which port A writes and port B reads, 1024 words of 18 or 2048 of 9; both with both registers of a read, and one clock.
//
// Source: Lattice FPGA-TN-02204. The halves of a word change places: what DI0..17 wrote comes out at DO18..35, and
// DI18..35 at DO0..17. So Lattice's own generator connects them, and nextpnr, whose DO18..35 are port A's outputs.
//
// It starts as zeros, which nextpnr puts into the bitstream where no INITVAL says otherwise. What a read gives of a word
// that is written at the same edge is not known.

module PDPW16KD (
    input wire DI0, DI1, DI2, DI3, DI4, DI5, DI6, DI7, DI8, DI9, DI10, DI11, DI12, DI13, DI14, DI15, DI16, DI17,
    input wire DI18, DI19, DI20, DI21, DI22, DI23, DI24, DI25, DI26, DI27, DI28, DI29, DI30, DI31, DI32, DI33, DI34, DI35,
    input wire ADW0, ADW1, ADW2, ADW3, ADW4, ADW5, ADW6, ADW7, ADW8,
    input wire BE0, BE1, BE2, BE3,
    input wire CEW, CLKW, CSW0, CSW1, CSW2,
    input wire ADR0, ADR1, ADR2, ADR3, ADR4, ADR5, ADR6, ADR7, ADR8, ADR9, ADR10, ADR11, ADR12, ADR13,
    input wire CER, OCER, CLKR, CSR0, CSR1, CSR2, RST,
    output wire DO0, DO1, DO2, DO3, DO4, DO5, DO6, DO7, DO8, DO9, DO10, DO11, DO12, DO13, DO14, DO15, DO16, DO17,
    output wire DO18, DO19, DO20, DO21, DO22, DO23, DO24, DO25, DO26, DO27, DO28, DO29, DO30, DO31, DO32, DO33, DO34, DO35
);
    parameter DATA_WIDTH_W = 36;
    parameter DATA_WIDTH_R = 36;
    parameter REGMODE = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CLKWMUX = "CLKW";
    parameter CLKRMUX = "CLKR";
    parameter CSDECODE_W = "0b000";
    parameter CSDECODE_R = "0b000";
    parameter GSR = "ENABLED";

    generate
        if (DATA_WIDTH_W != 36 || DATA_WIDTH_R != 36 || REGMODE != "OUTREG" || RESETMODE != "SYNC"
            || CLKWMUX != "CLKW" || CLKRMUX != "CLKR" || CSDECODE_W != "0b000" || CSDECODE_R != "0b000") begin : other
            PDPW16KD_in_a_mode_without_a_model unknown ();
        end
    endgenerate

    wire [35:0] written = {
        DI35, DI34, DI33, DI32, DI31, DI30, DI29, DI28, DI27, DI26, DI25, DI24, DI23, DI22, DI21, DI20, DI19, DI18,
        DI17, DI16, DI15, DI14, DI13, DI12, DI11, DI10, DI9, DI8, DI7, DI6, DI5, DI4, DI3, DI2, DI1, DI0};
    wire [8:0] write_address = {ADW8, ADW7, ADW6, ADW5, ADW4, ADW3, ADW2, ADW1, ADW0};
    wire [8:0] read_address = {ADR13, ADR12, ADR11, ADR10, ADR9, ADR8, ADR7, ADR6, ADR5};
    wire write = CEW & {CSW2, CSW1, CSW0} == 3'b000;
    wire read = CER & {CSR2, CSR1, CSR0} == 3'b000;

    reg [35:0] words [0:511];
    reg [35:0] word, out;

    integer index;
    initial begin
        for (index = 0; index < 512; index = index + 1)
            words[index] = 36'b0;
        word = 36'b0;
        out = 36'b0;
    end

    always @(posedge CLKW)
        if (write) begin
            if (BE0) words[write_address][8:0] <= written[8:0];
            if (BE1) words[write_address][17:9] <= written[17:9];
            if (BE2) words[write_address][26:18] <= written[26:18];
            if (BE3) words[write_address][35:27] <= written[35:27];
        end

    always @(posedge CLKR) begin
        if (RST) word <= 36'b0;
        else if (read) word <= write & write_address == read_address ? 36'bx : words[read_address];
        if (RST) out <= 36'b0;
        else if (OCER) out <= word;
    end

    assign {
        DO17, DO16, DO15, DO14, DO13, DO12, DO11, DO10, DO9, DO8, DO7, DO6, DO5, DO4, DO3, DO2, DO1, DO0,
        DO35, DO34, DO33, DO32, DO31, DO30, DO29, DO28, DO27, DO26, DO25, DO24, DO23, DO22, DO21, DO20, DO19, DO18
    } = out;
endmodule

module DP16KD (
    input wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
    input wire DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    input wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input wire CEA, OCEA, CLKA, WEA, CSA0, CSA1, CSA2, RSTA,
    output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
    output wire DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
    input wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
    input wire DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    input wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input wire CEB, OCEB, CLKB, WEB, CSB0, CSB1, CSB2, RSTB,
    output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
    output wire DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter GSR = "ENABLED";

    generate
        if (DATA_WIDTH_A != DATA_WIDTH_B || DATA_WIDTH_A != 9 && DATA_WIDTH_A != 18 || REGMODE_A != "NOREG"
            || REGMODE_B != "OUTREG" || RESETMODE != "SYNC" || WRITEMODE_A != "NORMAL" || WRITEMODE_B != "NORMAL"
            || CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000") begin : other
            DP16KD_in_a_mode_without_a_model unknown ();
        end
    endgenerate

    wire [17:0] written = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [10:0] at = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3};
    wire [10:0] from = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3};
    wire write = CEA & WEA & {CSA2, CSA1, CSA0} == 3'b000;
    wire read = CEB & {CSB2, CSB1, CSB0} == 3'b000;

    // Pieces of 9 bits. Two are a word of 18, of which the lowest pins of the address say which are written.
    reg [8:0] pieces [0:2047];
    reg [17:0] word, out;

    integer index;
    initial begin
        for (index = 0; index < 2048; index = index + 1)
            pieces[index] = 9'b0;
        word = 18'b0;
        out = 18'b0;
    end

    always @(posedge CLKA)
        if (write) begin
            if (DATA_WIDTH_A == 9) pieces[at] <= written[8:0];
            else begin
                if (ADA0) pieces[{at[10:1], 1'b0}] <= written[8:0];
                if (ADA1) pieces[{at[10:1], 1'b1}] <= written[17:9];
            end
        end

    always @(posedge CLKB) begin
        if (RSTB) word <= 18'b0;
        else if (read) begin
            if (write & (DATA_WIDTH_A == 9 ? at == from : at[10:1] == from[10:1])) word <= 18'bx;
            else if (DATA_WIDTH_A == 9) word <= {9'b0, pieces[from]};
            else word <= {pieces[{from[10:1], 1'b1}], pieces[{from[10:1], 1'b0}]};
        end
        if (RSTB) out <= 18'b0;
        else if (OCEB) out <= word;
    end

    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
        DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = out;
endmodule
