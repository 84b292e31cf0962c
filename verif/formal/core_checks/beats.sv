// The packer behind a requantizer, and any acceptor of beats: each vector's last group completes a beat that is marked as the last
// of its packet, each other group its part of a beat, and there is room for each beat.
module check (
    input clk, taken, taken_last, input [`RESULTS-1:0] results, input ready
);
    localparam LAST = `GROUPS - 1, LATENCY = `LATENCY;
    wire space, busy, valid, writes, writes_last;
    wire [`BEAT-1:0] payload;
    wire [`POSITION-1:0] position, promised;
    wire signed [7:0] room;
    wire [`LEVEL-1:0] fifo_inner_level;
    reg started = 0;
    wire rst = !started;

    // Groups on their way through the requantizer, the newest lowest.
    reg [LATENCY-1:0] on_way = 0, on_way_last = 0;

    `DUT dut (.clk(clk), .rst(rst), .i__taken(taken), .i__taken_last(taken_last), .i__space(space), .busy(busy),
        .i__valid(on_way[LATENCY-1]), .i__last(on_way_last[LATENCY-1]), .i__results(results), .o__ready(ready), .o__valid(valid),
        .o__payload(payload), .left_over(room), .position(position), .promised(promised), .writes(writes), .writes_last(writes_last),
        .fifo_inner_level(fifo_inner_level));

    // Number of the group that is taken next, and how many may be taken without space after one that was taken with it.
    reg [7:0] number = 0;
    reg [7:0] credit = 0;

    always @(posedge clk) begin
        started <= 1;
        on_way <= rst ? 0 : {on_way, taken};
        on_way_last <= {on_way_last, taken_last};
        if (rst) begin
            number <= 0;
            credit <= 0;
        end else if (taken) begin
            number <= taken_last ? 0 : number + 1;
            credit <= taken_last ? 0 : space ? `CREDIT : credit - 1;
        end
    end

    // The beats that the groups on their way complete, but for the newest, which is not counted yet, and where they lead to.
    reg [7:0] place, beats;
    // The same of the newest, and at most of those that may be taken without space, of which one may be the last of its vector.
    reg [7:0] newest_place, newest_beats, worst;
    integer i;
    always @* begin
        place = position;
        beats = 0;
        for (i = LATENCY - 1; i > 0; i = i - 1) if (on_way[i]) begin
            if (on_way_last[i] || place == `PARTS - 1) beats = beats + 1;
            place = on_way_last[i] || place == `PARTS - 1 ? 0 : place + 1;
        end
        newest_place = place;
        newest_beats = 0;
        if (on_way[0]) begin
            if (on_way_last[0] || place == `PARTS - 1) newest_beats = 1;
            newest_place = newest_beats ? 0 : place + 1;
        end
        worst = credit == 0 ? 0 : newest_place + credit - 1 >= `PARTS ? (newest_place + credit - 1) / `PARTS + 1 : 1;
    end

    wire [7:0] level = fifo_inner_level + valid;

    always @(posedge clk) if (started) begin
        // What `groups` says of the requantizer.
        assume (!taken || space || credit != 0);
        assume (!taken || number != LAST || taken_last);
        assume (!taken_last || number == LAST || number != 0);

        assert (writes == (on_way[LATENCY-1] && (on_way_last[LATENCY-1] || position == `PARTS - 1)));
        if (writes) assert (writes_last == on_way_last[LATENCY-1] && fifo_inner_level < `DEPTH - 1);

        // For the induction.
        assert (number <= LAST && credit <= `CREDIT);
        assert (number != 0 || credit == 0);
        assert (position <= `PARTS - 1 && promised == place);
        assert (valid || fifo_inner_level <= 1);
        assert (space == (room >= 0));
        assert ($signed({1'b0, level}) + $signed({1'b0, beats}) + room == `DEPTH - `BEYOND);
        assert (room - $signed({1'b0, newest_beats}) - $signed({1'b0, worst}) >= -`BEYOND);

        cover (writes && writes_last && valid && !ready);
        cover (taken && !space && taken_last);
`ifdef FULL
        // No room is without use.
        cover (writes && writes_last && level == `DEPTH - 1);
        cover (valid && !ready && writes && !space);
`endif
    end
endmodule
