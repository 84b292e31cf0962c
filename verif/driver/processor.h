// A program on a processor whose bus leads to a simulated core or engine: what the tests of the drivers share.
//
// They define `cycle`, a cycle of the clock, and `before_read`, what happens before each read of a register.

#include <cstdio>
#include <cstdlib>

#include "Vcore.h"
#include "driver_shim.h"
#include "verilated.h"

static const uintptr_t BASE = 0x40000000;
static const int TIMEOUT_CYCLES = 100000;
static Vcore *core;
// Accesses that the core refused.
static unsigned refused;

static void cycle();
static void before_read();

static void fail(const char *what)
{
    std::printf("failed %s\n", what);
    std::exit(1);
}

extern "C" uint32_t shim_read(uintptr_t address)
{
    before_read();
    core->s_axi_araddr = address - BASE;
    core->s_axi_arvalid = core->s_axi_rready = 1;
    for (int wait = 0; wait < TIMEOUT_CYCLES; wait++) {
        core->eval();
        bool taken = core->s_axi_arready, answered = core->s_axi_rvalid;
        uint32_t data = core->s_axi_rdata;
        refused += answered && core->s_axi_rresp != 0;
        cycle();
        if (taken)
            core->s_axi_arvalid = 0;
        if (answered)
            return data;
    }
    fail("read");
    return 0;
}

extern "C" void shim_write(uintptr_t address, uint32_t value)
{
    core->s_axi_awaddr = address - BASE;
    core->s_axi_wdata = value;
    core->s_axi_wstrb = 15;
    core->s_axi_awvalid = core->s_axi_wvalid = core->s_axi_bready = 1;
    for (int wait = 0; wait < TIMEOUT_CYCLES; wait++) {
        core->eval();
        bool address_taken = core->s_axi_awready, data_taken = core->s_axi_wready, answered = core->s_axi_bvalid;
        refused += answered && core->s_axi_bresp != 0;
        cycle();
        if (address_taken)
            core->s_axi_awvalid = 0;
        if (data_taken)
            core->s_axi_wvalid = 0;
        if (answered)
            return;
    }
    fail("write");
}

static void say(const char *name, long value)
{
    std::printf("%s %ld\n", name, value);
}
