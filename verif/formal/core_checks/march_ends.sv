// The self-test with any program, streams, samples and starts: however long it waits for each of what it waits for, it
// ends. While a program runs, every cycle in which it waits for nothing is one of a number that is known at its start:
// `left` operations, and in each of them beats to send. What it waits for is all that is named in `waits`.
module check (
    input clk, start, ready, load_ready, vector_ready, storing, sample, input [`GROUP-1:0] group, input [1:0] number,
    input [`TOTALS-1:0] totals
);
    localparam IDLE = 0, WAIT = 1, PREPARE = 2, MAKE = 3, SEND = 4, LOOK = 5, NEXT = 6, END = 7;
    localparam ROWS = `ROWS, BANKS = `BANKS, CELLS = ROWS * BANKS, OPERATIONS = `OPERATIONS, BEATS = `BEATS, W = 20;
    // Of each operation, by its number, the last one highest: its program; the first operation of its element; how many
    // operations its element has, how many of them come after it, and how many there are in later elements; whether its
    // rows come in falling order. Of each program: how many operations it has for a row, and how often it runs.
    localparam [8*OPERATIONS-1:0] PROGRAM = `PROGRAM, FIRST = `FIRST, LENGTH = `LENGTH, AFTER = `AFTER, LATER = `LATER;
    localparam [8*OPERATIONS-1:0] DOWN = `DOWN;
    localparam [31:0] EACH = `EACH, RUNS = `RUNS;
    wire running, active, done, abort, load_valid, vector_valid;
    wire [`BANK-1:0] bank;
    wire [`ROW-1:0] row;
    // Within the design, once it is flattened.
    (* hierconn *) wire \dut.waits , \dut.prepares , \dut.begins , \dut.sends , \dut.samples , \dut.advances ;
    (* hierconn *) wire [10:0] \dut.waited ;
    (* hierconn *) wire [`BEAT-1:0] \dut.beat ;
    (* hierconn *) wire [5:0] \dut.memory_bist.sequencer.counter , \dut.memory_bist.sequencer.element ;
    (* hierconn *) wire [5:0] \dut.memory_bist.sequencer.step ;
    // Whether it reads, and whether it is dense.
    (* hierconn *) wire [1:0] \dut.step ;
    (* hierconn *) wire [1:0] \dut.memory_bist.sequencer.current_program ;
    (* hierconn *) wire [2:0] \dut.memory_bist.sequencer.background ;
    wire [2:0] state = \dut.waits ? WAIT : \dut.prepares ? PREPARE : \dut.begins ? MAKE : \dut.sends ? SEND
        : \dut.samples ? LOOK : \dut.advances ? NEXT : done ? END : IDLE;
    // A state at a time.
    wire [6:0] states = {\dut.waits , \dut.prepares , \dut.begins , \dut.sends , \dut.samples , \dut.advances , done};
    wire [2:0] background = \dut.memory_bist.sequencer.background ;
    // What follows the operation, found in registers one after the other.
    (* hierconn *) wire [4:0] \dut.memory_bist.sequencer.now ;
    (* hierconn *) wire [5:0] \dut.memory_bist.sequencer.following ;
    (* hierconn *) wire \dut.memory_bist.sequencer.through , \dut.memory_bist.sequencer.again , \dut.memory_bist.is_last ;
    (* hierconn *) wire \dut.memory_bist.sequencer.goes_down ;
    wire [5:0] counter = \dut.memory_bist.sequencer.counter , element = \dut.memory_bist.sequencer.element ;
    wire [1:0] current_program = \dut.memory_bist.sequencer.current_program ;
    wire [5:0] step = \dut.memory_bist.sequencer.step ;
    wire reads = \dut.step [0];
    wire [`BEAT-1:0] beat = \dut.beat ;
    (* hierconn *) wire \dut.is_last , \dut.memory_bist.sequencer.more ;
    wire is_last = \dut.is_last , offers = load_valid || vector_valid;
    reg started = 0;
    wire rst = !started;

    `DUT dut (.clk(clk), .rst(rst), .start(start), .program_(number), .ready(ready), .running(running),
        .takeover__active(active), .will_abort(abort), .done(done), .load__valid(load_valid),
        // A beat before the last is accepted at once, as proved of the assemblers.
        .load__ready(load_ready || !is_last), .vector__valid(vector_valid), .vector__ready(vector_ready || !is_last),
        .bank(bank), .row(row), .storing(storing),
        .sample(sample), .group(group), .totals(totals));

    // Operations of the program that are left, the current one among them, by count and by where it is.
    reg [W-1:0] left = 0;
    wire [W-1:0] address = bank * ROWS + row, beyond = DOWN[8*counter +: 8] ? address : CELLS - 1 - address;
    wire [7:0] each = EACH[8*current_program +: 8], runs = RUNS[8*current_program +: 8];
    wire [W-1:0] due = ((runs - 1 - background) * each + LATER[8*counter +: 8]) * CELLS
        + beyond * LENGTH[8*counter +: 8] + AFTER[8*counter +: 8] + 1;
    // Cycles until the end in which nothing is waited for, if each row and vector has the most beats that one has.
    wire [W-1:0] cycles = state == IDLE ? 0 : state == END ? 1 : (left - 1) * (BEATS + 5) + 1 + (state == WAIT ? BEATS + 6
        : state == PREPARE ? BEATS + 5 : state == MAKE ? BEATS + 4 : state == SEND && !offers ? 3
        : state == SEND ? 4 + (is_last ? 0 : BEATS - beat) : state == LOOK ? 2 : 1);
    wire waits = state == WAIT && !ready || state == SEND && offers && is_last && !(vector_valid && vector_ready || load_valid && load_ready)
        || state == LOOK && (reads ? !(sample && group == `GROUPS - 1) : storing);
    wire ends_element = AFTER[8*counter +: 8] == 0, ends_program = ends_element && LATER[8*counter +: 8] == 0;
    wire through = ends_element && address == (DOWN[8*counter +: 8] ? 0 : CELLS - 1);
    wire again = ends_program && background != runs - 1;
    wire [5:0] following = again ? counter + 1 - each : counter + 1;
    reg [10:0] patience = 0;
    // Cycles since the operation before, or the start.
    reg [2:0] since = 0;

    always @(posedge clk) begin
        started <= 1;
        if (start && !running) left <= EACH[8*number +: 8] * RUNS[8*number +: 8] * CELLS;
        else if (state == NEXT) left <= left - 1;
        since <= rst || start && !running || state == NEXT ? 0 : since + (since < 4);
        patience <= !rst && state == WAIT && !ready ? patience + (patience != 1024) : 0;
    end

    always @(posedge clk) if (started) begin
        assert (running == (state != IDLE) && running == |states && (states & states - 1'b1) == 0);
        // Nearer to the end, or waiting; from the end it goes to rest.
        if ($past(started)) begin
            if ($past(state != IDLE && waits)) assert (cycles == $past(cycles));
            if ($past(state != IDLE && !waits)) assert (cycles < $past(cycles));
            if ($past(done)) assert (!running);
        end
        if (running) assert (cycles <= `BOUND && cycles != 0);
        // Streams of others that do not end are given up; its own are offered until they are accepted.
        assert (abort == (state == WAIT && patience == 1024));
        if (offers) assert (state == SEND && vector_valid == reads && load_valid == !reads);

        // The sequencer has its five cycles from one operation to the next.
        if (state == NEXT) assert (since == 4);

        // Invariants for the induction.
        assert (since <= 4);
        if (state == MAKE) assert (since >= 1);
        if (state == SEND) assert (since >= 2 + !offers);
        if (state == LOOK) assert (since == 4);
        assert (\dut.waited == patience && patience <= (state == WAIT ? 1024 : 0));
        assert (state == SEND || beat == 0);
        assert (beat < BEATS);
        if (state == END) assert (left == 0);
        if (state != IDLE && state != END) begin
            assert (left == due && left != 0);
            assert (counter < OPERATIONS && row < ROWS && bank < BANKS && background < runs);
            assert (PROGRAM[8*counter +: 8] == current_program && FIRST[8*counter +: 8] == element);
            // From registers, one after the other.
            if (state != WAIT && state != PREPARE) begin
                assert (\dut.memory_bist.sequencer.now == step[4:0]);
                assert (\dut.memory_bist.sequencer.more == (background != runs - 1));
            end
            if (state >= SEND) begin
                assert (\dut.memory_bist.sequencer.through == through);
                assert (\dut.memory_bist.sequencer.again == again);
            end
            if (state >= LOOK) begin
                assert (\dut.memory_bist.is_last == (through && ends_program && !again));
                assert (\dut.memory_bist.sequencer.following == following);
            end
            if (state == NEXT && !\dut.memory_bist.is_last )
                assert (\dut.memory_bist.sequencer.goes_down == DOWN[8*following]);
            if (state != WAIT && state != PREPARE) assert (\dut.step == {step[5], step[0]});
            if (state == SEND) assert (beat <= (reads ? `VECTOR_LAST : `ROW_LAST));
            if (state == SEND) assert (is_last == (beat == 0) && (is_last || offers));
            if (state == WAIT) assert (background == 0 && address == 0 && left == each * runs * CELLS);
        end

        cover (state == NEXT && current_program == 2);
        cover (state == SEND && beat == 1);
        cover (state == SEND && is_last && waits);
        cover (state == WAIT && patience == 9 && ready);
        cover (done && patience == 0 && $past(waits, 3));
    end
endmodule
