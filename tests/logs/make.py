#!/usr/bin/env python3
"""Writes example logs anew with the tools that are installed, by hand, to compare them with those here:

    pip install keras jax scikit-learn lightgbm xgboost catboost optuna trackio mlflow tensorboardX
    tests/logs/make.py DIR

A tool that is not installed is passed over.
"""
import json
import os
import pathlib
import sys

VALIDATION = [2.0, 1.1, 0.95, float("nan")]
TRAINING = [2.1, 1.2, 0.8, 0.6]


def keras(to):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras
    import numpy

    x = numpy.random.default_rng(0).normal(size=(80, 4)).astype("float32")
    y = (x.sum(1) > 0).astype("int32")
    model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    log = keras.callbacks.CSVLogger(str(to / "log.csv"))
    history = model.fit(x, y, validation_split=0.2, epochs=4, verbose=0, callbacks=[log], validation_freq=2)
    (to / "history.json").write_text(json.dumps(history.history))


def sklearn(to):
    import numpy
    from sklearn.neural_network import MLPClassifier

    x = numpy.random.default_rng(0).normal(size=(80, 4))
    model = MLPClassifier((8,), early_stopping=True, max_iter=6, random_state=0).fit(x, x.sum(1) > 0)
    curves = {"loss_curve_": model.loss_curve_, "validation_scores_": model.validation_scores_}
    (to / "curves.json").write_text(json.dumps(curves))


def boosters(module):
    def write(to):
        import numpy

        x = numpy.random.default_rng(0).normal(size=(80, 4))
        y = (x.sum(1) > 0).astype(int)
        if module == "xgboost":
            import xgboost

            model = xgboost.XGBClassifier(n_estimators=6, eval_metric=["logloss", "auc"])
            model.fit(x, y, eval_set=[(x, y), (x[:20], y[:20])], verbose=False)
            result = model.evals_result()
        elif module == "lightgbm":
            import lightgbm

            result = {}
            sets = [lightgbm.Dataset(x, y), lightgbm.Dataset(x[:20], y[:20])]
            settings = {"objective": "binary", "metric": ["binary_logloss", "auc"], "verbose": -1}
            lightgbm.train(settings, sets[0], 6, valid_sets=sets, callbacks=[lightgbm.record_evaluation(result)])
        else:
            import catboost

            model = catboost.CatBoostClassifier(iterations=6, train_dir=str(to), verbose=False, eval_metric="AUC")
            model.fit(x, y, eval_set=(x[:20], y[:20]))
            return
        (to / "evals_result.json").write_text(json.dumps(result))

    return write


def optuna(to):
    import optuna

    def objective(trial):
        trial.suggest_categorical("norm", ["none", "batch"])
        for step, value in enumerate(VALIDATION):
            trial.report(value, step)
        return 0.95

    study = optuna.create_study(storage=f"sqlite:///{to}/study.db", study_name="digits")
    study.optimize(objective, 3)


def mlflow(to):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{to}/mlflow.db")
    mlflow.set_experiment("digits")
    for seed in range(2):
        with mlflow.start_run(run_name=f"none-s{seed}"):
            mlflow.log_params({"norm": "none", "seed": seed})
            for step, (loss, value) in enumerate(zip(TRAINING, VALIDATION)):
                mlflow.log_metrics({"loss": loss, "val_loss": value}, step=step)


def tensorboard(to):
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(to))
    for step, (loss, value) in enumerate(zip(TRAINING, VALIDATION)):
        writer.add_scalar("Loss/train", loss, step)
        writer.add_scalar("Loss/val", value, step)
    writer.close()


def main():
    root = pathlib.Path(sys.argv[1])
    tools = {"keras": keras, "sklearn": sklearn, "optuna": optuna, "mlflow": mlflow, "tensorboard": tensorboard}
    tools |= {name: boosters(name) for name in ("xgboost", "lightgbm", "catboost")}
    for name, write in tools.items():
        to = root / name
        to.mkdir(parents=True, exist_ok=True)
        try:
            write(to)
            print(f"{name}: written")
        except ImportError as missing:
            print(f"{name}: passed over, {missing}")


if __name__ == "__main__":
    main()
