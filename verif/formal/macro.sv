// A whole macro of one column with any traffic: each vector accepted gives one result, in order, the product with the
// weights of its bank at that moment, which stays as it is until it is taken; also after a reset at any cycle.
module check (
    input clk, rst_at_will, write_valid, i_valid, o_ready, i_signed, i_accumulate, input [`BANK-1:0] write_bank, i_bank,
    input [`ROW-1:0] write_row, input [`WEIGHT-1:0] write_weights, input [`ROWS*`BITS-1:0] i_x,
    input [$clog2(`BITS+1)-1:0] i_bits
);
    localparam ROWS = `ROWS, BITS = `BITS, WEIGHT = `WEIGHT, WIDE = `TOTAL, BANKS = `BANKS, DEPTH = 8;
    wire write_ready, i_ready, o_valid;
    wire signed [WIDE-1:0] o_y;
    reg started = 0, rst_before = 0;
    wire rst = !started || rst_at_will;

    `DUT dut (.clk(clk), .rst(rst), .write_valid(write_valid), .write_ready(write_ready),
`ifdef HAS_BANKS
        .write_bank(write_bank), .i_bank(i_bank),
`endif
`ifdef HAS_ROWS
        .write_row(write_row),
`endif
        .write_weights(write_weights), .i_valid(i_valid), .i_ready(i_ready), .i_x(i_x), .i_bits(i_bits),
        .i_signed(i_signed), .i_accumulate(i_accumulate), .o_valid(o_valid), .o_ready(o_ready), .o_y(o_y));

    wire wrote = write_valid && write_ready && !rst, accepted = i_valid && i_ready && !rst;
    wire delivered = o_valid && o_ready && !rst;
    // What each bank holds, a vector of the same cycle included, and which of its rows were written.
    reg [ROWS*WEIGHT-1:0] weights [0:BANKS-1];
    reg [ROWS-1:0] known [0:BANKS-1];
    wire [ROWS*WEIGHT-1:0] held = weights[i_bank];
    reg signed [WIDE-1:0] product, last, expected [0:DEPTH-1];
    reg [3:0] inside = 0;
    reg any = 0;
    // Rows that the schedule has written.
    reg [$clog2(ROWS+1)-1:0] rows = 0;
    reg [4:0] vectors = 0;
    integer row, bank, place;
    reg signed [BITS:0] value;
    reg signed [WEIGHT-1:0] weight;
    reg [3:0] count;

    always @* begin
        product = i_accumulate && any ? last : 0;
        count = i_bits == 0 ? 1 : i_bits > BITS ? BITS : i_bits;
        for (row = 0; row < ROWS; row = row + 1) begin
            weight = wrote && write_row == row && write_bank == i_bank ? write_weights : held[WEIGHT*row +: WEIGHT];
            for (place = 0; place <= BITS; place = place + 1)
                value[place] = place < count ? i_x[BITS*row + place] : i_signed && i_x[BITS*row + count - 1];
            product = product + value * weight;
        end
    end

    initial for (bank = 0; bank < BANKS; bank = bank + 1) known[bank] = 0;
    reg [3:0] chain = 0;
    always @(posedge clk) begin
        started <= 1;
        rst_before <= rst;
        if (wrote && write_row < ROWS) begin
            weights[write_bank][WEIGHT*write_row +: WEIGHT] <= write_weights;
            known[write_bank][write_row] <= 1;
            rows <= rows + 1;
        end
        if (accepted) begin
            last <= product;
            any <= 1;
            vectors <= vectors + 1;
            chain <= i_accumulate ? chain + 1 : 1;
        end
        inside <= inside + accepted - delivered;
        for (place = 0; place < DEPTH; place = place + 1)
            expected[place] <= accepted && place == inside - delivered ? product
                : delivered && place + 1 < DEPTH ? expected[place + 1] : expected[place];
        if (rst) begin inside <= 0; any <= 0; chain <= 0; end
    end

    wire signed [WIDE-1:0] result = expected[0];
    reg stood = 0;
    reg signed [WIDE-1:0] stood_y;
    always @(posedge clk) begin
        stood <= o_valid && !o_ready && !rst;
        stood_y <= o_y;
    end

    always @* begin
        assume (write_row < ROWS);
        assume (write_bank < BANKS && i_bank < BANKS);
`ifdef SCHEDULE
        // Row after row into one bank, then vectors, without a pause.
        assume (!rst_at_will && o_ready && write_bank == `SCHEDULE && i_bank == `SCHEDULE);
        assume (write_valid == (started && rows < ROWS) && (rows >= ROWS || write_row == rows));
        assume (i_valid == (started && rows == ROWS && vectors < 2) && !i_accumulate);
`else
        // Vectors only with weights that are known, and in chains of allowed lengths.
        assume (!i_valid || (known[i_bank] | (wrote && write_bank == i_bank ? 1 << write_row : 0)) == {ROWS{1'b1}});
        assume (!i_accumulate || chain < `TILES);
`endif
        if (started) begin
            assert (inside < DEPTH);
            if (o_valid) assert (inside != 0 && o_y == result);
            if (stood) assert (o_valid && o_y == stood_y);
            if (rst_before) assert (!o_valid && i_ready);
`ifdef SCHEDULE
            cover (delivered && vectors == 2 && inside == 1 && o_y < 0);
            cover (delivered && vectors == 2 && inside == 1 && o_y > 0);
`else
            cover (delivered && any && chain == 2 && inside == 1 && o_y < 0);
            cover (o_valid && !o_ready && inside == 4);
            cover (write_valid && !write_ready && o_valid);
            cover (delivered && rows > ROWS && o_y > 0);
`endif
        end
    end
endmodule
