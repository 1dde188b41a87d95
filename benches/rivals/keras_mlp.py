"""Keras 3 on JAX: `fit` with validation data; the first epoch, which compiles, does not count."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import rival

work = rival.arguments()
rival.one_core_if_one_thread(work.threads)

import keras  # after the thread limit: XLA counts the cores when it is loaded


class Ends(keras.callbacks.Callback):
    """Starts a clock after the first epoch and reads it after every later one."""

    clock = None

    def on_epoch_end(self, epoch, logs=None):
        if self.clock is None:
            self.clock = rival.Clock()
        self.seconds = self.clock.read()


def network():
    layers = [keras.Input((work.inputs,))]
    for units in work.hidden:
        norm = work.norm == "batch"
        layers.append(keras.layers.Dense(units, use_bias=not norm))
        if norm:
            # Keras's momentum is the weight of the old statistics.
            layers.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        layers.append(keras.layers.Activation(work.activation))
    layers.append(keras.layers.Dense(work.classes))
    return keras.Sequential(layers)


keras.utils.set_random_seed(work.seed)
(inputs, labels), (held_out, answers) = rival.data(work)
model = network()
if work.optimizer == "adam":
    optimizer = keras.optimizers.Adam(work.lr)
else:
    optimizer = keras.optimizers.SGD(work.lr, momentum=work.momentum)
model.compile(optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
ends = Ends()
fitted = model.fit(
    inputs,
    labels,
    batch_size=work.batch,
    epochs=1 + work.epochs,
    validation_data=(held_out, answers),
    validation_batch_size=len(held_out),
    callbacks=[ends],
    verbose=0,
)
rival.report(ends.seconds, fitted.history["val_accuracy"][-1])
