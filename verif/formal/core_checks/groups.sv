// The requantizer behind any macro and tracker. Of a vector whose results are wanted it takes each group of totals once, one
// after the other, and of a vector of the self-test it samples each once; of other vectors none. It is done with a vector with
// its last group, and accepts the totals of each vector once.
module check (
    input clk, valid, tag_valid, wanted, for_self_test, set, space, flush, input [`TOTALS-1:0] totals
);
    localparam LAST = `GROUPS - 1;
    wire ready, tag_ready, is_last, begun, squash, takes;
    wire left;
    wire [`GROUP-1:0] group;
    wire [`SHOWN-1:0] shown;
    wire taken = shown[0], sampled = shown[1], last = shown[2];
    wire goes = taken || sampled;
    wire [`GROUP-1:0] number = shown[3 +: `GROUP];
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .i__payload(totals), .i__valid(valid), .i__ready(ready),
        .tag__payload({for_self_test, wanted, set}), .tag__valid(tag_valid), .tag__ready(tag_ready), .flush(flush),
        .o__space(space), .shown(shown), .begun(begun), .squash(squash), .group(group),
        .o__taken(takes), .o__taken_last(is_last), .left(left));

    // The group that goes next, and whether the totals of the vector at the tag were accepted.
    reg [`GROUP-1:0] next = 0;
    reg accepted = 0;
    wire [`GROUP-1:0] due = !goes ? next : last ? 0 : next + 1;
    wire is_test = tag_valid && for_self_test, is_result = tag_valid && wanted && !squash;
    wire accepts = valid && ready, leaves = tag_valid && tag_ready;

    // Groups that may be taken without space, after one that was taken with it.
    reg [`GROUP:0] credit = 0;

    always @(posedge clk) begin
        started <= 1;
        if (rst) credit <= 0;
        else if (takes) credit <= is_last ? 0 : space ? `CREDIT : credit - 1;
        next <= rst ? 0 : due;
        accepted <= !rst && (accepted || accepts) && !leaves;
    end

    always @(posedge clk) if (started) begin
        // The tag comes with the totals at the latest, and both stay until they are accepted.
        assume (!valid || tag_valid);
        assume (!wanted || !for_self_test);
        if ($past(started && tag_valid && !tag_ready)) assume (tag_valid && $stable(for_self_test) && $stable(wanted));
        if ($past(started && valid && !ready)) assume (valid);
        // The self-test discards results before it sends a vector.
        assume (!flush || !is_test);

        if (goes) assert (number == next && taken != sampled);
        if (sampled) assert ($past(started && is_test) && last == (number == LAST));
        // Only what is discarded ends early.
        if (taken) assert ($past(started && is_result) && (last == (number == LAST) || last && $past(flush, 2)));
        if ($past(started)) assert ($past((is_test || is_result) && tag_ready) == (goes && last));

        // A vector's totals are accepted once, and before it leaves.
        assert (!(accepted && accepts));
        if (leaves) assert (accepted || accepts);

        // What `beats` assumes.
        if (takes) assert (space || credit != 0);
        if (takes) assert (is_last ? group == LAST || group != 0 : group != LAST);

        // For the induction.
        if (is_result && begun) assert (credit >= (accepted ? LAST - group + 1 : 1));
        assert (due == (is_test || is_result ? group : 0) && group <= LAST);
        assert (group == 0 || tag_valid && (wanted || for_self_test));
        assert (!squash || !begun);
        if ($past(started && !flush)) assert (is_last == (group == LAST));
        assert (begun == (group != 0) && next <= LAST);
        assert (accepted == (group > LAST - `KEPT) && left == accepted);

        cover (sampled && number == LAST);
        cover (sampled && number == LAST && $past(sampled && number == LAST, `GROUPS));
        cover (taken && number == LAST && $past(taken && number == LAST, `GROUPS));
        cover (taken && last && number != LAST);
        cover (takes && !space);
        cover (is_test && !valid && group == 0);
        cover (leaves && !is_test && !is_result);
    end
endmodule
