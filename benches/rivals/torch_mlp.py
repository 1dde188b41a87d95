"""PyTorch as its users write it: eager, with a fused optimiser and batches gathered by index."""

import torch
import torch.nn.functional as functional

import rival

NORMS = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}


def network(work):
    layers, width = [], work.inputs
    for units in work.hidden:
        layers.append(torch.nn.Linear(width, units, bias=work.norm != "batch"))
        if work.norm != "none":
            layers.append(NORMS[work.norm](units))
        layers.append(torch.nn.ReLU() if work.activation == "relu" else torch.nn.Sigmoid())
        width = units
    layers.append(torch.nn.Linear(width, work.classes))
    return torch.nn.Sequential(*layers)


def train(work):
    torch.set_num_threads(work.threads)
    torch.manual_seed(work.seed)
    (inputs, labels), (held_out, answers) = (
        (torch.from_numpy(x), torch.from_numpy(y)) for x, y in rival.data(work)
    )
    model = network(work)
    if work.optimizer == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=work.lr, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=work.lr, momentum=work.momentum, fused=True)

    clock = rival.Clock()
    for _ in range(work.epochs):
        model.train()
        total = torch.zeros(())
        for batch in torch.randperm(len(inputs)).split(work.batch):
            loss = functional.cross_entropy(model(inputs[batch]), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        model.eval()
        with torch.no_grad():
            outputs = model(held_out)
            functional.cross_entropy(outputs, answers).item()
            accuracy = (outputs.argmax(1) == answers).float().mean().item()
        total.item()
    return clock.read(), accuracy


if __name__ == "__main__":
    work = rival.arguments()
    if work.seeds > 1:
        clock = rival.Clock()
        accuracy = rival.sweep(train, rival.varied(work, ["none", "batch"]), work.threads)
        rival.report(clock.read(), accuracy)
    else:
        rival.report(*train(work))
