"""Data of the user's own, in a file beside."""

from sklearn.datasets import load_diabetes


def examples():
    return load_diabetes(return_X_y=True)
