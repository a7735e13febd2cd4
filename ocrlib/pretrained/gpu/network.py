"""The network of `ocrlib.network.crnn` in PyTorch: the same weights give the same probabilities.

Letters: B lines, H height, W padded width, f filters, T time steps, C classes.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ocrlib.pretrained.gpu.arrays import Shape

_EPSILON, _MOMENTUM = 1e-3, 0.03  # of batch normalisation; here the momentum is the share of the new value
_DROPOUT = 0.1
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


class Crnn(nn.Module):
    """(B, H, W) gray levels and (B,) widths -> (T, B, C) logarithms of probabilities, float32."""

    def __init__(self, shape: Shape, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.shape = shape
        self.kernels, self.norms = nn.ParameterDict(), nn.ModuleDict()
        for name, (strides, _) in shape.convolutions.items():
            kernel = torch.from_numpy(weights[f"{name}/kernel"].copy())
            kernel = kernel[None] if len(strides) == 1 else kernel  # along the line: one row high
            self.kernels[name] = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
            self.norms[name] = nn.BatchNorm2d(kernel.shape[-1], eps=_EPSILON, momentum=_MOMENTUM)
            for theirs, ours in _NORM.items():
                getattr(self.norms[name], theirs).data.copy_(torch.from_numpy(weights[f"{_norm(name)}/{ours}"]))
        kernel = torch.from_numpy(weights["characters/dense/kernel"])
        self.dense = nn.Linear(*kernel.shape)
        self.dense.weight.data.copy_(kernel.T)
        self.dense.bias.data.copy_(torch.from_numpy(weights["characters/dense/bias"]))

    def weights(self) -> dict[str, np.ndarray]:
        """Returns the weights under their Keras names."""
        found = {}
        for name, (strides, _) in self.shape.convolutions.items():
            kernel = self.kernels[name].permute(2, 3, 1, 0)
            found[f"{name}/kernel"] = _numpy(kernel[0] if len(strides) == 1 else kernel)
            for theirs, ours in _NORM.items():
                found[f"{_norm(name)}/{ours}"] = _numpy(getattr(self.norms[name], theirs))
        found["characters/dense/kernel"] = _numpy(self.dense.weight.T)
        found["characters/dense/bias"] = _numpy(self.dense.bias)
        return found

    def forward(self, gray: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.autocast(gray.device.type, enabled=False):
            x = levels(gray, width)[:, None].contiguous(memory_format=torch.channels_last)
        stride, block = 1, 1
        while (name := f"conv{block}") in self.kernels:
            stride *= self.shape.convolutions[name][0][1]
            x = self._convolve(x, name, width, stride)
            if (name := f"refine{block}") in self.kernels:
                x = x + self._convolve(x, name, width, stride)
            block += 1
        lines, filters, rows, columns = x.shape
        x = x.permute(0, 2, 1, 3).reshape(lines, rows * filters, 1, columns)
        x = functional.dropout(x, _DROPOUT, self.training).contiguous(memory_format=torch.channels_last)
        x = self._convolve(x, "line", width, stride)
        place = 1
        while (name := f"line{place}") in self.kernels:
            x = x + self._convolve(x, name, width, stride)
            place += 1
        x = functional.dropout(x, _DROPOUT, self.training)
        with torch.autocast(gray.device.type, enabled=False):
            return functional.log_softmax(self.dense(x[:, :, 0].permute(2, 0, 1).float()), dim=-1)

    def _convolve(self, x: torch.Tensor, name: str, width: torch.Tensor, stride: int) -> torch.Tensor:
        """Convolution, batch normalisation, ReLU, and 0 right of the true width."""
        strides, dilation = self.shape.convolutions[name]
        kernel = self.kernels[name]
        if len(strides) == 1:
            x = functional.conv2d(x, kernel, padding=(0, dilation), dilation=(1, dilation))
        else:
            # As TensorFlow pads: with stride 2 below and to the right only.
            down, across = strides
            x = functional.conv2d(functional.pad(x, (2 - across, 1, 2 - down, 1)), kernel, stride=(down, across))
        x = functional.relu(self.norms[name](x))
        own = torch.arange(x.shape[3], device=x.device)[None, :] < (-(-width // stride))[:, None]
        return x * own[:, None, None, :].to(x.dtype)


def levels(gray: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """(B, H, W) gray levels to ink, 0 right of the true width: `network.levels.Levels`, which explains it."""
    window = 2 * gray.shape[1] + 1
    own = (torch.arange(gray.shape[2], device=gray.device)[None, :] < width[:, None]).float()

    def around(pixels: torch.Tensor) -> torch.Tensor:
        mean = pixels.mean(1, keepdim=True)
        return functional.avg_pool1d(mean, window, 1, window // 2, count_include_pad=False)[:, 0]

    def mean(total: torch.Tensor, number: torch.Tensor, otherwise: Any) -> torch.Tensor:
        return (total + 1e-6 * otherwise) / (number + 1e-6)

    inside = own[:, None, :].expand_as(gray)
    threshold = mean(around(inside * gray), around(inside), 0.0)
    for _ in range(2):
        above = inside * (gray - threshold[:, None, :] + 0.5).clamp(0, 1)
        below = inside - above
        bright = mean(around(above * gray), around(above), threshold)
        dark = mean(around(below * gray), around(below), threshold)
        threshold = (bright + dark) / 2
    contrast = (bright - dark) * own
    vote = (contrast * (above - below).mean(1)).sum(1, keepdim=True)
    typical = (contrast**2).sum(1, keepdim=True) / contrast.sum(1, keepdim=True).clamp(min=4.0)
    sign = torch.where(vote >= 0, 1.0, -1.0)
    contrast = torch.maximum(contrast, 0.25 * typical).clamp(min=4.0)
    paper = torch.where(vote >= 0, bright, dark)
    return ((paper[:, None, :] - gray) * (sign * own / contrast)[:, None, :]).clamp(-1, 2)


def _norm(convolution: str) -> str:
    """Returns the Keras name of the normalisation behind a convolution."""
    if convolution.startswith("conv"):
        return f"block{convolution.removeprefix('conv')}_norm"
    return f"{convolution}_norm" if convolution.startswith("refine") else f"{convolution}_block_norm"


def _numpy(weights: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(weights.detach().float().cpu().numpy())
