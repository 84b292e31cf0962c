"""C drivers, compiled: strictly, for a test program, or without a library."""

import subprocess

from bitline.verif.sim.simulators import source

SHIM = source("driver_shim.h")
STRICT = ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wpedantic")
FREESTANDING = ("-O2", "-ffreestanding", "-fno-stack-protector", "-c")


def write_driver(files, folder):
    """Write what is C of some files."""
    for name, content in files.items():
        if name.endswith((".c", ".h")):
            (folder / name).write_text(content, encoding="utf-8")


def compile_driver(files, name, folder):
    """A driver among the files as an object file, with registers of a simulated core in place of memory."""
    folder.mkdir()
    write_driver(files, folder)
    subprocess.run(["gcc", "-std=c99", *STRICT, "-include", str(SHIM), "-c", f"{name}.c", "-o", "driver.o"], cwd=folder,
                   check=True)
    return folder / "driver.o"


def compile_freestanding(files, name, folder, *compiler):
    """Compile a driver, and return the names that it needs of a library; another driver's are none of them."""
    write_driver(files, folder)
    subprocess.run([*compiler, *STRICT, *FREESTANDING, f"{name}.c", "-o", "driver.o"], cwd=folder, check=True)
    found = subprocess.run(["nm", "--undefined-only", "driver.o"], cwd=folder, check=True, capture_output=True,
                           text=True).stdout
    return {needed for needed in found.replace(" U ", "").split() if not needed.startswith("bitline_")}
