// The wordline drivers with any vector: the planes that are skipped change no value, those that are driven are the
// vector's, and no fewer would do. In deep drivers a vector arrives before it waits, and its highest plane is known four
// cycles later.
module check (
    input clk, input [`ROWS*`BITS-1:0] x, input load, dispatch, input [$clog2(`BITS+1)-1:0] bits, input is_signed,
    input enable, may_move, input [`BITS-1:0] select, input [$clog2(`BITS)-1:0] index, input blank
);
    localparam ROWS = `ROWS, BITS = `BITS;
    wire [BITS-1:0] top;
    wire [ROWS-1:0] plane;
    wire [ROWS*BITS-1:0] waiting, driven;
    reg started = 0, loaded = 0, moved = 0;
    (* anyconst *) reg [$clog2(ROWS)-1:0] row;

    // The vector that has arrived: values, bits, sign.
    reg [ROWS*BITS-1:0] arrival;
    reg [$clog2(BITS+1)-1:0] arrival_bits;
    reg arrival_negative, arrived = 0;
    always @(posedge clk) if (load) begin
        arrived <= 1;
        arrival <= x;
        arrival_bits <= bits;
        arrival_negative <= is_signed;
    end

    `DUT dut (.clk(clk), .x(x), .load(load), .dispatch(dispatch), .enable(enable), .plane(plane), .waiting(waiting),
        .driven(driven),
`ifdef DEEP
        .arrived(registers), .ignored(ignored), .signed_waits(signed_waits), .is_signed(arrival_negative), .move(move),
        .clear(clear), .highest(highest), .index(index), .blank(blank));
    wire move = may_move && arrived;
    wire [BITS-1:0] clear;
    wire [$clog2(BITS)-1:0] highest;
    genvar n;
    generate for (n = 0; n < BITS; n = n + 1) assign clear[n] = move && n >= arrival_bits; endgenerate
    assign top = 1 << highest;
    // What the drivers keep beside the vectors.
    wire [ROWS*BITS-1:0] registers;
    wire [BITS-1:0] ignored;
    wire signed_waits;
    genvar of_row;
    generate for (n = 0; n < BITS; n = n + 1) begin : kept_beside
        for (of_row = 0; of_row < ROWS; of_row = of_row + 1)
            always @(posedge clk) if (arrived) assert (registers[ROWS*n + of_row] == arrival[BITS*of_row + n]);
        always @(posedge clk) if (loaded) assert (ignored[n] == (negative && n + 1 >= count));
    end endgenerate
    always @(posedge clk) if (loaded) assert (signed_waits == negative);
    wire [ROWS*BITS-1:0] moved_x = arrival;
    wire [$clog2(BITS+1)-1:0] moved_bits = arrival_bits;
    wire moved_negative = arrival_negative;
`else
        .is_signed(is_signed), .bits(bits), .top(top), .select(select));
    wire move = load;
    wire [ROWS*BITS-1:0] moved_x = x;
    wire [$clog2(BITS+1)-1:0] moved_bits = bits;
    wire moved_negative = is_signed;
`endif

    // The lowest bits of a word, as a number.
    function signed [BITS:0] value(input [BITS-1:0] word, input integer count, input negative);
        integer i;
        for (i = 0; i <= BITS; i = i + 1)
            value[i] = i < count ? word[i] : negative && word[count - 1];
    endfunction

    reg [ROWS*BITS-1:0] kept, taken;
    reg [$clog2(BITS+1)-1:0] count, taken_count;
    reg negative;
    reg [1:0] waited = 0;
    // Which plane is to be driven.
    wire [BITS-1:0] chosen;
`ifdef DEEP
    // Planes above a vector's bits are zeros.
    localparam MASKS = 1;
    wire searched = waited >= 3;
    assign chosen = blank ? 0 : 1 << index;
    always @(posedge clk) assume (index < BITS && (!blank || enable));
`else
    localparam MASKS = 0;
    wire searched = 1;
    assign chosen = select;
`endif
    always @(posedge clk) begin
        started <= 1;
        waited <= move ? 0 : waited + (waited != 3);
        if (move) begin
            loaded <= 1;
            kept <= moved_x;
            // None counts as one, too many as all.
            count <= moved_bits == 0 ? 1 : moved_bits > BITS ? BITS : moved_bits;
            negative <= moved_negative;
        end
        if (dispatch) begin moved <= loaded; taken <= kept; taken_count <= count; end
    end

    // Whether fewer planes, the next one on top, would give another value somewhere.
    reg needed;
    integer i, plane_of;
    always @* begin
        needed = top[0];
        for (plane_of = 1; plane_of < BITS; plane_of = plane_of + 1)
            if (top[plane_of])
                for (i = 0; i < ROWS; i = i + 1)
                    if (value(kept[BITS*i +: BITS], plane_of, negative) != value(kept[BITS*i +: BITS], count, negative))
                        needed = 1;
    end

    wire [BITS-1:0] word = kept[BITS*row +: BITS], now = taken[BITS*row +: BITS];
    genvar b;
    generate for (b = 0; b < BITS; b = b + 1) begin : planes
        always @(posedge clk) if (row < ROWS) begin
            if (loaded && searched && top[b]) begin
                assert (b < count);
                assert (value(word, b + 1, negative) == value(word, count, negative));
            end
            if (loaded) assert (waiting[ROWS*b + row] == (MASKS && b >= count ? 1'b0 : word[b]));
            if (moved) assert (driven[ROWS*b + row] == (MASKS && b >= taken_count ? 1'b0 : now[b]));
            if (started && $past(moved && enable && chosen == 1 << b && b < taken_count))
                assert (plane[row] == $past(now[b]));
            cover (loaded && searched && top[b] && count == BITS && negative);
            cover (loaded && searched && top[b] && count == BITS && !negative);
        end
    end endgenerate
    always @(posedge clk) begin
        if (loaded) begin
            assert (count >= 1 && count <= BITS);
            if (searched) begin
                assert (top != 0 && (top & (top - 1'b1)) == 0);
                assert (needed);
            end
        end
        if (started && !$past(enable)) assert ($stable(plane));
        if (started && $past(enable && chosen == 0)) assert (plane == 0);
    end
endmodule
