"""Principal components (Pearson, 1901): many numbers a point as the few that say most of how the points differ."""

import torch
from torch import Tensor


def principal_components(points: Tensor, count: int = 2) -> tuple[Tensor, Tensor]:
    """Return the first principal components of points, and the share of the variance that each explains.

    Args:
        points: (point, dim).
        count: how many components.

    Returns:
        (point, count) float64, in falling order of variance; zeros beyond the dims. The sign of a component, which is
        arbitrary, is chosen so that its largest loading is positive. And (count,) float64, between 0 and 1.

    Example:
        >>> components, shares = principal_components(torch.tensor([[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]]))
        >>> components[:, 0].round(decimals=6).tolist(), shares[0].item()
        ([-2.5, 2.5], 1.0)
    """
    centred = points.double() - points.double().mean(dim=0)
    wide = centred.shape[1] > centred.shape[0]  # the smaller of the two Gram matrices has the same variances
    variances, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    variances, vectors = variances.flip(0)[:count].clamp_min(0), vectors.flip(1)[:, :count]
    loadings = torch.nn.functional.normalize(centred.T @ vectors, dim=0) if wide else vectors
    loadings = loadings * loadings.gather(0, loadings.abs().argmax(dim=0, keepdim=True)).sign()
    total = centred.square().sum().clamp_min(torch.finfo(torch.float64).tiny)
    missing = count - loadings.shape[1]
    components = torch.nn.functional.pad(centred @ loadings, (0, missing))
    return components, torch.nn.functional.pad(variances / total, (0, missing)).clamp_max(1)
