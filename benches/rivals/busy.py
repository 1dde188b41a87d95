#!/usr/bin/env python3
"""Times bnes alone and with a busy loop on each core, in turn: how much slower it gets when it has to share."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from statistics import median

import measure
import run
import table


@contextlib.contextmanager
def loops():
    """A process that never waits, on each core."""
    cores = sorted(os.sched_getaffinity(0))
    spin = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
    running = [subprocess.Popen([sys.executable, "-c", spin, str(core)]) for core in cores]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    run.add_common(parser, ["digits", "mnist"])
    parser.add_argument("--pairs", type=int, default=5, help="runs alone and beside the loops [%(default)s]")
    options = parser.parse_args()
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("this system cannot tie a process to a core")
    processor, cores = table.machine()
    print(f"{processor}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start; median of {options.pairs}.\n")
    print(table.row(["workload", "threads", "alone s", "beside busy loops s", "slower by"]))
    print(table.row(["---"] * 5))
    with run.prepared(options) as bnes:
        for workload in run.chosen(options.workloads):
            for threads in dict.fromkeys((None, 1, cores)):
                one = replace(bnes, threads=threads)
                alone, beside = [], []
                try:
                    for _ in range(options.pairs):
                        alone.append(one.train(workload).seconds)
                        with loops():
                            beside.append(one.train(workload).seconds)
                except measure.Failed as why:
                    sys.exit(f"{workload.name}: {why}")
                slower = median(b / a for a, b in zip(alone, beside))
                count = "bnes's choice" if threads is None else str(threads)
                cells = [workload.name, count, table.span(alone), table.span(beside), f"{table.figure(slower)}x"]
                print(table.row(cells), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the loops are ended, too
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
