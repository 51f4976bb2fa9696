"""A small network that knows the digits 0 to 4, kept in `backbone.pt`: `python backbone.py`, some seconds."""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

FILE = Path("backbone.pt")


def network() -> nn.Sequential:
    """Images (n, 1, 8, 8) to features (n, 32)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def digits(of: range) -> tuple[Tensor, Tensor]:
    """Images and classes, counted from 0, of these digits."""
    x, y = load_digits(return_X_y=True)
    mine = (y >= of.start) & (y < of.stop)
    images = torch.tensor(x[mine] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return images, torch.tensor(y[mine] - of.start)


def main() -> None:
    """Train it, and keep its weights."""
    torch.manual_seed(0)
    x, y = digits(range(5))
    backbone, head = network(), nn.Linear(32, 5)
    optimiser = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(60):
        for batch in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            F.cross_entropy(head(backbone(x[batch])), y[batch]).backward()
            optimiser.step()
    print(f"{(head(backbone(x)).argmax(1) == y).float().mean():.3f} of the digits 0 to 4 are known")
    torch.save(backbone.state_dict(), FILE)


if __name__ == "__main__":
    main()
