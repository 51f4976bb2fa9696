"""Functions that a user may train with."""

from own_data import examples
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor


def train(config, seed, context):
    x, y = examples()
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, random_state=seed)
    tree = DecisionTreeRegressor(max_depth=config["tree"]["depth"], random_state=seed).fit(x, y)
    context.beat()
    return {"val_mae": mean_absolute_error(y_val, tree.predict(x_val))}


def epochs(config, seed):
    for epoch in range(config["epochs"] - seed):  # the second seed stops early
        yield {"score": config["rate"] * (epoch + 1) + 0.01 * seed, "cost": 1}


def nothing(config):
    pass


def other(config):
    return {"loss": 1.0}


def words(config):
    yield "done"


def zero(config):
    yield {"epoch": 0, "val_mae": 1.0}


def four(a, b, c, d):
    return {"val_mae": 1.0}
