"""A scikit-learn pipeline that says whether a tumour is malignant. No torch, no Lightning."""

from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODELS = {
    "logistic": lambda seed: LogisticRegression(max_iter=5000, random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(max_iter=40, random_state=seed),
}


def train(config: dict[str, Any], seed: int) -> dict[str, float]:
    """Fit on two thirds of the table and measure on the rest; the seed draws the split, the same for every arm."""
    x, y = load_breast_cancer(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x, y, test_size=1 / 3, random_state=seed, stratify=y)
    steps = [
        *([StandardScaler()] if config["scale"] else []),
        *([PCA(config["pca"], random_state=seed)] if config["pca"] else []),
        MODELS[config["model"]](seed),
    ]
    pipeline = make_pipeline(*steps).fit(x, y)
    chances = pipeline.predict_proba(x_val)
    return {
        "val_loss": log_loss(y_val, chances),
        "val_accuracy": accuracy_score(y_val, chances.argmax(1)),
    }
