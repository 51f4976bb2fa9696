"""A small U-Net that knows nothing of attention."""

import torch
from torch import Tensor, nn


class Step(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h, w)."""
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class UNet(nn.Module):
    """Images (n, 3, h, w) to one logit for each pixel (n, 1, h, w); h and w are multiples of 4."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            [Step(3, width), Step(width, 2 * width), Step(2 * width, 4 * width)]
        )
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose2d(4 * width, 2 * width, 2, 2),
                nn.ConvTranspose2d(2 * width, width, 2, 2),
            ]
        )
        self.decoder = nn.ModuleList([Step(4 * width, 2 * width), Step(2 * width, width)])
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        fine = self.encoder[0](x)
        middle = self.encoder[1](self.pool(fine))
        x = self.encoder[2](self.pool(middle))
        x = self.decoder[0](torch.cat((self.up[0](x), middle), 1))
        logits: Tensor = self.head(self.decoder[1](torch.cat((self.up[1](x), fine), 1)))
        return logits
