// Packets of many items of either kind, each offered a cycle after its last beat: items have the received bytes and are not
// faulty, and a packet is reported once at most, whatever the sink and whenever a restart comes.
module check (
    input clk, input [`BITS-1:0] data, input [`BITS/8-1:0] keep, input last, valid, kind, full, refuse, o_ready, restart
);
    // The bytes of the last beat that belong to an item.
    localparam [3:0] KEPT_0 = (1 << `USED_0) - 1, KEPT_1 = (1 << `USED_1) - 1;
    wire ready, o_valid, pending, taken, completes, within, refused, short, null, long, discarding;
    wire [1:0] position;
    wire [(`BEATS_0+`BEATS_1)*`BITS:0] item;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .s__payload({last, keep, data}), .s__valid(valid), .s__ready(ready), .kind(kind),
        .restart(restart), .withdraw(restart), .refuse(refuse), .full(full), .o__ready(o_ready), .o__payload(item),
        .o__valid(o_valid), .pending(pending), .taken(taken), .completes(completes), .within_(within), .refused(refused),
        .faults__short(short), .faults__null(null), .faults__long(long), .discarding(discarding), .position(position));

    // The packet as the protocol sees it: beats of the item that came, and whether the packet was reported.
    reg [1:0] beats = 0;
    reg discards = 0, begun = 0;
    // An item waits, and is the last of its packet.
    reg waits = 0, is_last;
    (* anyconst *) reg [1:0] chosen;
    reg [`BITS-1:0] kept;
    wire step = valid && ready;
    wire [2:0] length = kind ? `BEATS_1 : `BEATS_0;
    wire at_end = beats == length - 1;
    wire [3:0] needed = !at_end ? 4'hf : kind ? KEPT_1 : KEPT_0;
    wire is_short = last && !at_end, is_null = (keep & needed) != needed;
    wire faulty = refuse || is_short || is_null || full;
    wire [2:0] reports = refused + short + null + long;
    wire [`BITS-1:0] offered = kind ? item[`BEATS_0*`BITS + 1 + chosen*`BITS +: `BITS] : item[chosen*`BITS +: `BITS];
    wire ends = step && !discards && !faulty && at_end;

    always @(posedge clk) begin
        started <= 1;
        waits <= ends || waits && !o_ready && !refuse;
        if (waits && refuse) discards <= begun;
        if (step) begin
            begun <= !last;
            discards <= !last && (discards || faulty);
            beats <= discards || faulty || at_end ? 0 : beats + 1;
            is_last <= last;
            if (beats == chosen) kept <= data;
        end
        // What came before does not count, and the next beat is the first of a packet.
        if (rst || restart) begin beats <= 0; discards <= 0; begun <= 0; waits <= 0; end
    end

    always @(posedge clk) if (started) begin
        if (begun || waits) assume ($stable(kind) || $past(restart));

        // An item is offered from the cycle after its last beat, unless it is refused; it has the received bytes, and stays.
        assert (pending == waits && o_valid == (waits && !refuse));
        if (waits && chosen < length) assert (offered == kept);
        if (waits) assert (item[`BEATS_0*`BITS] == is_last);
        if ($past(started) && $past(o_valid && !o_ready && !restart)) assert (refuse || o_valid && $stable(item));
        // None is offered that came before a restart.
        if ($past(restart)) assert (!o_valid);
        // No beat is held up, but while an item waits.
        assert (ready == !waits);

        // Every beat is part of an item or is reported, with the right fault, and the rest of its packet is dropped; so is
        // that of an item which is refused while it waits.
        assert (reports <= 1 && (reports == 0) == !(step && !discards && faulty || waits && refuse));
        if (refused) assert (refuse);
        if (short) assert (is_short && !refuse);
        if (null) assert (is_null && !is_short && !refuse);
        if (long) assert (!is_null && !is_short && !refuse);
        assert (completes == ends);
        assert (taken == (step && !discards && !faulty));

        // For the induction.
        assert (within == begun && discarding == discards && (!discards || begun));
        assert (position == beats);
        assert (!discards && !waits || beats == 0);
        assert (!discards || !waits);
        assert (begun || beats == 0);
        if (kind == 0) assert (beats < `BEATS_0);
        if (chosen < beats) assert (offered == kept);

        cover (o_valid && o_ready && $past(o_valid && o_ready && !is_last, 2) && !kind);
        cover (o_valid && o_ready && kind && !is_last);
        cover (o_valid && !o_ready);
        cover (refused && waits && begun);
        cover (refused && waits && !begun);
        cover (short);
        cover (null && at_end);
        cover (long && !last);
        cover (waits && restart);
    end
endmodule
