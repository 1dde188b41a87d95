#!/usr/bin/env python3
"""Times `bnes data describe` and `pandas.read_csv` to a matrix of float32 on the same two files, in turn."""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import table

# Columns of text become codes of categories; what pandas takes to be imported is not counted.
PANDAS = """
import resource, sys, time
import numpy, pandas
begin, used = time.perf_counter(), time.process_time()
frame = pandas.read_csv(sys.argv[1])
for name in frame.columns:
    if frame[name].dtype.kind not in "fiu":
        frame[name] = frame[name].astype("category").cat.codes
frame.to_numpy(dtype=numpy.float32)
print(time.perf_counter() - begin, time.process_time() - used)
"""


def numbers(path, rows):
    """Rows of 100 numbers with six decimal places and a class of 0 or 1: 952 bytes each."""
    draw = random.Random(0)
    with path.open("w") as file:
        file.write(",".join(f"x{at}" for at in range(100)) + ",y\n")
        for _ in range(rows):
            cells = [f"{draw.gauss(0, 1):.6f}" for _ in range(100)]
            file.write(",".join(cells) + f",{draw.randrange(2)}\n")


def text(path, rows):
    """Rows of 13 numbers, 6 levels of up to 20 and a class."""
    draw = random.Random(0)
    levels = [[f"level-{at}-{level}" for level in range(count)] for at, count in enumerate([2, 3, 5, 8, 12, 20])]
    with path.open("w") as file:
        file.write(",".join(f"x{at}" for at in range(13)) + "," + ",".join(f"t{at}" for at in range(6)) + ",y\n")
        for _ in range(rows):
            cells = [f"{draw.gauss(0, 10 ** (at % 7)):.4f}" for at in range(9)]
            cells += [str(draw.randrange(below)) for below in (2, 90, 1000, 100_000)]
            cells += [draw.choice(names) for names in levels]
            file.write(",".join(cells) + f",{draw.choice(['no', 'yes'])}\n")


def used(command):
    """Seconds, processor seconds and peak MiB of a process, and what it printed."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bnes", default="target/release/bnes", help="the binary [%(default)s]")
    parser.add_argument("--python", default=sys.executable, help="a Python that has pandas [%(default)s]")
    parser.add_argument("--pairs", type=int, default=5, help="of each file [%(default)s]")
    parser.add_argument("--rows", type=int, default=1_050_454, help="of numbers [%(default)s]")
    options = parser.parse_args()
    processor, cores = table.machine()
    print(f"{processor}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start; median of {options.pairs}.\n")
    print(table.row(["file", "tool", "seconds", "processor seconds", "peak MiB"]))
    print(table.row(["---"] * 5))
    with tempfile.TemporaryDirectory() as folder:
        for name, write, rows in (("numbers", numbers, options.rows), ("text", text, 1_000_000)):
            file = Path(folder) / f"{name}.csv"
            write(file, rows)
            label = f"{name}, {file.stat().st_size / 1e6:.0f} MB"
            bnes, pandas = [], []
            for _ in range(options.pairs):
                bnes.append(used([options.bnes, "data", "describe", str(file)])[:3])
                *_, peak, out = used([options.python, "-c", PANDAS, str(file)])
                pandas.append((*map(float, out.split()), peak))
            for tool, figures in (("bnes data describe", bnes), ("pandas", pandas)):
                seconds, cpu, peak = (median(one) for one in zip(*figures))
                print(table.row([label, tool, f"{seconds:.2f}", f"{cpu:.2f}", f"{peak:.0f}"]), flush=True)
            file.unlink()


if __name__ == "__main__":
    main()
