// Packets of many items of either kind, each looked at for a cycle before it is offered: items have the received bytes and
// are not faulty, and a packet is reported once at most, whatever the sink and whenever a restart comes.
module check (
    input clk, input [`BITS-1:0] data, input [`BITS/8-1:0] keep, input last, valid, kind, full, refuse, o_ready, restart
);
    // The bytes of the last beat that belong to an item.
    localparam [3:0] KEPT_0 = (1 << `USED_0) - 1, KEPT_1 = (1 << `USED_1) - 1;
    wire ready, o_valid, taken, within, refused, short, null, long, discarding, is_good, passes;
    wire [1:0] position;
    wire [(`BEATS_0+`BEATS_1)*`BITS:0] item;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .s__payload({last, keep, data}), .s__valid(valid), .s__ready(ready), .kind(kind),
        .restart(restart), .refuse(refuse), .full(full), .o__ready(o_ready), .o__payload(item), .o__valid(o_valid),
        .taken(taken), .within_(within), .refused(refused), .faults__short(short), .faults__null(null),
        .faults__long(long), .discarding(discarding), .position(position), .is_good(is_good), .passes(passes));

    // The packet as the protocol sees it: beats of the item that came, and whether the packet was reported.
    reg [1:0] beats = 0;
    reg discards = 0, begun = 0;
    // Since when the beat waits.
    reg waited = 0;
    (* anyconst *) reg [1:0] chosen;
    reg [`BITS-1:0] kept;
    wire step = valid && ready;
    wire at_end = beats == (kind ? `BEATS_1 : `BEATS_0) - 1;
    wire [3:0] needed = !at_end ? 4'hf : kind ? KEPT_1 : KEPT_0;
    wire is_short = last && !at_end, is_null = (keep & needed) != needed;
    wire faulty = refuse || is_short || is_null || full;
    wire [2:0] reports = refused + short + null + long;
    wire [`BITS-1:0] offered = kind ? item[`BEATS_0*`BITS + 1 + chosen*`BITS +: `BITS] : item[chosen*`BITS +: `BITS];

    always @(posedge clk) begin
        started <= 1;
        if (step) begin
            begun <= !last;
            discards <= !last && (discards || faulty);
            beats <= discards || faulty || at_end ? 0 : beats + 1;
            if (beats == chosen) kept <= data;
        end
        waited <= valid && !ready && !restart && !rst;
        // What came before does not count, and the next beat is the first of a packet.
        if (rst || restart) begin beats <= 0; discards <= 0; begun <= 0; end
    end

    always @(posedge clk) if (started) begin
        // A beat waits as it is, and so does what it is for; only a restart ends that.
        if (waited) assume (valid && $stable(data) && $stable(keep) && $stable(last) && $stable(full) && $stable(kind));
        if (waited && $past(refuse)) assume (refuse);
        if (begun) assume ($stable(kind) || $past(restart));

        // An item that is offered is not faulty, has the received bytes, and stays unless it is refused.
        if (o_valid) assert (valid && at_end && !discards && !faulty);
        if (o_valid && chosen < beats) assert (offered == kept);
        if (o_valid && chosen == beats) assert (offered == data);
        if (waited && $past(o_valid)) assert (refuse || o_valid && $stable(item));
        // None is offered that was looked at before a restart.
        if ($past(restart)) assert (!o_valid);
        // It is offered in its second cycle, if nothing is wrong; a beat with a fault is not held up.
        if (waited) assert (ready || o_valid || refuse && !$past(refuse));
        if (valid && (discards || !at_end)) assert (ready);

        // Every beat is part of an item or is reported, with the right fault, and the rest of its packet is dropped.
        assert (reports <= 1 && (reports == 0) == !(step && !discards && faulty));
        if (refused) assert (refuse);
        if (short) assert (is_short && !refuse);
        if (null) assert (is_null && !is_short && !refuse);
        if (long) assert (!is_null && !is_short && !refuse);
        if (step && !discards && !faulty && at_end) assert (o_valid && o_ready);
        assert (taken == (step && !discards && !faulty));

        // For the induction.
        assert (within == begun && discarding == discards && (!discards || begun));
        assert (position == beats);
        assert (!discards || beats == 0);
        assert (begun || beats == 0);
        if (kind == 0) assert (beats < `BEATS_0);
        assert (!(is_good && passes) && (is_good || passes) == (waited && !discards && at_end));
        if (waited) assert (at_end && !discards && passes == $past(faulty));
        if (chosen < beats) assert (offered == kept);

        cover (o_valid && o_ready && $past(o_valid && o_ready && !last, 2) && !kind);
        cover (o_valid && o_ready && kind && !last);
        cover (o_valid && !o_ready);
        cover (refused && $past(o_valid));
        cover (short);
        cover (null && at_end);
        cover (long && !last);
        cover (valid && $past(restart) && $past(valid && at_end && !ready && faulty) && at_end && !faulty);
    end
endmodule
