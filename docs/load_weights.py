"""Loads the weights of a training into PyTorch, `strict=True`, to predict with them or to hold its losses against those
that bnes recorded.

    python load_weights.py predict SOURCE TRAINING
    python load_weights.py SOURCE TRAINING...

SOURCE is a CSV file with a header, or an IDX file of images, plain or `.gz`. The first prints what `bnes predict --proba`
prints. The second wants the source that was trained on, for images with the labels beside it. TRAINING is a folder with
`run.json`, `weights-EPOCH.safetensors` and `test_rows.safetensors`. Needs torch, numpy and safetensors.
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

ACTIVATIONS = {
    "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "gelu": nn.GELU,
    "silu": nn.SiLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU, "identity": nn.Identity,
}


class MeanOnlyBatchNorm(nn.Module):
    """Takes the mean over the batch out, and no more; torch has no such layer. In evaluation mode alone."""

    def __init__(self, units, affine):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(units)) if affine else None
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        centred = x - self.running_mean
        return centred if self.bias is None else centred + self.bias


def scaled(module, x):
    """The scale and the shift of a norm, where it has them."""
    x = x if getattr(module, "weight", None) is None else x * module.weight
    return x if getattr(module, "bias", None) is None else x + module.bias


class BatchNormEpsOutside(nn.BatchNorm1d):
    """With eps outside of the root, as `eps_placement = "std"` has it. In evaluation mode alone."""

    def forward(self, x):
        return scaled(self, (x - self.running_mean) / (self.running_var.sqrt() + self.eps))


class RowNormEpsOutside(nn.Module):
    """The same of a norm of rows: layer, group or RMS."""

    def __init__(self, units, groups, centres, eps, affine):
        super().__init__()
        self.groups, self.centres, self.eps = groups, centres, eps
        self.weight = nn.Parameter(torch.ones(units)) if affine else None
        self.bias = nn.Parameter(torch.zeros(units)) if affine and centres else None

    def forward(self, x):
        groups = x.reshape(len(x), self.groups, -1)
        if self.centres:
            groups = groups - groups.mean(2, keepdim=True)
        sd = groups.square().mean(2, keepdim=True).sqrt()
        return scaled(self, (groups / (sd + self.eps)).reshape(x.shape))


def norm_of(norm, units):
    """The norm of so many units; None without one, and of `weight`, which is folded into the Linear."""
    kind, eps, affine = norm["kind"], norm.get("eps"), norm.get("affine")
    if kind in ("none", "weight"):
        return None
    if norm.get("eps_placement") == "std":
        # torch's own norms have eps inside of the root.
        if kind in ("layer", "group", "rms"):
            groups = norm["groups"] if kind == "group" else 1
            return RowNormEpsOutside(units, groups, kind != "rms", eps, affine)
        return BatchNormEpsOutside(units, eps=eps, affine=affine)
    if kind == "layer":
        return nn.LayerNorm(units, eps=eps, elementwise_affine=affine)
    if kind == "group":
        return nn.GroupNorm(norm["groups"], units, eps=eps, affine=affine)
    if kind == "rms":
        return nn.RMSNorm(units, eps=eps, elementwise_affine=affine)
    if kind == "mean_only_batch":
        return MeanOnlyBatchNorm(units, affine)
    # Outside of training, ghost batches and renormalisation are batch norm.
    assert kind in ("batch", "ghost_batch", "batch_renorm"), kind
    return nn.BatchNorm1d(units, eps=eps, affine=affine)


def network(model, inputs, outputs):
    """The nn.Sequential whose state_dict a weights file is."""
    norm = model["norm"]
    at = norm.get("at", ["hidden"])
    modules, width = [], inputs
    if "input" in at and norm["kind"] != "none":
        modules.append(norm_of(norm, inputs))
    for units in model["hidden"]:
        own = norm_of(norm, units) if "hidden" in at else None
        after = norm.get("placement") == "after_activation"
        replaces_bias = own is not None and "batch" in norm["kind"] and not after
        modules.append(nn.Linear(width, units, bias=not replaces_bias))
        activation = ACTIVATIONS[model["activation"]]()
        pair = [activation, own] if after else [own, activation]
        modules += [module for module in pair if module is not None]
        if model["dropout"] > 0:
            modules.append(nn.Dropout(model["dropout"]))
        width = units
    modules.append(nn.Linear(width, outputs))
    return nn.Sequential(*modules)


def columns_of(column, cell, is_missing):
    """What a cell becomes."""
    if column["kind"] == "missing_indicator":
        return [float(is_missing)]
    if column["kind"] == "number":
        value = column["imputed"] if is_missing else float(cell)
        indicator = [float(is_missing)] if column["missing_indicator"] else []
        return [(value - column["mean"]) / column["sd"], *indicator]
    places = [float(not is_missing and cell == level) for level in column["levels"]]
    if column["missing_level"]:
        places.append(float(is_missing))
    return [*places, 1.0 - sum(places)]


def names_of(target):
    """The columns predicted."""
    return [target["name"]] if target["kind"] == "classes" else [c["name"] for c in target["columns"]]


def table(source, preprocessing):
    """Inputs and targets of all rows of a CSV file; targets are None where it lacks them."""
    inputs, names = preprocessing["inputs"], names_of(preprocessing["target"])
    rows, targets = [], []
    with open(source, newline="") as file:
        for record in csv.DictReader(file):
            cells = {name: cell.strip() for name, cell in record.items()}
            row = []
            for column in inputs["columns"]:
                cell = cells[column["name"]]
                row += columns_of(column, cell, cell in inputs["missing"])
            rows.append(row)
            targets.append([cells.get(name) for name in names])
    return np.array(rows), targets


def idx(path, header):
    opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def images(source, preprocessing):
    """Inputs and targets of all images of an IDX file; targets are None where it has no labels beside it."""
    inputs = preprocessing["inputs"]
    pixels = idx(source, 16).reshape(-1, inputs["height"] * inputs["width"]) / inputs["full_scale"]
    if "binarize" in inputs:
        pixels = (pixels > inputs["binarize"]).astype(float)
    beside = Path(str(source).replace("images-idx3", "labels-idx1"))
    labels = idx(beside, 8) if beside.is_file() else [None] * len(pixels)
    return (pixels - inputs["mean"]) / inputs["sd"], [[str(label)] for label in labels]


def losses(loss, outputs, targets, target):
    """Of each row."""
    if target["kind"] == "classes":
        classes = torch.tensor([target["classes"].index(of_row[0]) for of_row in targets])
        if loss == "cross_entropy":
            return nn.functional.cross_entropy(outputs, classes, reduction="none")
        if loss == "bce":
            each = nn.functional.binary_cross_entropy_with_logits
            return each(outputs[:, 0], classes.float(), reduction="none")
        wanted = nn.functional.one_hot(classes, outputs.shape[1]).float()
    else:
        values = np.array(targets, float)
        scales = [(column["mean"], column["sd"]) for column in target["columns"]]
        wanted = torch.tensor([[(v - mean) / sd for v, (mean, sd) in zip(row, scales)] for row in values])
    return ((outputs - wanted.float()) ** 2).mean(1)


def load(config, weights):
    """The network of a weights file, and its preprocessing."""
    with safe_open(weights, "pt") as file:
        preprocessing = json.loads(file.metadata()["preprocessing"])
        state = {name: file.get_tensor(name) for name in file.keys()}
    last = max(int(name.split(".")[0]) for name in state)
    first = min(int(name.split(".")[0]) for name in state if state[name].dim() == 2)
    model = network(config["model"], state[f"{first}.weight"].shape[1], state[f"{last}.weight"].shape[0])
    model.load_state_dict(state, strict=True)
    return model.eval(), preprocessing


def rows_of(source, preprocessing):
    """Inputs and targets of a source."""
    return (table if preprocessing["inputs"]["kind"] == "table" else images)(source, preprocessing)


def hold(source, training):
    """How far the losses of the test rows are from those recorded, at most; None where there are none."""
    config = json.loads((training / "run.json").read_text())["config"]
    with safe_open(training / "test_rows.safetensors", "pt") as file:
        recorded = {name: file.get_tensor(name) for name in file.keys()}
    worst = None
    for path in sorted(training.glob("weights-*.safetensors")):
        model, preprocessing = load(config, path)
        rows, targets = rows_of(source, preprocessing)
        test = recorded["rows"].tolist()
        with torch.no_grad():
            outputs = model(torch.tensor(rows[test], dtype=torch.float32))
            own = losses(config["training"]["loss"], outputs, [targets[row] for row in test], preprocessing["target"])
        epoch = path.stem.removeprefix("weights-").lstrip("0") or "0"
        difference = (own - recorded[f"{epoch}.loss"]).abs() / (1 + own.abs())
        worst = max(worst or 0.0, difference.max().item())
    return worst


def predictions(source, training):
    """The header and the rows of what `bnes predict --proba` writes of a training with one weights file."""
    config = json.loads((training / "run.json").read_text())["config"]
    (weights,) = training.glob("weights-*.safetensors")
    model, preprocessing = load(config, weights)
    rows, _ = rows_of(source, preprocessing)
    with torch.no_grad():
        outputs = model(torch.tensor(rows, dtype=torch.float32)).double()
    target = preprocessing["target"]
    if target["kind"] == "values":
        mean, sd = (torch.tensor([c[part] for c in target["columns"]]).double() for part in ("mean", "sd"))
        return names_of(target), (outputs * sd + mean).tolist()
    loss = config["training"]["loss"]
    if loss == "cross_entropy":
        outputs = outputs.softmax(1)
    elif loss == "bce":
        outputs = torch.cat([(-outputs).sigmoid(), outputs.sigmoid()], 1)
    header = [*names_of(target), *(f"p_{name}" for name in target["classes"])]
    classes = [target["classes"][place] for place in outputs.argmax(1)]
    return header, [[name, *shares] for name, shares in zip(classes, outputs.tolist())]


def main():
    if sys.argv[1] == "predict":
        header, rows = predictions(*map(Path, sys.argv[2:]))
        csv.writer(sys.stdout).writerows([header, *rows])
        return
    source, *trainings = map(Path, sys.argv[1:])
    failed = False
    for training in trainings:
        worst = hold(source, training)
        failed |= worst is None or not worst <= 1e-5
        print(f"{training.name}: " + ("no weights" if worst is None else f"losses differ by {worst:.1e} at most"))
    sys.exit(failed)


if __name__ == "__main__":
    main()
