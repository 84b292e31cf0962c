// Any groups of results from the requantizer: an offered beat is stable until accepted.
module check (
    input clk, input taken, taken_last, valid, last, input [`RESULTS-1:0] results, input ready
);
    wire space, busy, o_valid;
    wire [72:0] payload;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .i__taken(taken), .i__taken_last(taken_last), .i__space(space), .busy(busy),
        .i__valid(valid), .i__last(last), .i__results(results), .o__ready(ready), .o__valid(o_valid), .o__payload(payload));

    always @(posedge clk) begin
        started <= 1;
        if (started && $past(started)) begin
            if ($past(o_valid && !ready)) assert (o_valid && $stable(payload));
        end
        if (started && o_valid) begin
            // A last beat keeps the bytes of the results that are left, others keep all; bytes not kept are zero.
            assert (payload[71:64] == (payload[72] ? `KEEP : 8'hff));
            for (int unsigned i = 0; i < 8; i = i + 1)
                if (!payload[64 + i]) assert (payload[8 * i +: 8] == 0);
        end
        cover (started && o_valid && payload[72] && ready);
        cover (started && o_valid && !payload[72] && !ready);
    end
endmodule
