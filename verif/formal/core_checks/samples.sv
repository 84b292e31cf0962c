// The requantizer behind any macro and tracker: of a vector of the self-test it samples each group of totals once, one after
// the other, and the last when it is done with the vector; of other vectors none.
module check (
    input clk, valid, tag_valid, wanted, for_self_test, set, space, flush, input [`TOTALS-1:0] totals
);
    localparam LAST = `GROUPS - 1;
    wire ready, tag_ready, is_last, begun, squash;
    wire [`GROUP-1:0] group;
    wire [`SHOWN-1:0] shown;
    wire sampled = shown[1];
    wire [`GROUP-1:0] number = shown[3 +: `GROUP];
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .i__payload(totals), .i__valid(valid), .i__ready(ready),
        .tag__payload({for_self_test, wanted, set}), .tag__valid(tag_valid), .tag__ready(tag_ready), .flush(flush),
        .o__space(space), .shown(shown), .begun(begun), .squash(squash), .group(group), .o__taken_last(is_last));

    // The group that is sampled next.
    reg [`GROUP-1:0] next = 0;
    wire [`GROUP-1:0] due = !sampled ? next : next == LAST ? 0 : next + 1;
    wire is_test = tag_valid && for_self_test;

    always @(posedge clk) begin
        started <= 1;
        next <= rst ? 0 : due;
    end

    always @(posedge clk) if (started) begin
        // The tag comes with the totals at the latest, and both stay until they are taken.
        assume (!valid || tag_valid);
        assume (!wanted || !for_self_test);
        if ($past(started && tag_valid && !tag_ready)) assume (tag_valid && $stable(for_self_test) && $stable(wanted));
        if ($past(started && valid && !ready)) assume (valid);
        // The self-test discards results before it sends a vector.
        assume (!flush || !is_test);

        if (sampled) assert ($past(started && is_test) && number == next);
        if ($past(started)) assert ($past(is_test && tag_ready) == (sampled && number == LAST));

        // For the induction.
        assert (due == (is_test ? group : 0) && group <= LAST);
        assert (group == 0 || tag_valid && (wanted || for_self_test));
        assert (!squash || !begun);
        if ($past(started && !flush)) assert (is_last == (group == LAST));
        assert (begun == (group != 0) && next <= LAST);

        cover (sampled && number == LAST);
        cover (sampled && number == LAST && $past(sampled && number == LAST, `GROUPS));
        cover (is_test && !valid && group == 0);
    end
endmodule
