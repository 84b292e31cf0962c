// The multiplications of a lane of the requantizer: its four products are those of the pieces, of 16 bits and the rest,
// of a total with its bias and of a multiplier, four cycles after these. Structure, which needs no solver.
module check (input clk, input signed [`TOTAL-1:0] total, input signed [31:0] bias, multiplier, input [5:0] shift);
    wire signed [`HH-1:0] hh;
    wire signed [`HL-1:0] hl;
    wire signed [`LH-1:0] lh;
    wire [`LL-1:0] ll;
    reg [2:0] cycle = 0;

    `DUT dut (.clk(clk), .rst(1'b0), .total(total), .parameters({shift, multiplier, bias}), .product_hh(hh),
        .product_hl(hl), .product_lh(lh), .product_ll(ll));

    reg [31:0] factor_1, factor_2;
    reg signed [32:0] value_1, value_2;
    reg signed [`HH-1:0] exact_hh, product_hh;
    reg signed [`HL-1:0] exact_hl, product_hl;
    reg signed [`LH-1:0] exact_lh, product_lh;
    reg [`LL-1:0] exact_ll, product_ll;
    always @(posedge clk) begin
        if (cycle != 7) cycle <= cycle + 1;
        value_1 <= total + bias;
        factor_1 <= multiplier;
        {value_2, factor_2} <= {value_1, factor_1};
        exact_hh <= product_hh;
        product_hh <= $signed(value_2[32:16]) * $signed(factor_2[31:16]);
        exact_hl <= product_hl;
        product_hl <= $signed(value_2[32:16]) * $signed({1'b0, factor_2[15:0]});
        exact_lh <= product_lh;
        product_lh <= $signed({1'b0, value_2[15:0]}) * $signed(factor_2[31:16]);
        exact_ll <= product_ll;
        product_ll <= value_2[15:0] * factor_2[15:0];
    end

    always @(posedge clk) if (cycle >= 4) begin
        assert (hh == exact_hh);
        assert (hl == exact_hl);
        assert (lh == exact_lh);
        assert (ll == exact_ll);
        cover (hh < 0);
        cover (hl < 0);
        cover (lh < 0);
        cover (ll[31]);
    end
endmodule
