// Packets of any length and with any null bytes: each gives one item or one fault, and items have the received bytes.
module check (
    input clk, input [`BITS-1:0] data, input [`BITS/8-1:0] keep, input last, valid, o_ready, restart
);
    localparam BEATS = `BEATS, USED = `USED;
    wire ready, o_valid, taken, completes, within, short, null, long, discarding;
    wire [1:0] position;
    wire [BEATS*`BITS:0] item;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .s__payload({last, keep, data}), .s__valid(valid), .s__ready(ready),
        .o__payload(item), .o__valid(o_valid), .o__ready(o_ready), .taken(taken), .completes(completes),
        .within_(within), .faults__short(short), .faults__null(null), .faults__long(long), .restart(restart),
        .withdraw(1'b0), .refuse(1'b0), .full(1'b0), .discarding(discarding), .position(position));

    // The packet as the protocol sees it: how many beats have come, and whether it was reported; whether an item waits.
    reg [3:0] beats = 0;
    reg discards = 0, waits = 0;
    wire step = valid && ready;
    wire fault = short || null || long;
    (* anyconst *) reg [$clog2(BEATS+1)-1:0] chosen;
    reg [`BITS-1:0] kept;
    wire whole = beats == BEATS - 1 ? &keep[USED-1:0] : &keep;

    always @(posedge clk) begin
        started <= 1;
        if (step) begin
            discards <= !last && (discards || fault);
            beats <= last ? 0 : beats == BEATS ? BEATS : beats + 1;
            if (beats == chosen) kept <= data;
        end
        waits <= step && last && beats == BEATS - 1 && whole && !discards || waits && !o_ready;
        // The next beat is the first of a packet; an item that waits stays.
        if (rst || restart) begin beats <= 0; discards <= 0; end
        if (rst) waits <= 0;
    end

    always @(posedge clk) if (started) begin
        // The sink accepts items at any time.

        // An item is offered from the cycle after the last beat of a correct packet, is stable, and has the received bytes.
        assert (o_valid == waits);
        if ($past(started) && $past(o_valid && !o_ready)) assert (o_valid && $stable(item));
        if (o_valid && chosen < BEATS) assert (item[chosen*`BITS +: `BITS] == kept);
        if (o_valid) assert (item[BEATS*`BITS]);

        // Every packet gives one item or is reported once, with the right fault, at the faulty beat.
        assert (short + null + long <= 2'd1);
        if (fault) assert (step && !discards);
        if (step && !discards && last && beats < BEATS - 1) assert (short);
        if (step && !discards && !whole && !(last && beats < BEATS - 1)) assert (null);
        if (step && !discards && !last && whole && beats == BEATS - 1) assert (long);
        assert (completes == (step && last && !discards && !fault));
        // Neither a fault nor the sink stalls the beats within a packet, and an item that leaves makes room at once.
        if (beats != 0 || o_ready) assert (ready);

        // For the induction.
        assert (beats <= BEATS);
        assert (!waits || beats == 0 && !discards);
        assert (within == (beats != 0));
        assert (discarding == discards);
        assert (beats < BEATS || discards);
        assert (discards || position == beats);
        assert (!discards || position == 0);
        if (!discards && chosen < beats) assert (item[chosen*`BITS +: `BITS] == kept);

        cover (o_valid && o_ready);
        cover (o_valid && !o_ready);
        cover (o_valid && step);
        cover (short);
        cover (null);
        cover (long);
        cover (discards && step && last);
    end
endmodule
