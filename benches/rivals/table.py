"""The comparison as Markdown: ratios first, then what they were made of."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contestants import Result


@dataclass
class Comparison:
    """One rival on one workload, in pairs with bnes."""

    workload: object
    rival: object
    threads: int
    probes: dict  # threads: seconds, from which `threads` was chosen
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


def ratios(workloads, rivals, comparisons, failed):
    head = ["bnes is faster by", *(rival.label for rival in rivals)]
    lines = [row(head), row(["---"] * len(head))]
    for workload in workloads:
        cells = [workload.name]
        for rival in rivals:
            done = [c for c in comparisons if (c.workload.name, c.rival) == (workload.name, rival)]
            if done:
                cells.append(f"{figure(median(done[0].ratios()))}x")
            else:
                cells.append("failed" if (workload.name, rival) in failed else "")
        lines.append(row(cells))
    return lines


def details(comparisons):
    head = [
        "workload", "rival", "threads", "ratio", "rival s", "bnes s", "validation accuracy, rival / bnes",
        "process s, rival / bnes", "peak MiB, rival / bnes",
    ]  # fmt: skip
    lines = [row(head), row(["---"] * len(head))]
    for each in comparisons:

        def both(name, shown=figure):
            return " / ".join(shown(median(getattr(r, name) for r in side)) for side in (each.other, each.bnes))

        probes = ", ".join(f"{threads}: {figure(seconds)} s" for threads, seconds in each.probes.items())
        lines.append(
            row([
                each.workload.name + (", both without norm" if each.rival.name == "sklearn" else ""),
                each.rival.label,
                f"{each.threads}" + (f" (tried {probes})" if len(each.probes) > 1 else ""),
                span(each.ratios()),
                span([result.seconds for result in each.other]),
                span([result.seconds for result in each.bnes]),
                both("val_accuracy", lambda share: f"{share:.3f}"),
                both("wall_s"),
                both("peak_mib", lambda mib: f"{mib:.0f}"),
            ])
        )
    return lines


def markdown(load, pairs, version, workloads, rivals, left_out, comparisons, failed):
    processor, count = machine()
    versions = ", ".join([f"bnes {version}", *(f"{rival.label} {rival.version}" for rival in rivals)])
    lines = [
        f"{processor}, {count} cores; {versions}. Median of {pairs} pairs, bnes and the rival in turn.",
        "",
        *ratios(workloads, rivals, comparisons, failed),
        "",
    ]
    if load > count / 4:
        lines += [f"**The machine was busy (load {load:.1f} on {count} cores at the start): not figures to keep.**", ""]
    lines += [
        "Seconds are those of the training loop: shuffle, gather, step, and the validation pass after each",
        "epoch; no import, data making or compilation. A sweep is timed as a whole process. Each rival runs on",
        "the better of one thread and one per core; bnes chooses for itself. In the 60000-row sets bnes reads",
        "bytes and turns them into floats batch by batch; the rivals hold floats in memory already. bnes's",
        "digits are the real ones, the rivals' are random numbers of that shape, so accuracies differ there:",
        "they are shown so that nobody trains nonsense (chance is 0.1).",
        "",
        *details(comparisons),
        "",
        *(f"- {workload.name}: {workload.says()}" for workload in workloads),
    ]
    if failed:
        lines += ["", "Failed:", "", *(f"- {name}, {rival.label}: {why}" for (name, rival), why in failed.items())]
    if left_out:
        lines += ["", "Left out:", "", *(f"- {why}" for why in left_out)]
    return "\n".join(lines) + "\n"
