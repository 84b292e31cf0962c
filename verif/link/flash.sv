// An SPI flash in mode 0 whose contents are those of the file `+flash=PATH`, which may change while it is not selected;
// what is beyond the file is erased. It sleeps until it is told to wake. Without the file there is no flash: `cipo` is
// high, or low if there is a file `PATH.low`.
module flash (
    input  wire cs,    // high: selected
    input  wire clk,
    input  wire copi,
    output wire cipo
);
    localparam WAKE = 8'hab, IDENTIFY = 8'h9f, READ = 8'h03, MAKER = 8'hef, ERASED = 8'hff;

    string path;
    integer file = 0, level = 1, count = 0, next = 0;
    reg is_asleep = 1;
    reg [7:0] command, out;
    reg [31:0] sent;

    wire answers = !is_asleep && (command == IDENTIFY ? count >= 8 : command == READ && count >= 32);
    assign cipo = cs && file != 0 && answers ? out[7] : file != 0 || level != 0;

    always @(posedge cs) begin
        count = 0;
        command = 0;
        if ($value$plusargs("flash=%s", path)) begin
            level = $fopen({path, ".low"}, "rb");
            if (level != 0) $fclose(level);
            level = level == 0;
            file = $fopen(path, "rb");
        end
    end

    always @(negedge cs) if (file != 0) begin
        $fclose(file);
        file = 0;
    end

    always @(posedge clk) if (cs && file != 0) begin
        sent = {sent[30:0], copi};
        count = count + 1;
        if (count == 8) begin
            command = sent[7:0];
            if (command == WAKE) is_asleep = 0;
        end
        if (count == 32 && command == READ) next = $fseek(file, {8'h0, sent[23:0]}, 0);
    end

    always @(negedge clk) if (cs && answers) begin
        if (count % 8 != 0) out = out << 1;
        else if (command == IDENTIFY) out = MAKER;
        else begin
            next = $fgetc(file);
            out = next < 0 ? ERASED : next[7:0];
        end
    end
endmodule
