"""bnes and its rivals: where each is found, how it is started, what it reports."""

import concurrent.futures
import csv
import json
import os
import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import measure
import workloads

HERE = Path(__file__).resolve().parent
PACKAGES = {"torch": "torch", "jax": "jax", "keras": "keras", "sklearn": "scikit-learn"}
CRATES = {"burn": "burn", "candle": "candle-core"}
RIVALS = {
    "torch": "PyTorch",
    "jax": "JAX",
    "keras": "Keras on JAX",
    "sklearn": "scikit-learn",
    "burn": "burn flex",
    "candle": "plain candle",
}


@dataclass(frozen=True)
class Result:
    seconds: float  # of the training loop; of a sweep: of the whole process
    val_accuracy: float
    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True)
class Bnes:
    binary: Path
    work: Path  # a folder for configs, results and images
    limit_s: float
    threads: int | None = None  # None: bnes chooses

    label = "bnes"

    def version(self):
        return measure.run([self.binary, "--version"], 60, measure.environment()).output.split()[-1]

    def prepare(self):
        """Fails where bnes does not start."""
        self.version()
        (self.work / "images").mkdir()
        workloads.write_images(self.work / "images")

    def train(self, workload):
        variables = measure.environment()
        if self.threads is not None:
            variables["BNES_THREADS"] = str(self.threads)
        config, results = self.work / f"{workload.name}.toml", self.work / "results"
        config.write_text(workload.config(self.work / "images"))
        shutil.rmtree(results, ignore_errors=True)
        command = [self.binary, "run", "--config", config, "--results", results, "--device", "cpu", "--quiet"]
        try:
            ended = measure.run(command, self.limit_s, variables)
        except measure.Failed as why:
            raise measure.Failed(f"bnes itself: {why}") from why
        last_rows = []
        for curve in (results / workload.name).glob("*/epochs.csv"):
            with open(curve, newline="") as file:
                last_rows.append(list(csv.DictReader(file))[-1])
        if not last_rows or any(int(row["epoch"]) != workload.epochs for row in last_rows):
            raise measure.Failed("bnes itself: it did not train all epochs")
        accuracy = fmean(float(row["val_accuracy"]) for row in last_rows)
        seconds = ended.wall_s if workload.sweep else float(last_rows[0]["elapsed_s"])
        return Result(seconds, accuracy, ended.wall_s, ended.cpu_s, ended.peak_mib)


@dataclass(frozen=True)
class Rival:
    name: str
    command: tuple
    version: str
    limit_s: float

    @property
    def label(self):
        return RIVALS[self.name]

    def takes(self, workload):
        """The work as this rival can do it, or None where it cannot."""
        if workload.norm == "layer":
            # Of one kind of layer, PyTorch is enough to tell.
            return workload if self.name == "torch" else None
        if self.name != "sklearn":
            # Keras compiles every model anew, for longer than it trains: a sweep would time that.
            return None if workload.sweep and self.name == "keras" else workload
        return None if workload.name == "ioffe-bn" else workload.without_norm()

    def train(self, workload, threads, seed=0, limit_s=None):
        if workload.sweep and self.name in CRATES:
            return self.processes(workload, threads)
        if workload.sweep:
            # One program over all seeds, or processes side by side of one thread each.
            more, variables = f"--seeds={workload.seeds}", measure.environment(None if self.name == "jax" else 1)
        else:
            more, variables = f"--seed={seed}", measure.environment(threads)
        command = [*self.command, *workload.arguments(), f"--threads={threads}", more]
        ended = measure.run(command, limit_s or self.limit_s, variables)
        try:
            said = json.loads(ended.output.splitlines()[-1])
        except (IndexError, ValueError) as error:
            raise measure.Failed(f"no line of JSON in what it printed: {ended.output[-200:]!r}") from error
        seconds = ended.wall_s if workload.sweep else said["train_s"]
        return Result(seconds, said["val_accuracy"], ended.wall_s, ended.cpu_s, ended.peak_mib)

    def processes(self, workload, side_by_side):
        """A sweep of a program that trains one model: as a shell script would do it."""
        each = [
            (replace(workload, norm=norm, seeds=1), seed)
            for seed in range(workload.seeds)
            for norm in ("none", "batch")
        ]
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
            trainings = [pool.submit(self.train, one, 1, seed) for one, seed in each]
            try:
                results = [training.result() for training in trainings]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        wall_s = time.perf_counter() - began
        return Result(
            wall_s,
            fmean(result.val_accuracy for result in results),
            wall_s,
            sum(result.cpu_s for result in results),
            max(result.peak_mib for result in results),
        )


def find(wanted, pythons, binaries, limit_s):
    """The wanted rivals that are installed, and why each other one is left out."""
    found, left_out = [], []
    for name in (name for name in RIVALS if name in wanted):
        try:
            if name in PACKAGES:
                found.append(python_rival(name, pythons.get(name, "python3"), limit_s))
            else:
                found.append(rust_rival(name, binaries.get(name), limit_s))
        except measure.Failed as why:
            left_out.append(f"{RIVALS[name]}: {why}")
    return found, left_out


def python_rival(name, python, limit_s):
    packages = [PACKAGES[name]] if name != "keras" else ["keras", "jax"]
    ask = f"""
from importlib.metadata import PackageNotFoundError, version
try:
    print(*map(version, {packages}))
except PackageNotFoundError:
    pass
"""
    versions = measure.run([python, "-c", ask], 60, measure.environment()).output.split()
    if not versions:
        raise measure.Failed(f"{python} has no {' and '.join(packages)} (--python {name}=PATH)")
    return Rival(name, (python, HERE / f"{name}_mlp.py"), versions[0], limit_s)


def rust_rival(name, binary, limit_s):
    folder = HERE / name
    target = Path(os.environ.get("CARGO_TARGET_DIR", folder / "target"))
    binary = Path(binary) if binary else target / "release" / f"{name}_mlp"
    if not binary.is_file():
        build = f"cargo build --release --locked --manifest-path {os.path.relpath(folder / 'Cargo.toml')}"
        raise measure.Failed(f"{binary} is not there; `{build}` makes it (--binary {name}=PATH)")
    pinned = re.search(rf'^{CRATES[name]} = .*"=([\d.]+)"', (folder / "Cargo.toml").read_text(), re.MULTILINE)
    return Rival(name, (binary,), pinned[1], limit_s)
