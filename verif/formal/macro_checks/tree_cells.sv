// A carry-save tree of full and half adders, adder by adder: each keeps the sum of its bits, each product is that of its
// weight bit and its row (or the complement, at the sign), and the register takes the last sums. How the adders hang
// together is looked at outside: see `compressed` in carry_save.py.
module check (input clk, enable, input [`ROWS*`BITS-1:0] weights, input [`ROWS-1:0] plane);
    localparam ROWS = `ROWS, BITS = `BITS, ADDERS = `ADDERS, WIDTH = `WIDTH;
    // a, b, c, sum and carry of each adder, a lowest; products by row and bit; what the register takes.
    wire [5*ADDERS-1:0] adders;
    wire [ROWS*BITS-1:0] products;
    wire [WIDTH-1:0] result;
    wire signed [WIDTH-1:0] sum;
    reg started = 0, moved;
    reg [WIDTH-1:0] was, taken;

    `DUT dut (.clk(clk), .enable(enable), .weights(weights), .plane(plane), .sum(sum), .adders(adders),
        .products(products), .result(result));

    always @(posedge clk) begin
        started <= 1;
        moved <= enable;
        was <= sum;
        taken <= result;
    end
    always @* if (started) begin
        assert (sum == (moved ? taken : was));
        cover (moved && sum < 0 && weights != 0);
    end

    genvar i, row, bit_;
    generate
        for (i = 0; i < ADDERS; i = i + 1)
            always @* assert (adders[5*i] + adders[5*i + 1] + adders[5*i + 2] == adders[5*i + 3] + 2 * adders[5*i + 4]);
        for (row = 0; row < ROWS; row = row + 1)
            for (bit_ = 0; bit_ < BITS; bit_ = bit_ + 1)
                // Weights and plane come complemented.
                always @* assert (products[BITS*row + bit_]
                    == ((!weights[BITS*row + bit_] && !plane[row]) ^ (bit_ == BITS - 1)));
    endgenerate
    always @* cover (started && &products);
endmodule
