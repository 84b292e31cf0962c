// A whole macro of one column, with any weights and inputs in one order: row after row into one bank, then vectors as
// fast as they are accepted. Each result is the product, through storage, table fills, look-ups, adders, calibration and
// shifts.
module check (
    input clk, write_valid, i_valid, i_signed, input [`BANK-1:0] write_bank, i_bank,
    input [`ROW-1:0] write_row, input [`WEIGHT-1:0] write_weights, input [`ROWS*`BITS-1:0] i_x,
    input [$clog2(`BITS+1)-1:0] i_bits
);
    localparam ROWS = `ROWS, BITS = `BITS, WEIGHT = `WEIGHT, WIDE = `TOTAL, BANKS = `BANKS, DEPTH = 8;
    wire write_ready, i_ready, o_valid;
    wire signed [WIDE-1:0] o_y;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .write_valid(write_valid), .write_ready(write_ready),
`ifdef HAS_BANKS
        .write_bank(write_bank), .i_bank(i_bank),
`endif
`ifdef HAS_ROWS
        .write_row(write_row),
`endif
        .write_weights(write_weights), .i_valid(i_valid), .i_ready(i_ready), .i_x(i_x), .i_bits(i_bits),
        .i_signed(i_signed), .o_valid(o_valid), .o_ready(1'b1), .o_y(o_y));

    wire wrote = write_valid && write_ready && !rst, accepted = i_valid && i_ready && !rst;
    wire delivered = o_valid && !rst;
    // What each bank holds.
    reg [ROWS*WEIGHT-1:0] weights [0:BANKS-1];
    wire [ROWS*WEIGHT-1:0] held = weights[i_bank];
    reg signed [WIDE-1:0] product, expected [0:DEPTH-1];
    reg [3:0] inside = 0;
    // Rows that the schedule has written.
    reg [$clog2(ROWS+1)-1:0] rows = 0;
    reg [4:0] vectors = 0;
    integer row, index;
    reg signed [BITS:0] value;
    reg signed [WEIGHT-1:0] weight;
    reg [3:0] count;

    always @* begin
        product = 0;
        count = i_bits == 0 ? 1 : i_bits > BITS ? BITS : i_bits;
        for (row = 0; row < ROWS; row = row + 1) begin
            weight = held[WEIGHT*row +: WEIGHT];
            for (index = 0; index <= BITS; index = index + 1)
                value[index] = index < count ? i_x[BITS*row + index] : i_signed && i_x[BITS*row + count - 1];
            product = product + value * weight;
        end
    end

    always @(posedge clk) begin
        started <= 1;
        if (wrote && write_row < ROWS) begin
            weights[write_bank][WEIGHT*write_row +: WEIGHT] <= write_weights;
            rows <= rows + 1;
        end
        vectors <= vectors + accepted;
        inside <= inside + accepted - delivered;
        for (index = 0; index < DEPTH; index = index + 1)
            expected[index] <= accepted && index == inside - delivered ? product
                : delivered && index + 1 < DEPTH ? expected[index + 1] : expected[index];
        if (rst) inside <= 0;
    end

    wire signed [WIDE-1:0] result = expected[0];
    always @* begin
        assume (write_bank == `CHOSEN && i_bank == `CHOSEN);
        assume (write_valid == (started && rows < ROWS) && (rows >= ROWS || write_row == rows));
        assume (i_valid == (started && rows == ROWS && vectors < 2));
        if (started) begin
            assert (inside < DEPTH);
            if (o_valid) assert (inside != 0 && o_y == result);
            cover (delivered && vectors == 2 && inside == 1 && o_y < 0);
            cover (delivered && vectors == 2 && inside == 1 && o_y > 0);
        end
    end
endmodule
