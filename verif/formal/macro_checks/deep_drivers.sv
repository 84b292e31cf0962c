// Deep wordline drivers with any vector: five cycles after it is told to wait, its highest plane is known that can change
// the result, so that the planes that are skipped change no value, and no fewer would do.
module check (
    input clk, input [`ROWS*`BITS-1:0] x, input will_load, may_move, input [$clog2(`BITS+1)-1:0] bits, input is_signed
);
    localparam ROWS = `ROWS, BITS = `BITS;
    wire [BITS-1:0] above;
    wire [$clog2(BITS)-1:0] highest;
    reg load = 0, move = 0, arrived = 0, loaded = 0;
    (* anyconst *) reg [$clog2(ROWS)-1:0] row;

    // The vector that has arrived, and the one that waits: values, bits, sign.
    reg [ROWS*BITS-1:0] arrival, kept;
    reg [$clog2(BITS+1)-1:0] arrival_bits, count;
    reg arrival_negative, negative;
    reg [1:0] waited = 0;
    wire will_move = may_move && arrived;
    genvar n;
    generate for (n = 0; n < BITS; n = n + 1) assign above[n] = n >= arrival_bits; endgenerate
    always @(posedge clk) begin
        load <= will_load;
        move <= will_move;
        waited <= move ? 0 : waited + (waited != 3);
        if (load) begin
            arrived <= 1;
            arrival <= x;
            arrival_bits <= bits;
            arrival_negative <= is_signed;
        end
        if (move) begin
            loaded <= 1;
            kept <= arrival;
            // None counts as one, too many as all.
            count <= arrival_bits == 0 ? 1 : arrival_bits > BITS ? BITS : arrival_bits;
            negative <= arrival_negative;
        end
        // What has arrived stays until it waits.
        assume (!load || !will_move);
    end

    `DUT dut (.clk(clk), .rst(1'b0), .x(x), .will_load(will_load), .will_move(will_move), .above(above), .stays(!will_move),
        .is_signed(arrival_negative), .will_dispatch(1'b0), .will_enable(1'b0), .next_index({$clog2(BITS){1'b0}}), .will_blank(1'b0),
        .highest(highest));

    // The lowest bits of a word, as a number.
    function signed [BITS:0] value(input [BITS-1:0] word, input integer count, input negative);
        integer i;
        for (i = 0; i <= BITS; i = i + 1)
            value[i] = i < count ? word[i] : negative && word[count - 1];
    endfunction

    // Whether fewer planes would give another value somewhere.
    reg needed;
    integer i, plane_of;
    always @* begin
        needed = highest == 0;
        for (plane_of = 1; plane_of < BITS; plane_of = plane_of + 1)
            if (highest == plane_of)
                for (i = 0; i < ROWS; i = i + 1)
                    if (value(kept[BITS*i +: BITS], plane_of, negative) != value(kept[BITS*i +: BITS], count, negative))
                        needed = 1;
    end

    wire searched = loaded && waited == 3;
    wire [BITS-1:0] word = kept[BITS*row +: BITS];
    always @(posedge clk) if (searched) begin
        assert (highest < count);
        assert (needed);
        if (row < ROWS) assert (value(word, highest + 1, negative) == value(word, count, negative));
    end
    generate for (n = 0; n < BITS; n = n + 1) always @(posedge clk) begin
        cover (searched && highest == n && count == BITS && negative);
        cover (searched && highest == n && count == BITS && !negative);
    end endgenerate
endmodule
