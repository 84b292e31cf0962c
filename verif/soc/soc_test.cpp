// Runs a SoC: bytes from standard input go to its serial port, and those from it to standard output, until the end of
// transmission (EOT).

#include <cstdio>

#include "Vsoc.h"
#include "verilated.h"

static const unsigned EOT = 4;
static const long RESET_CYCLES = 2, MAX_CYCLES = 2000000;

int main()
{
    VerilatedContext context;
    Vsoc soc(&context);
    int byte = std::getchar();
    soc.serial_source_ready = 1;
    for (long cycle = 0; cycle < MAX_CYCLES; cycle++) {
        soc.sys_clk = 0;
        soc.serial_sink_valid = byte != EOF && cycle >= RESET_CYCLES;
        soc.serial_sink_data = byte;
        soc.eval();
        bool taken = soc.serial_sink_valid && soc.serial_sink_ready;
        if (soc.serial_source_valid) {
            if (soc.serial_source_data == EOT)
                return 0;
            std::putchar(soc.serial_source_data);
        }
        soc.sys_clk = 1;
        soc.eval();
        if (taken)
            byte = std::getchar();
    }
    std::fprintf(stderr, "the program did not end\n");
    return 1;
}
