"""scikit-learn's MLPClassifier, an epoch a call, scored on the validation rows after each; it has no batch norm."""

from sklearn.neural_network import MLPClassifier

import rival


def train(work):
    (inputs, labels), (held_out, answers) = rival.data(work)
    model = MLPClassifier(
        work.hidden,
        activation="relu" if work.activation == "relu" else "logistic",
        solver=work.optimizer,
        alpha=0.0,
        batch_size=work.batch,
        learning_rate_init=work.lr,
        momentum=work.momentum,
        nesterovs_momentum=False,
        random_state=work.seed,
    )
    clock = rival.Clock()
    for _ in range(work.epochs):
        model.partial_fit(inputs, labels, classes=range(work.classes))
        accuracy = model.score(held_out, answers)
    return clock.read(), accuracy


if __name__ == "__main__":
    work = rival.arguments()
    if work.norm == "batch":
        raise SystemExit("scikit-learn has no batch norm: --norm none")
    if work.seeds > 1:
        clock = rival.Clock()
        accuracy = rival.sweep(train, rival.varied(work, ["none", "none"]), work.threads)
        rival.report(clock.read(), accuracy)
    else:
        rival.report(*train(work))
