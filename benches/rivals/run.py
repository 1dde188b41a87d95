#!/usr/bin/env python3
"""Times bnes against every installed rival on the same work, and writes the table of ratios as Markdown."""

import argparse
import os
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
    add_common(parser)
    parser.add_argument("--pairs", type=int, default=5, help="pairs per workload and rival [%(default)s]")
    parser.add_argument("--rivals", type=names(contestants.RIVALS), help="only these, with commas")
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


def add_common(parser):
    """What `busy.py` takes, too."""
    parser.add_argument(
        "--bnes", type=Path, default=ROOT / "target/release/bnes", help="the bnes to time [target/release/bnes]"
    )
    parser.add_argument("--workloads", type=names([w.name for w in workloads.WORKLOADS]), help="only these, with commas")
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
    return [w for w in workloads.WORKLOADS if given is None or w.name in given]


def say(text):
    print(text, file=sys.stderr, flush=True)


def compare(workload, bnes, rival, options):
    """The rival's best number of threads first; then pairs, each begun by the other one."""
    cores = table.cores()
    counts = [cores] if workload.sweep else [1] if options.one_thread else sorted({1, cores})
    probes = {}
    if len(counts) > 1:
        probes = {threads: rival.train(workload, threads).seconds for threads in counts}
    threads = min(probes, key=probes.get) if probes else counts[0]
    comparison = table.Comparison(workload, rival, threads, probes)
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


def main():
    options = settings()
    load = os.getloadavg()[0]
    work_list = chosen(options.workloads)
    rivals, left_out = contestants.find(options.pythons, options.binaries, options.timeout)
    rivals = [rival for rival in rivals if options.rivals is None or rival.name in options.rivals]
    for why in left_out:
        say(f"left out: {why}")
    comparisons, failed = [], {}
    with tempfile.TemporaryDirectory(prefix="bnes-rivals-") as folder:
        bnes = contestants.Bnes(options.bnes, Path(folder), options.timeout, 1 if options.one_thread else None)
        try:
            version = bnes.version()
        except measure.Failed as why:
            sys.exit(f"{why}; `cargo build --release` makes it (--bnes PATH)")
        bnes.prepare()
        for workload in work_list:
            for rival in rivals:
                work = rival.takes(workload)
                if work is None:
                    continue
                try:
                    comparisons.append(compare(work, bnes, rival, options))
                except measure.Failed as why:
                    failed[workload.name, rival] = why
                    say(f"{workload.name}, {rival.label} failed: {why}")
            text = table.markdown(load, options.pairs, version, work_list, rivals, left_out, comparisons, failed)
            if options.output:
                options.output.write_text(text)
    if not options.output:
        print(text, end="")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
