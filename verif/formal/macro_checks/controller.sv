// The controller with any vectors, writes, stalls and resets. One vector is picked at will and followed from stage to
// stage: vectors ahead of it come out before it, it comes out once, and its bank is not written meanwhile.
module check (
    input clk, rst, i_valid, input [`DESCRIPTOR-1:0] descriptor, input write_bank, write_valid, busy, o_ready,
    input [`BITS-1:0] top, input [$clog2(`BITS)-1:0] highest, input pick
);
    localparam BITS = `BITS, STAGES = `STAGES, BANK = $clog2(`BITS + 1), HOLD_CYCLES = `HOLD_CYCLES;
    wire i_ready, write_ready, wanted, wanted_bank, o_valid, load_ahead, dispatch, enable, drives, taken_in;
    // Planes that the driven vector still has.
    wire [4:0] left;
    // Where a vector's last plane is: on the wordlines, in the blocks, and on to the register before the output.
    wire [STAGES-1:0] stages;
    // When the blocks load a total: a cycle after they are told, or two with a broadcast.
    reg [1:0] told = 0;
    always @(posedge clk) told <= rst ? 0 : {told[0], load_ahead};
    wire loads = told[`BROADCAST];
    // The last register: of the fused columns, or of the blocks.
`ifdef FUSED
    wire [1:0] fuse_load;
    wire changes_output = fuse_load[1];
`else
    wire changes_output = loads;
`endif
    // Banks on their way behind the waiting vector's: driven, on the wordlines, and for the cycles that they are held.
    wire [HOLD_CYCLES+1:0] banks;
    wire on_wordlines, started_dut, accumulates;
    wire [HOLD_CYCLES-1:0] hold;
    reg started = 0;
    // Whether there was a result so many cycles before.
    reg was_valid = 0, had_been_valid = 0;
    always @(posedge clk) begin
        was_valid <= o_valid && !rst;
        had_been_valid <= was_valid && !rst;
    end

    `DUT dut (.clk(clk), .rst(rst), .i_valid(i_valid), .descriptor(descriptor), .write_bank(write_bank),
        .write_taken(write_valid && write_ready), .busy(busy), .o_ready(o_ready), .i_ready(i_ready),
        .write_ready(write_ready), .wanted(wanted), .wanted_bank(wanted_bank), .o_valid(o_valid),
        .dispatch(dispatch), .enable(enable), .stages(stages), .banks(banks),
`ifdef FUSED
        .fuse_load(fuse_load),
`endif
        .drives(drives), .on_wordlines(on_wordlines), .hold(hold), .started(started_dut), .accumulates(accumulates),
        .load_ahead(load_ahead),
`ifdef DEEP
        .arrived(arrived), .arrival_bank(arrival_bank), .waited(waited), .will_dispatch(will_dispatch), .is_calibration(is_calibration),
        .following(following), .steps(steps),
        .enable_1(enable_1), .enable_2(enable_2), .highest(highest), .will_move(will_move), .move(move), .index(index),
        .will_blank(will_blank));
    localparam DEEP = 1;
    wire arrived, arrival_bank, waited, will_dispatch, is_calibration, enable_1, enable_2, will_move, move, will_blank;
    wire [$clog2(BITS)-1:0] index, following;
    wire steps;
    assign left = drives ? index + is_calibration + 1 : 0;
    // What is decided ahead comes true.
    wire one_plane = !drives || index < BITS && following == index - 2'b1 && steps == (enable && !is_calibration);
    // The planes come in order, from the highest down.
    always @(posedge clk) if (started && !rst && !$past(rst) && $past(started))
        assert (!drives || index == ($past(dispatch) ? $past(highest) : $past(index) - $past(enable && !is_calibration)));
    wire foreseen = (!waited || wanted && !dispatch)
        && (!will_dispatch || wanted && !dispatch && (left == 0 || left <= 2 && enable && enable_1))
        && (!move || arrived && (!wanted || dispatch)) && stalls_rightly;
    // A result that arrives now, in the next cycle, in the one after: only if none is at the output, or arrives before.
    wire [2:0] tail = {stages[STAGES-3], stages[STAGES-2], stages[STAGES-1]};
    wire [2:0] tail_1 = enable ? tail >> 1 : tail, tail_2 = enable_1 ? tail_1 >> 1 : tail_1;
    wire arrives_0 = enable && tail[0], arrives_1 = enable_1 && tail_1[0], arrives_2 = enable_2 && tail_2[0];
    wire stalls_rightly = !(arrives_0 && o_valid) && !(arrives_1 && (o_valid || arrives_0))
        && !(arrives_2 && (o_valid || arrives_0 || arrives_1))
        && (enable_1 || tail_1[0] && (o_valid || was_valid || arrives_0))
        && (enable_2 || tail_2[0] && (o_valid || arrives_0 || arrives_1));
    wire accepts = !arrived;
    always @(posedge clk) assume (highest < BITS);
`else
        .top(top), .select(select), .first_plane(first));
    localparam DEEP = 0;
    wire [BITS-1:0] select, first;
    wire arrived = 0, arrival_bank = 0, move = 1;
    assign left = !drives ? 0 : select[0] ? 1 : 2;
    // One-hot; the calibration plane goes before the first one.
    wire one_plane = !drives || {select, first} != 0 && ({select, first} & ({select, first} - 1'b1)) == 0;
    wire foreseen = 1;
    wire accepts = !wanted || dispatch;
    always @(posedge clk) assume (top != 0 && (top & (top - 1'b1)) == 0);
`endif

    function [5:0] ones(input [STAGES-1:0] bits);
        integer i;
        begin
            ones = 0;
            for (i = 0; i < STAGES; i = i + 1) ones = ones + bits[i];
        end
    endfunction

    // Cycles for which the output is as it was, after a result was accepted: the next is not loaded.
    reg [1:0] keeps = 0;
    wire accepted = i_valid && i_ready, delivered = o_valid && o_ready, last = left == 1 && enable;
    reg [5:0] inside, ahead;
    reg any, arrives, waits, driven, out;
    reg [STAGES-1:0] at;
    reg bank;
    wire followed = arrives || waits || driven || |at || out;
    always @(posedge clk) begin
        started <= 1;
        inside <= inside + accepted - delivered;
        any <= any || accepted;
        keeps <= rst ? 0 : delivered ? `INTERVAL - 1 : keeps - (keeps != 0);
        if (DEEP) arrives <= accepted && pick && !followed || arrives && !move;
        else arrives <= 0;
        waits <= (DEEP ? arrives && move : accepted && pick && !followed) || waits && !dispatch;
        driven <= waits && dispatch || driven && !last;
        if (enable) at <= {at, driven && last};
        out <= enable && at[STAGES-1] || out && !o_ready;
        if (accepted && pick && !followed) begin
            ahead <= inside - delivered;
            bank <= descriptor[BANK];
        end else ahead <= ahead - (delivered && !out && followed);
        if (rst) begin inside <= 0; any <= 0; arrives <= 0; waits <= 0; driven <= 0; at <= 0; out <= 0; ahead <= 0; end
    end

    // What holds in every state that can be reached.
    wire counted = inside == arrived + wanted + drives + ones(stages) + o_valid;
    wire followed_once = arrives + waits + driven + ones(at) + out <= 1;
    wire marked = (!arrives || arrived && arrival_bank == bank) && (!waits || wanted && wanted_bank == bank)
        && (!driven || drives && banks[0] == bank) && (at & ~stages) == 0 && (!out || o_valid);
    // Those that are ahead are the valid stages beyond its own.
    wire [STAGES-1:0] beyond = arrives || waits || driven ? {STAGES{1'b1}} : ~(at | at - 1'b1);
    wire in_order = !followed || ahead == (arrives ? wanted : 0) + (arrives || waits ? drives : 0) + (out ? 0 : ones(stages & beyond) + o_valid);
    wire handed_over = i_ready == accepts && (!dispatch || wanted && (!drives || last));
    reg kept;
    integer held;
    always @* begin
        kept = !at[0] || on_wordlines && banks[1] == bank;
        for (held = 0; held < HOLD_CYCLES; held = held + 1)
            if (at[held + 1] && !(hold[held] && banks[held + 2] == bank)) kept = 0;
    end
    wire begun = started_dut == any;
    // With an interval of 4 it stalls behind a result that may have been accepted in the two cycles before, no earlier.
    wire moves = enable || stages[STAGES-1] && (o_valid || DEEP && (was_valid || had_been_valid));
    wire sound = counted && followed_once && marked && in_order && one_plane && handed_over && kept && begun && moves && foreseen;

    always @(posedge clk) begin
`ifdef WITHIN
        // From each such state, with results accepted and tables complete, the vector comes out within so many cycles.
        // The invariants, proved for all states, are assumed here.
        assume (!rst && o_ready && !busy && !pick && sound);
        if (!started) begin
            assume (followed);
            cover (waits && drives && stages[STAGES-1]);
        end
`else
        if (!started) assume (rst);
        else begin
            assert (counted);
            assert (followed_once);
            assert (marked);
            assert (in_order);
            assert (one_plane);
            assert (handed_over);
            assert (kept);
            assert (begun);
            assert (moves);
            assert (foreseen);
            // A result comes out after all before it, and is stable until accepted.
            if (out && delivered) assert (ahead == 0 && inside >= 1);
            if (inside == 0) assert (!o_valid);
            assert (keeps < `INTERVAL && (keeps == 0 || !o_valid));
            if ($past(started) && !$past(rst) && $past(o_valid && !o_ready)) assert (o_valid);
            assert (!(changes_output && o_valid && !o_ready));
            // The blocks load a total in just the cycle in which its vector's last plane leaves the accumulators.
            assert ((loads && enable) == (stages[`COMPLETE] && enable));
            if (`INTERVAL > 1) assert (!loads || enable);
            // From its acceptance until its last plane has been read.
            if (arrives || waits || driven || at[HOLD_CYCLES:0] != 0) assert (!(write_ready && write_bank == bank));
            // A reset empties everything, and the next vector has no total to add to.
            if ($past(rst)) assert (i_ready && !o_valid && !arrived && !wanted && !drives && stages == 0 && !any && write_ready);
            if ($past(started) && !$past(rst) && $past(accepted && !any)) assert (!accumulates);

            cover (out && delivered && inside > 4);
            cover (waits && drives && on_wordlines && stages[STAGES-1] && o_valid && !o_ready);
            cover (at[1] && !write_ready && write_bank == bank && wanted && wanted_bank != bank);
            cover ($past(rst) && $past(inside) > 3);
            cover (accumulates && wanted && inside > 1);
            cover (driven && busy && wanted && !dispatch && last);
        end
`endif
    end
`ifdef WITHIN
    reg [7:0] age = 0;
    always @(posedge clk) begin
        age <= age + 1;
        if (age == `WITHIN) assert (!followed);
    end
`endif
endmodule
