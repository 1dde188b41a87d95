#!/usr/bin/env python3
"""Times bnes against every installed rival on the same work, and writes the table of ratios as Markdown."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path

import contestants
import measure
import table
import workloads

ROOT = Path(__file__).resolve().parents[2]


def settings():
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, [workload.name for workload in workloads.WORKLOADS])
    parser.add_argument("--pairs", type=int, default=5, help="pairs per workload and rival [%(default)s]")
    parser.add_argument(
        "--rivals",
        type=names(contestants.RIVALS),
        default=list(contestants.RIVALS),
        help=f"only these, with commas [{','.join(contestants.RIVALS)}]",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="interpreter of one rival (torch, jax, keras, sklearn) or of all [python3]",
    )
    parser.add_argument(
        "--binary", action="append", default=[], metavar="NAME=PATH", help="the built program of burn or candle"
    )
    parser.add_argument("--one-thread", action="store_true", help="everyone on one thread, bnes too")
    parser.add_argument("--output", type=Path, help="where the table goes, after each workload anew [standard output]")
    given = parser.parse_args()
    if given.pairs < 1:
        parser.error("--pairs: at least 1")
    given.pythons = by_name(parser, "--python", given.python, contestants.PACKAGES)
    given.binaries = by_name(parser, "--binary", given.binary, contestants.CRATES)
    return given


def add_common(parser, default):
    """What `busy.py` takes, too."""
    parser.add_argument(
        "--bnes", type=Path, default=ROOT / "target/release/bnes", help="the bnes to time [target/release/bnes]"
    )
    known = [workload.name for workload in workloads.WORKLOADS]
    parser.add_argument(
        "--workloads",
        type=names(known),
        default=default,
        help=f"only these of {','.join(known)}, with commas [{','.join(default)}]",
    )
    parser.add_argument("--timeout", type=float, default=900, help="seconds a process may take [%(default)s]")


def names(known):
    def parse(text):
        given = text.split(",")
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]}: expected some of {','.join(known)}")
        return given

    return parse


def by_name(parser, option, given, known):
    """`NAME=PATH` as a table; a path alone stands for every name."""
    paths = {}
    for text in given:
        name, equals, path = text.partition("=")
        if equals and name not in known:
            parser.error(f"{option} {text}: expected one of {', '.join(known)} before `=`")
        paths |= {name: path} if equals else dict.fromkeys(known, text)
    return paths


def chosen(given):
    return [w for w in workloads.WORKLOADS if w.name in given]


def say(text):
    print(text, file=sys.stderr, flush=True)


def best_threads(workload, rival, one_thread):
    """The better of one thread and one per core, and the seconds of each that was tried."""
    cores = table.cores()
    if workload.sweep or one_thread or cores == 1:
        return (cores if workload.sweep else 1), {}
    one = rival.train(workload, 1)
    tried = {1: one.seconds}
    try:
        # On a busy machine threads that wait for each other can take a hundred times as long.
        tried[cores] = rival.train(workload, cores, limit_s=2 * one.wall_s + 10).seconds
    except measure.Failed as why:
        say(f"{workload.name}, {rival.label}: {cores} threads are out, {why}")
        tried[cores] = float("inf")
    return min(tried, key=tried.get), tried


def compare(workload, bnes, rival, options):
    """The rival's best number of threads first; then pairs, each begun by the other one."""
    threads, tried = best_threads(workload, rival, options.one_thread)
    comparison = table.Comparison(workload, rival, threads, tried)
    for pair in range(options.pairs):
        for first in (pair % 2 == 0, pair % 2 == 1):
            if first:
                comparison.bnes.append(bnes.train(workload))
            else:
                comparison.other.append(rival.train(workload, threads))
        ratio = comparison.ratios()[-1]
        say(
            f"{workload.name}, pair {pair + 1}: bnes {comparison.bnes[-1].seconds:.3g} s, "
            f"{rival.label} {comparison.other[-1].seconds:.3g} s on {threads} thread{'s' * (threads > 1)}, {ratio:.3g}x"
        )
    return comparison


@contextlib.contextmanager
def prepared(options, threads=None):
    """bnes in a folder of its own, with the images written."""
    with tempfile.TemporaryDirectory(prefix="bnes-rivals-") as folder:
        bnes = contestants.Bnes(options.bnes, Path(folder), options.timeout, threads)
        try:
            bnes.prepare()
        except measure.Failed as why:
            sys.exit(f"{why}; `cargo build --release` makes it (--bnes PATH)")
        yield bnes


def main():
    options = settings()
    found = contestants.find(options.rivals, options.pythons, options.binaries, options.timeout)
    report = table.Report(os.getloadavg()[0], options.one_thread, options.pairs, chosen(options.workloads), *found)
    for why in report.left_out:
        say(f"left out: {why}")
    if not report.rivals:
        sys.exit("no rival to time: benches/rivals/README.md says how to get them")
    with prepared(options, 1 if options.one_thread else None) as bnes:
        report.version = bnes.version()
        for workload in report.workloads:
            for rival in report.rivals:
                work = rival.takes(workload)
                if work is None:
                    continue
                try:
                    report.comparisons.append(compare(work, bnes, rival, options))
                except measure.Failed as why:
                    report.failed[workload.name, rival] = why
                    say(f"{workload.name}, {rival.label} failed: {why}")
            if options.output:
                options.output.write_text(report.markdown())
    if not options.output:
        print(report.markdown(), end="")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what runs is ended, too
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
