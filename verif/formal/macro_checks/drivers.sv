// The wordline drivers with any vector: the planes that are skipped change no value, those that are driven are the
// vector's, and no fewer would do. If they are looked for late, a vector waits for three cycles, and its bits are known a
// cycle before it is loaded.
module check (
    input clk, input [`ROWS*`BITS-1:0] x, input load, dispatch, input [$clog2(`BITS+1)-1:0] bits, input is_signed,
    input enable, will_load, input [`BITS-1:0] select, input [$clog2(`BITS)-1:0] index, input blank
);
    localparam ROWS = `ROWS, BITS = `BITS;
    wire [BITS-1:0] top;
    wire [ROWS-1:0] plane;
    wire [ROWS*BITS-1:0] waiting, driven;
    reg started = 0, loaded = 0, moved = 0;
    (* anyconst *) reg [$clog2(ROWS)-1:0] row;

    `DUT dut (.clk(clk), .x(x), .load(load), .dispatch(dispatch), .is_signed(is_signed), .top(top),
        .enable(enable), .plane(plane), .waiting(waiting), .driven(driven),
`ifdef LATE
        .will_clear(will_clear), .index(index), .blank(blank));
    wire [BITS-1:0] will_clear;
    genvar n;
    generate for (n = 0; n < BITS; n = n + 1) assign will_clear[n] = will_load && n >= bits; endgenerate
`else
        .bits(bits), .select(select));
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
`ifdef LATE
    // The highest plane is known in the third cycle, and planes above a vector's bits are zeros.
    localparam MASKS = 1;
    wire searched = waited >= 2;
    assign chosen = blank ? 0 : 1 << index;
    always @(posedge clk) assume (index < BITS && (!blank || enable));
    always @(posedge clk) assume (started ? load == $past(will_load) && (!load || bits == $past(bits)) : !load);
`else
    localparam MASKS = 0;
    wire searched = 1;
    assign chosen = select;
`endif
    always @(posedge clk) begin
        started <= 1;
        waited <= load ? 0 : waited + (waited != 3);
        if (load) begin
            loaded <= 1;
            kept <= x;
            // None counts as one, too many as all.
            count <= bits == 0 ? 1 : bits > BITS ? BITS : bits;
            negative <= is_signed;
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
