// A slice of deep wordline drivers against its description: what is said a cycle ahead happens, planes above a vector's
// bits are zeros, and each plane is compared with the one above.
module check (
    input clk, rst, input [`ROWS*`BITS-1:0] x, input will_load, will_move, will_dispatch, will_enable, blanks,
    input [$clog2(`BITS+1)-1:0] bits, input [$clog2(`BITS)-1:0] next_index
);
    localparam ROWS = `ROWS, BITS = `BITS;
    wire [BITS-1:0] above, differs;
    wire [ROWS-1:0] plane;
    wire [ROWS*BITS-1:0] arrived, waiting, driven;
    wire will_blank = blanks && will_enable;
    genvar n, r;
    generate for (n = 0; n < BITS; n = n + 1) assign above[n] = n >= bits; endgenerate

    `DUT dut (.clk(clk), .rst(rst), .x(x), .will_load(will_load), .will_move(will_move), .above(above), .stays(!will_move),
        .will_dispatch(will_dispatch), .will_enable(will_enable), .next_index(next_index), .will_blank(will_blank),
        .differs(differs), .plane(plane), .arrived(arrived), .waiting(waiting), .driven(driven),
        .load(copies[4]), .move(copies[3]), .dispatch(copies[2]), .enable(copies[1]), .blank(copies[0]), .clear(clear),
        .index(index_copy));
    // The slice's own registers of what is broadcast.
    wire [4:0] copies;
    wire [BITS-1:0] clear;
    wire [$clog2(BITS)-1:0] index_copy;

    reg load, move, dispatch, enable, blank, started = 0, loaded = 0, moved = 0, dispatched = 0, chosen = 0;
    reg [$clog2(BITS+1)-1:0] count;
    reg [$clog2(BITS)-1:0] index;
    // Vectors as they came; planes of the one that waits and the one that is driven.
    reg [ROWS*BITS-1:0] vector;
    reg [ROWS-1:0] waits [BITS-1:0], drives [BITS-1:0], wordlines;
    integer b, i;
    always @(posedge clk) begin
        started <= 1;
        {load, move, dispatch, enable, blank} <= {will_load, will_move, will_dispatch, will_enable, will_blank};
        // None counts as one.
        count <= bits == 0 ? 1 : bits;
        index <= next_index;
        if (started && load) begin vector <= x; loaded <= 1; end
        if (started && move) begin
            moved <= loaded;
            for (b = 0; b < BITS; b = b + 1)
                for (i = 0; i < ROWS; i = i + 1) waits[b][i] <= vector[BITS*i + b] && b < count;
        end
        if (started && dispatch) begin
            dispatched <= moved;
            for (b = 0; b < BITS; b = b + 1) drives[b] <= waits[b];
        end
        if (started && enable) begin
            wordlines <= blank ? 0 : drives[index];
            chosen <= dispatched || blank;
        end
        // After a reset it loads, and the pipeline advances; what it holds does not count.
        if (rst) {load, move, dispatch, enable, blank, loaded, moved, dispatched, chosen} <= 9'b100100000;
        assume (next_index < BITS);
    end

    generate for (n = 0; n < BITS; n = n + 1) begin : each_plane
        for (r = 0; r < ROWS; r = r + 1) always @(posedge clk) begin
            if (loaded) assert (arrived[ROWS*n + r] == vector[BITS*r + n]);
            if (moved) assert (waiting[ROWS*n + r] == waits[n][r]);
            if (dispatched) assert (driven[ROWS*n + r] == drives[n][r]);
        end
        wire [ROWS-1:0] upper = n + 1 < BITS ? waits[n + 1 < BITS ? n + 1 : 0] : 0;
        always @(posedge clk) begin
            if (started && n > 0 && !$past(rst)) assert (clear[n] == (move && n >= count));
            if (moved) assert (differs[n] == (waits[n] != upper));
            cover (moved && differs == 1 << n);
        end
    end endgenerate
    always @(posedge clk) begin
        if (started) assert (copies == {load, move, dispatch, enable, blank});
        if (started) assert (index_copy == index);
        if (chosen) assert (plane == wordlines);
        cover (chosen && blank && enable && dispatched && plane != 0);
    end
endmodule
