// A shift-accumulator with the sums of any planes of any vectors, as many added up as may be, with any stalls: it
// gives what a register without bounds would, so nothing overflows; and the bounds are reached.
// A column's weights split into those that are not negative and the others; a plane's sum is that of some of each.
module check (
    input clk, enable, input [$clog2(`ROWS+1)-1:0] new_share, input [`WIDE-1:0] plus, minus, input next_valid, next_first,
    next_last, next_signed, next_accumulate
);
    localparam WIDE = `WIDE, ROWS = `ROWS, BITS = `BITS, VECTORS = `VECTORS;
    // Maximum weight, and magnitude of the minimum weight; whether the sum is complemented.
    localparam signed [WIDE-1:0] MAX_WEIGHT = `MAX_WEIGHT, MIN_MAGNITUDE = `MIN_MAGNITUDE;
    localparam [0:0] COMPLEMENT = `COMPLEMENT;
    localparam signed [WIDE-1:0] UP = (1 << BITS) - 1, DOWN = 1 << BITS - 1;
    localparam signed [WIDE-1:0] HIGH = ROWS
        * (MAX_WEIGHT * UP > MIN_MAGNITUDE * DOWN ? MAX_WEIGHT * UP : MIN_MAGNITUDE * DOWN);
    localparam signed [WIDE-1:0] LOW = -ROWS
        * (MIN_MAGNITUDE * UP > MAX_WEIGHT * DOWN ? MIN_MAGNITUDE * UP : MAX_WEIGHT * DOWN);
    wire signed [`TOTAL-1:0] total;
    wire signed [`WIDTH-1:0] accumulator;
    wire flip, carry, shift, add;

    // The plane whose sum comes now, the one before it, and the one after it, whose flags come now.
    reg valid = 0, first, last, negative, is_signed, accumulate, done = 0, done_accumulate, done_signed;
    reg [4:0] index, done_index;
    reg [$clog2(VECTORS+1)-1:0] count = 0, done_count = 0, total_count = 0;
    reg [$clog2(ROWS+1)-1:0] share, done_share;
    reg complete = 0;
    // What is exact: the parts of positive and negative weights, and the total.
    reg signed [WIDE-1:0] above, below, exact;
    wire signed [WIDE-1:0] plane_above = plus, plane_below = -$signed(minus);
    wire signed [WIDE-1:0] plane = plane_above + plane_below;
    wire load = complete && enable;

    `DUT dut (.clk(clk), .enable(enable), .sum(COMPLEMENT ? ~plane[`SUM-1:0] : plane[`SUM-1:0]),
        .flip((next_first && next_signed) ^ COMPLEMENT), .carry(next_first && next_signed), .shift(!next_first),
        .add(accumulate), .load(load), .total(total), .accumulator(accumulator), .flip_q(flip), .carry_q(carry),
        .shift_q(shift), .add_q(add));

    function signed [WIDE-1:0] maximum(input integer planes, input negative);
        maximum = (1 << (planes - negative)) - 1;
    endfunction
    function signed [WIDE-1:0] minimum(input integer planes, input negative);
        minimum = negative ? -(1 << planes - 1) : 0;
    endfunction

    always @(posedge clk) begin
        if (load) begin
            exact <= (done_accumulate ? exact : 0) + above + below;
            total_count <= done_accumulate ? total_count + 1 : 1;
        end
        if (enable) begin
            {valid, first, last, accumulate} <= {next_valid, next_first, next_last, next_accumulate};
            negative <= next_first && next_signed;
            is_signed <= next_signed;
            index <= next_first ? 1 : index + 1;
            if (next_valid && next_first) begin
                share <= new_share;
                count <= next_accumulate ? count + 1 : 1;
            end
            done <= valid;
            complete <= valid && last;
            {done_accumulate, done_signed, done_index} <= {accumulate, is_signed, index};
            {done_share, done_count} <= {share, count};
            above <= (negative ? -plane_above : plane_above) + (first ? 0 : above <<< 1);
            below <= (negative ? -plane_below : plane_below) + (first ? 0 : below <<< 1);
        end
    end

    wire signed [WIDE-1:0] some = done_share, others = ROWS - done_share;
    always @(posedge clk) begin
        // Vectors of up to so many planes, each begun and ended; no more added up than may be.
        if (next_valid) begin
            assume (next_first == !(valid && !last));
            assume (next_first || index < BITS && next_signed == is_signed && next_accumulate == accumulate);
            if ((next_first ? 1 : index + 1) == BITS) assume (next_last);
            if (next_first) assume (!next_accumulate || count >= 1 && count < VECTORS);
            assume (new_share <= ROWS);
        end else assume (!(valid && !last));
        assume (plus <= share * MAX_WEIGHT && minus <= (ROWS - share) * MIN_MAGNITUDE);

        if (done) begin
            assert (accumulator == above + below);
            assert (done_index >= 1 && done_index <= BITS && done_share <= ROWS);
            assert (above <= some * MAX_WEIGHT * maximum(done_index, done_signed));
            assert (above >= some * MAX_WEIGHT * minimum(done_index, done_signed));
            assert (-below <= others * MIN_MAGNITUDE * maximum(done_index, done_signed));
            assert (-below >= others * MIN_MAGNITUDE * minimum(done_index, done_signed));
            assert (above + below >= LOW && above + below <= HIGH);
        end
        if (total_count != 0) begin
            assert (total == exact);
            assert (exact >= LOW * $signed({1'b0, total_count}) && exact <= HIGH * $signed({1'b0, total_count}));
        end
        // For the induction.
        if (valid) assert (index >= 1 && index <= BITS && share <= ROWS && count >= 1 && accumulate == (count >= 2));
        if (valid && !first) assert (done && !complete && done_index == index - 1 && done_share == share
            && done_signed == is_signed);
        if (valid && first) assert (index == 1);
        if (valid) assert (negative == (first && is_signed));
        if (valid) assert (flip == (negative ^ COMPLEMENT) && carry == negative && shift == !first);
        if (complete) assert (add == done_accumulate);
        assert (count <= VECTORS && done_count <= VECTORS && total_count <= VECTORS);
        // Each vector that accumulates is added to the total of those before it.
        if (complete) assert (done && done_accumulate == (done_count >= 2) && done_count >= 1);
        if (complete && done_accumulate) assert (total_count == done_count - 1);
        if (complete) assert (done_count == (valid ? count - 1 : count) || valid && !accumulate);
        if (!complete && valid && accumulate) assert (total_count == count - 1);
        if (!complete && !valid) assert (total_count == count);

        cover (total_count == VECTORS && total == HIGH * VECTORS);
        cover (total_count == VECTORS && total == LOW * VECTORS);
        // With a bit less these would not fit.
        cover (accumulator[`WIDTH-1] != accumulator[`WIDTH-2] && done);
        cover (total[`TOTAL-1] != total[`TOTAL-2] && total_count != 0);
    end
endmodule
