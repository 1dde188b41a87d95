"""The comparison as Markdown: ratios first, then what they were made of."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contestants import Result

SECONDS = (
    "Seconds are those of the training loop: shuffle, gather, step, and the validation pass after each epoch; "
    "no import, data making or compilation. A sweep is timed as a whole process."
)
BEST_THREADS = "Each rival ran on the better of one thread and one per core; bnes chose for itself."
DATA = (
    "In the sets of 60000 rows bnes reads bytes and turns them into floats batch by batch; the rivals hold floats in "
    "memory already. bnes's digits are the real ones, the rivals' random numbers of that shape, so accuracies differ "
    "there: they are shown so that nobody trains nonsense. Chance is 0.1, and ioffe-plain is near it with everyone: "
    "three epochs do not get three layers of sigmoids without norm off the ground."
)


@dataclass
class Comparison:
    """One rival on one workload, in pairs with bnes."""

    workload: object
    rival: object
    threads: int
    tried: dict  # threads: seconds, from which `threads` was chosen
    bnes: list[Result] = field(default_factory=list)
    other: list[Result] = field(default_factory=list)

    def ratios(self):
        return [other.seconds / bnes.seconds for bnes, other in zip(self.bnes, self.other)]


def machine():
    """The processor's name and the cores that this process may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return name, cores()


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def figure(value):
    """Three digits, more in front of the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def span(values):
    """The median, with lowest and highest where there is more than one."""
    if len(values) == 1:
        return figure(values[0])
    return f"{figure(median(values))} ({figure(min(values))} to {figure(max(values))})"


def row(cells):
    return "| " + " | ".join(cells) + " |"


@dataclass
class Report:
    """What was asked for, and what came of it so far."""

    load: float  # before the first process
    one_thread: bool
    pairs: int
    workloads: list
    rivals: list
    left_out: list[str]
    version: str = ""  # of bnes
    comparisons: list[Comparison] = field(default_factory=list)
    failed: dict = field(default_factory=dict)  # by the workload's name and the rival

    def markdown(self):
        processor, count = machine()
        versions = ", ".join([f"bnes {self.version}", *(f"{rival.label} {rival.version}" for rival in self.rivals)])
        pairs = "One pair" if self.pairs == 1 else f"Median of {self.pairs} pairs"
        lines = [f"{processor}, {count} cores; {versions}. {pairs}, bnes and the rival in turn.", ""]
        lines += [*self.ratios(), ""]
        if self.load > count / 4:
            busy = f"The machine was busy (load {self.load:.1f} on {count} cores at the start): not figures to keep."
            lines += [f"**{busy}**", ""]
        threads = "Everyone ran on one thread." if self.one_thread else BEST_THREADS
        lines += [f"{SECONDS} {threads} {DATA}", "", *self.details(), ""]
        lines += [f"- {workload.name}: {workload.says()}" for workload in self.workloads]
        if self.failed:
            lines += ["", "Failed:", ""]
            lines += [f"- {name}, {rival.label}: {why}" for (name, rival), why in self.failed.items()]
        if self.left_out:
            lines += ["", "Left out:", "", *(f"- {why}" for why in self.left_out)]
        return "\n".join(lines) + "\n"

    def ratios(self):
        head = ["bnes is faster by", *(rival.label for rival in self.rivals)]
        return [row(head), row(["---"] * len(head)), *(row(self.ratios_of(workload)) for workload in self.workloads)]

    def ratios_of(self, workload):
        cells = [workload.name]
        for rival in self.rivals:
            done = [c for c in self.comparisons if (c.workload.name, c.rival) == (workload.name, rival)]
            if done:
                cells.append(f"{figure(median(done[0].ratios()))}x")
            else:
                cells.append("failed" if (workload.name, rival) in self.failed else "")
        return cells

    def details(self):
        head = ["workload", "rival", "threads", "ratio", "rival s", "bnes s"]
        head += [f"{what}, rival / bnes" for what in ("validation accuracy", "process s", "peak MiB")]
        return [row(head), row(["---"] * len(head)), *(row(details_of(each)) for each in self.comparisons)]


def details_of(comparison):
    def both(name, shown):
        sides = comparison.other, comparison.bnes
        return " / ".join(shown(median(getattr(result, name) for result in side)) for side in sides)

    tried = ", ".join(f"{threads}: {figure(seconds)} s" for threads, seconds in comparison.tried.items())
    return [
        comparison.workload.name + (", both without norm" if comparison.rival.name == "sklearn" else ""),
        comparison.rival.label,
        f"{comparison.threads}" + (f" (tried {tried})" if tried else ""),
        span(comparison.ratios()),
        span([result.seconds for result in comparison.other]),
        span([result.seconds for result in comparison.bnes]),
        both("val_accuracy", lambda share: f"{share:.3f}"),
        both("wall_s", figure),
        both("peak_mib", lambda mib: f"{mib:.0f}"),
    ]
