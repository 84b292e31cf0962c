// Numbers from standard input, for the tests of the driver of a core.

#include <iostream>

#include "bitline_core.h"
#include "processor.h"

static long next()
{
    long value;
    if (!(std::cin >> value))
        fail("input");
    return value;
}

static bitline_core_settings next_settings()
{
    bitline_core_settings settings;
    settings.zero_point = next();
    settings.low = next();
    settings.high = next();
    settings.rounding = static_cast<bitline_core_rounding>(next());
    return settings;
}
