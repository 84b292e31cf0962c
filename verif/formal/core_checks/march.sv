// The self-test under any streams and any totals: every start gets one end and no other does, and a zeroize that ends has
// written zeros to every row of every bank, each before it went on, has read each of them afterwards, and reports any total
// that was not zero. Totals come of the vector that it has sent, from two cycles later on to those of the last columns, once
// each; see `samples.sv`.
module check (
    input clk, start, ready, load_ready, vector_ready, storing, sample, group, input [1:0] number, input [`TOTAL-1:0] totals
);
    localparam WAIT = 1, PREPARE = 2, MAKE = 3, SEND = 4, LOOK = 5, NEXT = 6, END = 7;
    wire running, active, done, failed, load_valid, vector_valid, bank, row;
    wire [72:0] load;
    wire [36:0] vector;
    // Within the design, once it is flattened.
    (* hierconn *) wire \dut.waits , \dut.prepares , \dut.begins , \dut.sends , \dut.samples , \dut.advances ;
    (* hierconn *) wire \dut.differed ;
    (* hierconn *) wire [5:0] \dut.memory_bist.sequencer.counter , \dut.memory_bist.sequencer.element ;
    (* hierconn *) wire [1:0] \dut.memory_bist.sequencer.current_program ;
    (* hierconn *) wire [2:0] \dut.memory_bist.sequencer.background ;
    (* hierconn *) wire [8:0] \dut.memory_bist.background.o ;
    (* hierconn *) wire [5:0] \dut.memory_bist.sequencer.step ;
    // Whether it reads, and whether it is dense.
    (* hierconn *) wire [1:0] \dut.step ;
    wire [2:0] state = \dut.waits ? WAIT : \dut.prepares ? PREPARE : \dut.begins ? MAKE : \dut.sends ? SEND
        : \dut.samples ? LOOK : \dut.advances ? NEXT : done ? END : 0;
    // A state at a time.
    wire [6:0] states = {\dut.waits , \dut.prepares , \dut.begins , \dut.sends , \dut.samples , \dut.advances , done};
    wire [5:0] counter = \dut.memory_bist.sequencer.counter , element = \dut.memory_bist.sequencer.element ;
    wire [1:0] current_program = \dut.memory_bist.sequencer.current_program ;
    wire [2:0] background = \dut.memory_bist.sequencer.background ;
    wire [5:0] step = \dut.memory_bist.sequencer.step ;
    wire [7:0] pattern = \dut.memory_bist.background.o [7:0];
    wire mask = \dut.memory_bist.background.o [8];
    wire restart = state == PREPARE;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .start(start), .program_(number), .ready(ready), .running(running),
        .takeover__active(active), .done(done), .failed(failed), .load__payload(load), .load__valid(load_valid),
        .load__ready(load_ready), .vector__payload(vector), .vector__valid(vector_valid),
        .vector__ready(vector_ready), .bank(bank), .row(row), .storing(storing), .sample(sample), .group(group),
        .totals(totals));

    // One row of all, and its state; the program that was started.
    (* anyconst *) reg the_bank, the_row;
    reg open = 0, zeroizes = 0, written = 0, asked = 0, was_read = 0, spoilt = 0, was_spoilt = 0;
    // A vector was sent, and has not given its last totals.
    reg sent = 0, in_flight = 0;
    wire reads = \dut.step [0];
    wire here = bank == the_bank && row == the_row;
    wire beyond = {bank, row} > {the_bank, the_row};

    always @(posedge clk) begin
        started <= 1;
        if (load_valid && load_ready && here) written <= load[15:0] == 0;
        if (restart) asked <= 0;
        if (vector_valid && vector_ready && vector[36]) asked <= 1;
        if (asked && state == LOOK && sample && group && here) was_read <= written;
        if (sample && here && totals != 0) spoilt <= 1;
        sent <= vector_valid && vector_ready && vector[36];
        in_flight <= sent || in_flight && !(sample && group);
        was_spoilt <= spoilt;
        if (done) open <= 0;
        if (start && !running) begin
            open <= 1; zeroizes <= number == 0; written <= 0; asked <= 0; was_read <= 0; spoilt <= 0;
            was_spoilt <= 0;
        end
        if (rst) begin open <= 0; zeroizes <= 0; sent <= 0; in_flight <= 0; end
    end

    always @(posedge clk) if (started) begin
        assume (!sample || in_flight);
        // Every total is sampled in the one state in which it is looked at, and a row that was sent is stored before
        // what follows it begins.
        assert (!sample || state == LOOK);
        assert (in_flight == (state == LOOK && asked) && sent == (state == SEND && asked));
        if ($past(started) && $past(state == LOOK && !reads && storing)) assert (state == LOOK);
        if (vector_valid) assert (reads && !asked);
        if (asked && state != PREPARE && open) assert (reads);
        if (state == MAKE) assert (!asked);
        assert (running == open);
        assert (running == |states && (states & states - 1'b1) == 0);
        if (state != SEND) assert (!load_valid && !vector_valid);
        // Its sources are let go a cycle after its end.
        assert (!active || open || $past(done));
        if (done) assert (open && active);
        if (zeroizes && open) begin
            if (load_valid) assert (load[63:0] == 0 && load[72]);
            if (vector_valid) assert (vector[31:0] == (row ? 32'h100 : 32'h1) && vector[36]);
            if (done) assert (written && was_read && (!spoilt || failed));

            // Invariants for the induction.
            assert (state >= WAIT && state <= END);
            assert (current_program == 0 && background == 0);
            if (state >= MAKE) assert (pattern == 0 && mask == 0);
            if (state >= MAKE && state != END) assert (\dut.step == {step[5], step[0]});
            if (state == SEND) assert (load[63:0] == 0 && vector[31:0] == (row ? 32'h100 : 32'h1));
            assert (!was_spoilt || failed);
            assert (!spoilt || was_spoilt || \dut.differed );
            if (state == WAIT) assert (counter == 0 && {bank, row} == 0);
            if (state != END) begin
                assert (counter <= 1 && element == counter);
                if (counter == 0) begin
                    assert (written == (beyond || here && (state >= LOOK || state == SEND && !load_valid)));
                    assert (!was_read);
                end else begin
                    assert (written);
                    assert (was_read == (beyond || here && state == NEXT));
                end
                if (state == MAKE || state == WAIT) assert (!asked);
                if (state == SEND) assert (asked == (counter == 1 && !vector_valid));
                if (state == SEND) assert (load_valid <= (counter == 0) && vector_valid <= (counter == 1));
                if (state == LOOK) assert (asked == (counter == 1));
            end else
                assert (written && was_read && counter == 2);
        end
    end

    always @(posedge clk) if (started) begin
        cover (done && zeroizes && !failed);
        cover (done && zeroizes && spoilt);
        cover (done && !zeroizes);
    end
endmodule
