// The tracker with any vectors, at most as many as the macro and what is before it hold: it keeps one tag for each, and shows the
// oldest three cycles after its vector arrived at the latest.
module check (
    input clk, arrives, input [`TAG-1:0] tag, input ready, squash, ended, ended_set
);
    wire accepts, valid, empty, entered, enters;
    wire [`TAG-1:0] shown;
    wire [1:0] set_used;
    wire [`LEVEL-1:0] fifo_inner_level;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .i__valid(arrives), .i__payload(tag), .i__ready(accepts), .o__valid(valid),
        .o__payload(shown), .o__ready(ready), .squash(squash), .ended(ended), .ended_set(ended_set), .empty(empty),
        .entered(entered), .set_used(set_used), .enters(enters), .fifo_inner_level(fifo_inner_level));

    // Vectors that have a tag, and those that arrived in the last three cycles.
    reg [7:0] held = 0;
    reg [2:0] recent = 0;
    wire leaves = valid && ready;

    always @(posedge clk) begin
        started <= 1;
        held <= rst ? 0 : held + arrives - leaves;
        recent <= rst ? 0 : {recent, arrives};
    end

    always @(posedge clk) if (started) begin
        assume (!arrives || held < `IN_FLIGHT);

        assert (accepts);
        // The queue has room for each, and gives no other.
        if (enters) assert (fifo_inner_level < `IN_FLIGHT - 1);
        assert (held == fifo_inner_level + valid + enters);
        if (held > recent[0] + recent[1] + recent[2]) assert (valid);
        if (empty) assert (held == 0);
        if ($past(started) && $past(valid && !ready)) assert (valid && $stable(shown));

        // For the induction.
        assert (enters == recent[0] && held <= `IN_FLIGHT);
        assert (valid || fifo_inner_level <= recent[1]);

        cover (held == `IN_FLIGHT);
        cover (leaves && arrives && held > 2);
        cover ($past(valid, 2) && empty);
    end
endmodule
