// A program on a processor whose bus leads to a simulated core or engine: what the tests of the drivers share.
//
// The bus is AXI4-Lite, or with `BUS_WISHBONE` or `BUS_APB` that one; accesses follow each other as fast as it allows.
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

#if defined(BUS_WISHBONE)

static uint32_t access(uintptr_t address, bool write, uint32_t value)
{
    core->wb_adr = address - BASE;
    core->wb_we = write;
    core->wb_dat_w = value;
    core->wb_sel = 15;
    core->wb_cyc = core->wb_stb = 1;
    for (int wait = 0; wait < TIMEOUT_CYCLES; wait++) {
        core->eval();
        bool answered = core->wb_ack || core->wb_err;
        uint32_t data = core->wb_dat_r;
        refused += core->wb_err;
        cycle();
        if (answered) {
            core->wb_cyc = core->wb_stb = 0;
            return data;
        }
    }
    fail("access");
    return 0;
}

#elif defined(BUS_APB)

static uint32_t access(uintptr_t address, bool write, uint32_t value)
{
    core->s_apb_paddr = address - BASE;
    core->s_apb_pwrite = write;
    core->s_apb_pwdata = value;
    core->s_apb_pstrb = write ? 15 : 0;
    core->s_apb_psel = 1;
    cycle();
    core->s_apb_penable = 1;
    for (int wait = 0; wait < TIMEOUT_CYCLES; wait++) {
        core->eval();
        bool answered = core->s_apb_pready;
        uint32_t data = core->s_apb_prdata;
        refused += answered && core->s_apb_pslverr;
        cycle();
        if (answered) {
            core->s_apb_psel = core->s_apb_penable = 0;
            return data;
        }
    }
    fail("access");
    return 0;
}

#else

static uint32_t axi_read(uintptr_t address)
{
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

static void axi_write(uintptr_t address, uint32_t value)
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

static uint32_t access(uintptr_t address, bool write, uint32_t value)
{
    if (!write)
        return axi_read(address);
    axi_write(address, value);
    return 0;
}

#endif

extern "C" uint32_t shim_read(uintptr_t address)
{
    before_read();
    return access(address, false, 0);
}

extern "C" void shim_write(uintptr_t address, uint32_t value)
{
    access(address, true, value);
}

static void say(const char *name, long value)
{
    std::printf("%s %ld\n", name, value);
}
