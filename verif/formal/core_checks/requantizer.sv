// A lane of the requantizer, from any total and parameters to the result, but for the multiplications of its pieces,
// whose results may be anything of the sign of the product. The result is that of the definition, written as
// `golden.requantize` has it, for the product that they add up to. Every cycle gives the lane another shift, from the
// lowest to the highest, so that the solver meets one at a time.
module check (
    input clk, input signed [`TOTAL-1:0] total, input signed [31:0] bias, multiplier, input [1:0] rounding,
    input signed [`OUT-1:0] zero_point, low, high
);
    localparam OUT = `OUT, WIDE = 67;
    localparam signed [WIDE-1:0] ONE = 1, HALF = ONE <<< 30;
    wire signed [OUT-1:0] result;
    wire signed [41:0] product;
    wire signed [OUT+1:0] shifted;
    wire beyond;
    wire signed [`HH-1:0] hh;
    wire signed [`HL-1:0] hl;
    wire signed [`LH-1:0] lh;
    wire [`LL-1:0] ll;
    // Cycles since the first shift was given.
    reg [6:0] cycle = 0;
    wire signed [5:0] shift = cycle < 39 ? cycle - 31 : 0;

    `DUT dut (.clk(clk), .rst(1'b0), .total(total), .parameters({shift, multiplier, bias}),
        .settings({high, low, zero_point, rounding}), .result(result), .product(product), .shifted_1(shifted),
        .beyond_1(beyond), .product_hh(hh), .product_hl(hl), .product_lh(lh), .product_ll(ll));

    // What was given so many cycles ago; the settings come when they are due.
    reg negative [1:11];
    reg signed [WIDE-1:0] exact [5:11];
    reg [1:0] rules [5:11];
    reg signed [OUT-1:0] zeros [9:11], lows [10:11], highs [10:11];
    wire signed [32:0] value = total + bias;
    wire signed [WIDE-1:0] sum = (hh <<< 32) + (hl <<< 16) + (lh <<< 16) + $signed({1'b0, ll});
    integer age;
    always @(posedge clk) begin
        if (cycle != 127) cycle <= cycle + 1;
        negative[1] <= value[32] ^ multiplier[31];
        {exact[5], rules[5]} <= {sum, rounding};
        zeros[9] <= zero_point;
        {lows[10], highs[10]} <= {low, high};
        for (age = 2; age <= 11; age = age + 1) begin
            negative[age] <= negative[age - 1];
            if (age > 5) {exact[age], rules[age]} <= {exact[age - 1], rules[age - 1]};
            if (age > 9) zeros[age] <= zeros[age - 1];
            if (age > 10) {lows[age], highs[age]} <= {lows[age - 1], highs[age - 1]};
        end
    end

    // How the lane makes one rounding of each rule: what it adds to the product before the lowest bits are dropped.
    function signed [WIDE-1:0] adjusted(input signed [WIDE-1:0] p, input negative, input [1:0] rule, input signed [6:0] left);
        adjusted = p + (rule == 2 ? (negative ? -ONE : 0) : rule == 0 || left >= 0 ? 0 : negative ? -HALF : HALF) >>> 23;
    endfunction

    // The definition.
    function signed [WIDE-1:0] rounded(input signed [WIDE-1:0] p, input [1:0] rule, input signed [6:0] left);
        reg signed [WIDE-1:0] half, doubled, mask;
        begin
            half = ONE <<< 30 - left;
            if (rule == 2)
                rounded = p < 0 ? -(-p + half >>> 31 - left) : p + half >>> 31 - left;
            else if (rule == 0 || left >= 0)
                rounded = p + half >>> 31 - left;
            else begin
                doubled = p + HALF >>> 31;
                mask = (ONE <<< -left) - 1;
                rounded = (doubled >>> -left) + $signed({1'b0, (doubled & mask) > (mask >>> 1) + $signed({1'b0, doubled < 0})});
            end
        end
    endfunction

    // Of the product whose shift was given so many cycles ago, as much as is left while one bit is to be rounded.
    `define LEFT(age) $signed(cycle[6:0] - 7'd31 - 7'd``age)
    `define FULL(age) (adjusted(exact[age], negative[age], rules[age], `LEFT(age)) >>> 7 - `LEFT(age))
    `define NOW(age) if (cycle >= age && cycle < 39 + age)
    wire signed [WIDE-1:0] full_7 = `FULL(7), full_8 = `FULL(8), full_11 = `FULL(11);
    wire signed [WIDE-1:0] moved = (full_11 >>> 1) + $signed({1'b0, full_11[0]}) + zeros[11];

    always @(posedge clk) begin
        assume (low <= high);
        // Products are within what they can be, and of their sign.
        assume (hh >= -(33'sd65535 << 15) && hh <= 33'sd1 << 31);
        assume (hl >= -(33'sd65535 << 16) && hl <= 33'sd65535 * 33'sd65535);
        assume (lh >= -(32'sd65535 << 15) && lh <= 32'sd65535 * 32'sd32767);
        assume (ll <= 32'd65535 * 32'd65535);
        `NOW(4) assume (sum == 0 || (sum < 0) == negative[4]);
        // Step by step, each of which helps to prove the next.
        `NOW(6) assert (product == adjusted(exact[6], negative[6], rules[6], `LEFT(6)));
        `NOW(7) assert (rounded(exact[7], rules[7], `LEFT(7)) == (full_7 >>> 1) + $signed({1'b0, full_7[0]}));
        `NOW(8) assert (beyond == (full_8 >>> OUT + 1 != -$signed({1'b0, full_8[WIDE-1]})));
        `NOW(8) if (!beyond) assert (shifted == full_8);
        `NOW(11) assert (result == (moved < lows[11] ? lows[11] : moved > highs[11] ? highs[11] : moved));

        `NOW(7) cover (rules[7] == 1 && rounded(exact[7], 1, `LEFT(7)) != rounded(exact[7], 0, `LEFT(7)));
        `NOW(7) cover (rules[7] == 2 && rounded(exact[7], 2, `LEFT(7)) != rounded(exact[7], 0, `LEFT(7)));
        `NOW(8) cover (beyond && full_8 < 0);
        `NOW(11) cover (moved > highs[11] && result == highs[11]);
        `NOW(11) cover (result == moved && exact[11] < 0 && zeros[11] != 0);
    end
endmodule
