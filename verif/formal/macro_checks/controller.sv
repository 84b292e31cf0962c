// The controller with any vectors, writes, stalls and resets. One vector is picked at will and followed from stage to
// stage: vectors ahead of it come out before it, it comes out once, and its bank is not written meanwhile.
module check (
    input clk, rst, i_valid, input [`DESCRIPTOR-1:0] descriptor, input write_bank, write_valid, busy, o_ready,
    input [`BITS-1:0] top, input pick
);
    localparam BITS = `BITS, STAGES = `STAGES, BANK = $clog2(`BITS + 1), HOLD_CYCLES = `HOLD_CYCLES;
    wire i_ready, write_ready, wanted, wanted_bank, o_valid, load, dispatch, enable, drives, taken_in;
    wire [BITS-1:0] select, first;
    // Where a vector's last plane is: on the wordlines, in the blocks, and on to the register before the output.
    wire [STAGES-1:0] stages;
    wire [1:0] fuse_load;
    // Banks on their way behind the waiting vector's: driven, on the wordlines, and for the cycles that they are held.
    wire [HOLD_CYCLES+1:0] banks;
    wire on_wordlines, started_dut, accumulates;
    wire [HOLD_CYCLES-1:0] hold;
    reg started = 0;

    `DUT dut (.clk(clk), .rst(rst), .i_valid(i_valid), .descriptor(descriptor), .write_bank(write_bank),
        .write_taken(write_valid && write_ready), .busy(busy), .o_ready(o_ready), .top(top), .i_ready(i_ready),
        .write_ready(write_ready), .wanted(wanted), .wanted_bank(wanted_bank), .o_valid(o_valid), .load(load),
        .dispatch(dispatch), .select(select), .enable(enable), .fuse_load(fuse_load), .stages(stages), .banks(banks),
        .first_plane(first), .drives(drives), .on_wordlines(on_wordlines), .hold(hold), .started(started_dut),
        .accumulates(accumulates)
`ifdef LATE
        , .waited(waited), .next_last(next_last), .index(index), .blank(blank), .is_calibration(is_calibration));
    localparam LATE = 1;
    wire waited, next_last, blank, is_calibration;
    wire [$clog2(BITS)-1:0] index;
    // Registers that say what is known otherwise too; before the first plane is the calibration plane.
    wire foreseen = (!waited || wanted && !dispatch) && (!drives || next_last == ((first[0] | select >> 1) & 1'b1)
        && (select | first) == 1 << index && is_calibration == (select == 0) && blank == (select == 0 && enable));
`else
    );
    localparam LATE = 0;
    wire foreseen = 1;
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
    wire accepted = i_valid && i_ready, delivered = o_valid && o_ready, last = select[0] && enable;
    reg [5:0] inside, ahead;
    reg any, waits, driven, out;
    reg [STAGES-1:0] at;
    reg bank;
    wire followed = waits || driven || |at || out;
    always @(posedge clk) begin
        started <= 1;
        inside <= inside + accepted - delivered;
        any <= any || accepted;
        keeps <= rst ? 0 : delivered ? `INTERVAL - 1 : keeps - (keeps != 0);
        waits <= accepted && pick && !followed || waits && !dispatch;
        driven <= waits && dispatch || driven && !last;
        if (enable) at <= {at, driven && last};
        out <= enable && at[STAGES-1] || out && !o_ready;
        if (accepted && pick && !followed) begin
            ahead <= inside - delivered;
            bank <= descriptor[BANK];
        end else ahead <= ahead - (delivered && !out && followed);
        if (rst) begin inside <= 0; any <= 0; waits <= 0; driven <= 0; at <= 0; out <= 0; ahead <= 0; end
    end

    // What holds in every state that can be reached.
    wire counted = inside == wanted + drives + ones(stages) + o_valid;
    wire followed_once = waits + driven + ones(at) + out <= 1;
    wire marked = (!waits || wanted && wanted_bank == bank) && (!driven || drives && banks[0] == bank)
        && (at & ~stages) == 0 && (!out || o_valid);
    // Those that are ahead are the valid stages beyond its own.
    wire [STAGES-1:0] beyond = waits || driven ? {STAGES{1'b1}} : ~(at | at - 1'b1);
    wire in_order = !followed || ahead == (waits ? drives : 0) + (out ? 0 : ones(stages & beyond) + o_valid);
    wire one_plane = !drives || {select, first} != 0 && ({select, first} & ({select, first} - 1'b1)) == 0;
    // With an interval of 3 a vector is accepted only after it has been offered for a cycle.
    reg offered = 0, was_valid = 0;
    always @(posedge clk) begin
        offered <= i_valid && !i_ready && !rst;
        was_valid <= o_valid && !rst;
    end
    wire handed_over = i_ready == ((!wanted || dispatch) && (offered || !LATE)) && (!dispatch || wanted && (!drives || last));
    wire kept = (!at[0] || on_wordlines && banks[1] == bank) && (!at[1] || hold[0] && banks[2] == bank);
    wire begun = started_dut == any;
    // With an interval of 3 it stalls behind a result that may have been accepted in the cycle before, no earlier.
    wire moves = enable || stages[STAGES-1] && (o_valid || LATE && was_valid);
    wire sound = counted && followed_once && marked && in_order && one_plane && handed_over && kept && begun && moves && foreseen;

    always @(posedge clk) begin
        assume (top != 0 && (top & (top - 1'b1)) == 0);
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
            assert (!(fuse_load[1] && o_valid && !o_ready));
            // From its acceptance until its last plane has been read.
            if (waits || driven || at[0] || at[1]) assert (!(write_ready && write_bank == bank));
            // A reset empties everything, and the next vector has no total to add to.
            if ($past(rst)) assert (i_ready == !LATE && !o_valid && !wanted && !drives && stages == 0 && !any && write_ready);
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
    reg [5:0] age = 0;
    always @(posedge clk) begin
        age <= age + 1;
        if (age == `WITHIN) assert (!followed);
    end
`endif
endmodule
