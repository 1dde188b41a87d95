"""JAX at its best: an epoch is one compiled program, a scan over the batches with gather, step and validation pass."""

import rival

work = rival.arguments()
rival.one_core_if_one_thread(work.threads)

import jax  # after the thread limit: XLA counts the cores when it is loaded
import jax.numpy as jnp
import numpy

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
NEW_STATISTICS = 0.1


def initial(key, norm):
    """Parameters, running statistics and what the optimiser remembers."""
    widths = [work.inputs, *work.hidden, work.classes]
    parameters, statistics = [], []
    for layer, (fan_in, units) in enumerate(zip(widths, widths[1:])):
        key, own = jax.random.split(key)
        weight = jax.random.uniform(own, (fan_in, units), minval=-1, maxval=1) / fan_in**0.5
        if norm and layer < len(work.hidden):
            parameters.append({"weight": weight, "scale": jnp.ones(units), "shift": jnp.zeros(units)})
            statistics.append((jnp.zeros(units), jnp.ones(units)))
        else:
            parameters.append({"weight": weight, "shift": jnp.zeros(units)})
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    memory = (zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros(())) if work.optimizer == "adam" else zeros
    return parameters, statistics, memory


def outputs(parameters, statistics, rows, training):
    activation = jax.nn.relu if work.activation == "relu" else jax.nn.sigmoid
    renewed = []
    for layer, own in enumerate(parameters[:-1]):
        rows = rows @ own["weight"]
        if "scale" in own:
            mean, variance = statistics[layer]
            if training:
                old, count = (mean, variance), rows.shape[0]
                mean, variance = rows.mean(0), rows.var(0)
                unbiased = variance * (count / (count - 1))
                renewed.append(tuple(
                    (1 - NEW_STATISTICS) * before + NEW_STATISTICS * now
                    for before, now in zip(old, (mean, unbiased))
                ))
            rows = (rows - mean) * (jax.lax.rsqrt(variance + 1e-5) * own["scale"])
        rows = activation(rows + own["shift"])
    return rows @ parameters[-1]["weight"] + parameters[-1]["shift"], renewed


def cross_entropy(logits, labels):
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits, axis=1) - chosen).mean()


def updated(parameters, memory, gradients):
    if work.optimizer == "sgd":
        memory = jax.tree.map(lambda speed, slope: work.momentum * speed + slope, memory, gradients)
        return jax.tree.map(lambda weight, speed: weight - work.lr * speed, parameters, memory), memory
    first, second, steps = memory
    steps = steps + 1
    first = jax.tree.map(lambda old, slope: BETA1 * old + (1 - BETA1) * slope, first, gradients)
    second = jax.tree.map(lambda old, slope: BETA2 * old + (1 - BETA2) * slope * slope, second, gradients)
    rate, correction = work.lr / (1 - BETA1**steps), 1 - BETA2**steps
    parameters = jax.tree.map(
        lambda weight, m, v: weight - rate * m / (jnp.sqrt(v / correction) + EPSILON), parameters, first, second
    )
    return parameters, (first, second, steps)


def epoch(state, order, train, validation):
    """The state after an epoch in this order of rows, its training loss, the validation loss and accuracy."""

    def step(state, batch):
        parameters, statistics, memory = state
        rows, labels = train[0][batch], train[1][batch]

        def loss(parameters):
            logits, renewed = outputs(parameters, statistics, rows, True)
            return cross_entropy(logits, labels), renewed

        (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(parameters)
        parameters, memory = updated(parameters, memory, gradients)
        return (parameters, statistics, memory), value * batch.shape[0]

    whole = len(order) // work.batch * work.batch
    state, losses = jax.lax.scan(step, state, order[:whole].reshape(-1, work.batch))
    total = losses.sum()
    if whole < len(order):
        state, last = step(state, order[whole:])
        total += last
    logits, _ = outputs(state[0], state[1], validation[0], False)
    accuracy = (logits.argmax(1) == validation[1]).mean()
    return state, (total / len(order), cross_entropy(logits, validation[1]), accuracy)


def train(norm, seeds):
    """All `seeds` trainings as one program, each with an order of its own."""
    data = [(jnp.asarray(inputs), jnp.asarray(labels)) for inputs, labels in rival.data(work)]
    random = numpy.random.default_rng(work.seed)
    rows = len(data[0][1])

    if seeds > 1:
        state = jax.vmap(lambda key: initial(key, norm))(jax.random.split(jax.random.key(work.seed), seeds))
        order = lambda: numpy.stack([random.permutation(rows) for _ in range(seeds)])
        program = jax.vmap(epoch, in_axes=(0, 0, None, None))
    else:
        state = initial(jax.random.key(work.seed), norm)
        order = lambda: random.permutation(rows)
        program = epoch
    compiled = jax.jit(program, donate_argnums=0).lower(state, order(), *data).compile()

    clock = rival.Clock()
    for _ in range(work.epochs):
        state, curves = compiled(state, order(), *data)
    jax.block_until_ready((state, curves))
    return clock.read(), numpy.asarray(curves[2]).mean()


if work.seeds > 1:
    clock = rival.Clock()
    accuracies = [train(norm, work.seeds)[1] for norm in (False, True)]
    rival.report(clock.read(), sum(accuracies) / len(accuracies))
else:
    rival.report(*train(work.norm == "batch", 1))
