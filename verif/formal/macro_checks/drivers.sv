// The wordline drivers with any vector: the planes that are skipped change no value, those that are driven are the
// vector's, and no fewer would do.
module check (
    input clk, input [`ROWS*`BITS-1:0] x, input load, dispatch, input [$clog2(`BITS+1)-1:0] bits, input is_signed,
    input enable, input [`BITS-1:0] select
);
    localparam ROWS = `ROWS, BITS = `BITS;
    wire [BITS-1:0] top;
    wire [ROWS-1:0] plane;
    wire [ROWS*BITS-1:0] waiting, driven;
    reg started = 0, loaded = 0, moved = 0;
    (* anyconst *) reg [$clog2(ROWS)-1:0] row;

    `DUT dut (.clk(clk), .x(x), .load(load), .dispatch(dispatch), .bits(bits), .is_signed(is_signed), .top(top),
        .enable(enable), .select(select), .plane(plane), .waiting(waiting), .driven(driven));

    // The lowest bits of a word, as a number.
    function signed [BITS:0] value(input [BITS-1:0] word, input integer count, input negative);
        integer i;
        for (i = 0; i <= BITS; i = i + 1)
            value[i] = i < count ? word[i] : negative && word[count - 1];
    endfunction

    reg [ROWS*BITS-1:0] kept, taken;
    reg [$clog2(BITS+1)-1:0] count;
    reg negative;
    always @(posedge clk) begin
        started <= 1;
        if (load) begin
            loaded <= 1;
            kept <= x;
            // None counts as one, too many as all.
            count <= bits == 0 ? 1 : bits > BITS ? BITS : bits;
            negative <= is_signed;
        end
        if (dispatch) begin moved <= loaded; taken <= kept; end
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
            if (loaded && top[b]) begin
                assert (b < count);
                assert (value(word, b + 1, negative) == value(word, count, negative));
            end
            if (loaded) assert (waiting[ROWS*b + row] == word[b]);
            if (moved) assert (driven[ROWS*b + row] == now[b]);
            if (started && $past(moved && enable && select == 1 << b)) assert (plane[row] == $past(now[b]));
            cover (loaded && top[b] && count == BITS && negative);
            cover (loaded && top[b] && count == BITS && !negative);
        end
    end endgenerate
    always @(posedge clk) begin
        if (loaded) begin
            assert (count >= 1 && count <= BITS);
            assert (top != 0 && (top & (top - 1'b1)) == 0);
            assert (needed);
        end
        if (started && !$past(enable)) assert ($stable(plane));
    end
endmodule
