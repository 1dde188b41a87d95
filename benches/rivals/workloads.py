"""The work that is timed, for bnes as a config file and for every rival as arguments."""

import random
import struct
from dataclasses import dataclass, replace

SWEEP_SEEDS = 20  # each with and without norm


@dataclass(frozen=True)
class Workload:
    name: str
    rows: int
    inputs: int
    hidden: tuple
    batch: int
    epochs: int
    optimizer: str
    lr: float
    momentum: float = 0.0
    activation: str = "relu"
    norm: str = "batch"
    classes: int = 10
    seeds: int = 1  # above 1: a sweep

    @property
    def sweep(self):
        return self.seeds > 1

    def without_norm(self):
        return replace(self, norm="none")

    def says(self):
        """The shape in a few words."""
        optimizer = f"{self.optimizer} {self.momentum}" if self.momentum else self.optimizer
        parts = [
            f"{self.rows} x {self.inputs}",
            "hidden " + "-".join(map(str, self.hidden)),
            f"batch {self.batch}",
            self.activation,
            f"{optimizer} at {self.lr}",
            f"{self.epochs} epochs" if self.epochs > 1 else "1 epoch",
        ]
        if self.sweep:
            return ", ".join(parts) + f"; {self.seeds} seeds with and without batch norm"
        return ", ".join(parts) + f"; {'no' if self.norm == 'none' else self.norm} norm"

    def arguments(self):
        """As every rival takes it."""
        return [
            f"--rows={self.rows}",
            f"--inputs={self.inputs}",
            f"--classes={self.classes}",
            "--hidden=" + ",".join(map(str, self.hidden)),
            f"--batch={self.batch}",
            f"--epochs={self.epochs}",
            f"--optimizer={self.optimizer}",
            f"--lr={self.lr}",
            f"--momentum={self.momentum}",
            f"--activation={self.activation}",
            f"--norm={self.norm}",
        ]

    def norm_table(self):
        statistics = "" if self.norm == "layer" else ', statistics = "ema"'
        return f'{{ kind = "{self.norm}"{statistics} }}'

    def config(self, images):
        """As bnes takes it; `images` is the folder of `write_images`."""
        lines = [
            'data.source = "digits"' if self.inputs == 64 else f'data.source = "{images}"',
            "data.split = { validation = 0.1, test = 0.0 }",
            f"model.hidden = {list(self.hidden)}",
            f'model.activation = "{self.activation}"',
            f"model.norm = {self.norm_table()}",
            f"training.epochs = {self.epochs}",
            f"training.batch_size = {self.batch}",
            f'training.optimizer = {{ kind = "{self.optimizer}", lr = {self.lr}, momentum = {self.momentum} }}',
            "evaluation = { train = false, test = false }",
        ]
        if self.sweep:
            # A rival without batch norm trains without it as often as the others with and without.
            without = self.norm == "none"
            norms = '["none"]' if without else '["none", "batch"]'
            seeds = self.seeds * 2 if without else self.seeds
            lines += ["[matrix]", f'"model.norm.kind" = {norms}', f'seed = "0..{seeds}"']
        return "\n".join(lines) + "\n"


DIGITS = Workload("digits", 1797, 64, (64, 64), batch=32, epochs=50, optimizer="adam", lr=1e-3)
IOFFE = Workload(
    "ioffe", 60000, 784, (100, 100, 100), batch=60, epochs=3, optimizer="sgd", lr=0.1, activation="sigmoid"
)
MNIST = Workload("mnist", 60000, 784, (256, 128), batch=128, epochs=3, optimizer="adam", lr=1e-3)
WORKLOADS = [
    DIGITS,
    MNIST,
    Workload("wide", 60000, 784, (1024, 1024, 1024), batch=256, epochs=1, optimizer="sgd", lr=1e-2, momentum=0.9),
    replace(IOFFE, name="ioffe-bn"),
    replace(IOFFE, name="ioffe-plain", norm="none"),
    replace(DIGITS, name="digits-layer", norm="layer"),
    replace(MNIST, name="mnist-layer", norm="layer"),
    replace(IOFFE, name="ioffe-layer", norm="layer"),
    replace(DIGITS, name="sweep", seeds=SWEEP_SEEDS),
]


def write_images(folder):
    """An IDX folder of MNIST's size: random pixels, labelled by a linear teacher.

    The label is the tenth of the image with the most light in it, which is the largest of ten
    orthogonal linear functions: to learn, no easier and no harder than the rivals' random teacher.
    """
    rows, side, classes, at_once = 60000, 28, 10, 1000
    pixels = side * side
    part = pixels // classes
    source = random.Random(0)
    with (
        open(folder / "train-images-idx3-ubyte", "wb") as images,
        open(folder / "train-labels-idx1-ubyte", "wb") as labels,
    ):
        images.write(struct.pack(">IIII", 2051, rows, side, side))
        labels.write(struct.pack(">II", 2049, rows))
        for _ in range(rows // at_once):
            # A block at a time: what this process holds would count as the children's peak memory.
            block = source.randbytes(at_once * pixels)
            images.write(block)
            for start in range(0, len(block), pixels):
                light = [sum(block[start + c * part : start + (c + 1) * part]) for c in range(classes)]
                labels.write(bytes([light.index(max(light))]))
