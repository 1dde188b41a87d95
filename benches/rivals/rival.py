"""What the Python rivals share: their arguments, the data, and the line they report."""

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

VALIDATION = 0.1  # share of the rows


def arguments():
    """The work as `run.py` hands it to every rival, whatever its language."""
    parser = argparse.ArgumentParser(description="Trains one MLP on synthetic data; prints one line of JSON.")
    for name in ("rows", "inputs", "classes", "batch", "epochs"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--hidden", required=True, type=lambda text: [int(width) for width in text.split(",")])
    parser.add_argument("--norm", choices=["none", "batch", "layer"], required=True)
    parser.add_argument("--activation", choices=["relu", "sigmoid"], required=True)
    parser.add_argument("--optimizer", choices=["adam", "sgd"], required=True)
    parser.add_argument("--momentum", type=float, default=0.0, help="of sgd")
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of a sweep: processes side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="above 1: a sweep, each with and without norm")
    return parser.parse_args()


def data(work):
    """Standard-normal inputs, labelled by a random linear teacher: training rows, then validation rows."""
    import numpy

    random = numpy.random.default_rng(0)
    inputs = random.standard_normal((work.rows, work.inputs), dtype=numpy.float32)
    teacher = random.standard_normal((work.inputs, work.classes), dtype=numpy.float32)
    labels = (inputs @ teacher).argmax(axis=1)
    train = work.rows - round(work.rows * VALIDATION)
    return (inputs[:train], labels[:train]), (inputs[train:], labels[train:])


def one_core_if_one_thread(threads):
    """XLA takes a thread for every core that the process may use, and has no other setting for it."""
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self):
        self.began = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.began[0], time.process_time() - self.began[1]


def sweep(train, works, processes):
    """The mean validation accuracy of many trainings, side by side in forked processes."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        accuracies = [accuracy for _, accuracy in pool.map(train, works)]
    return sum(accuracies) / len(accuracies)


def varied(work, norms):
    """The trainings of a sweep: every seed with each of the norms."""
    return [
        argparse.Namespace(**{**vars(work), "seed": seed, "norm": norm, "threads": 1})
        for seed in range(work.seeds)
        for norm in norms
    ]


def report(seconds, accuracy):
    """`seconds`: wall and CPU of the training loop; of the CPU's, a busy machine disturbs less."""
    wall, cpu = seconds
    print(json.dumps({"train_s": wall, "cpu_s": cpu, "val_accuracy": float(accuracy)}))
