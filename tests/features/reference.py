"""The features once more, from NumPy, SciPy and the definitions alone."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from mycelium_fractal_net.features._kernels_temporal import BLOCK_ROWS, GROUP_ROWS

Array = NDArray[np.float64]


def history(frames: int = 12, rows: int = 40, columns: int = 37, seed: int = 1) -> Array:
    walk = np.random.default_rng(seed).normal(0.0, 1.5, (frames, rows, columns)).cumsum(axis=0)
    smooth: Array = ndimage.gaussian_filter(walk, (0, 2, 2), mode="wrap") * 8.0 - 60.0
    return smooth


def component_sizes(mask: NDArray[np.bool_], connectivity: int, periodic: bool) -> list[int]:
    """Label nine copies side by side, and join labels that are copies of one another, until nothing changes."""
    structure = np.ones((3, 3)) if connectivity == 8 else None
    if not periodic:
        labels, _ = ndimage.label(mask, structure)
        return sorted(np.bincount(labels.ravel())[1:].tolist())
    tiled, count = ndimage.label(np.tile(mask, (3, 3)), structure)
    rows, columns = mask.shape
    group = list(range(count + 1))

    def find(label: int) -> int:
        while group[label] != label:
            label = group[label]
        return label

    copies = tiled.reshape(3, rows, 3, columns).transpose(1, 3, 0, 2).reshape(-1, 9)
    for cell in copies[mask.ravel()].tolist():
        for one, other in pairwise(cell):
            group[find(one)] = find(other)
    found = [find(int(label)) for label in tiled[:rows, :columns][mask]]
    return sorted(np.bincount(found)[np.bincount(found) > 0].tolist()) if found else []


def step_statistics(frames: NDArray[np.floating]) -> Array:
    """Add in the documented order: four rows, down the block, columns by halves, block after block."""
    return np.array([_between(a, b) for a, b in pairwise(frames.astype(np.float64))]).reshape(-1, 5)


def _between(before: Array, after: Array) -> Array:
    total = np.zeros(5)
    for top in range(0, len(before), BLOCK_ROWS):
        block = _columns(before[top : top + BLOCK_ROWS], after[top : top + BLOCK_ROWS])
        while block.shape[1] > 1:
            half = (block.shape[1] + 1) // 2
            left, right = block[:, :half].copy(), block[:, half:]
            width = right.shape[1]
            largest = np.maximum(left[1, :width], right[1])
            left[:, :width] += right
            left[1, :width] = largest
            block = left
        largest = max(total[1], block[1, 0])
        total += block[:, 0]
        total[1] = largest
    return total


def _columns(before: Array, after: Array) -> Array:
    sums = np.zeros((5, before.shape[1]))
    for top in range(0, len(before), GROUP_ROWS):
        b = before[top : top + GROUP_ROWS]
        d = after[top : top + GROUP_ROWS] - b
        for row, terms in enumerate((abs(d), None, d, d * d, b * b)):
            if terms is None:
                sums[1] = np.maximum(sums[1], abs(d).max(axis=0))
            elif len(b) == GROUP_ROWS:
                sums[row] += (terms[0] + terms[1]) + (terms[2] + terms[3])
            else:
                for term in terms:
                    sums[row] += term
    return sums


def rest(frames: Array, share: float = 0.01, window: int = 10) -> int:
    """First step from which the median over a window of the mean change stays below a share of the spread."""
    means = frames.mean(axis=(1, 2))
    spread = max(frames.std(axis=(1, 2)).max(), abs(means - means[0]).max())
    moves = abs(np.diff(frames, axis=0)).mean(axis=(1, 2)) > share * spread
    framed = np.pad(moves, (window // 2, (window - 1) // 2), mode="edge")
    busy = np.lib.stride_tricks.sliding_window_view(framed, window).sum(axis=1) * 2 > window
    first = int(np.flatnonzero(busy).max(initial=-1)) + 2
    return first if len(moves) - first + 1 >= window else len(moves)


def features(frames: Array, periodic: bool) -> dict[str, float]:
    """All but the two of box counting, straight from the table of definitions."""
    last, changes = frames[-1], np.diff(frames, axis=0)
    sizes = [component_sizes(last > level, 4, periodic) for level in (-60.0, -50.0, -40.0)]
    energies = (frames**2).mean(axis=(1, 2))
    return {
        "V_min": last.min(),
        "V_max": last.max(),
        "V_mean": last.mean(),
        "V_std": last.std(),
        "V_skew": stats.skew(last, None),
        "V_kurt": stats.kurtosis(last, None),
        "dV_mean": abs(changes).mean(),
        "dV_max": abs(changes).max(),
        "T_stable": rest(frames),
        "E_trend": np.polyfit(np.arange(len(frames)), energies, 1)[0],
        "f_active": (last > -60.0).mean(),
        "N_clusters_low": len(sizes[0]),
        "N_clusters_med": len(sizes[1]),
        "N_clusters_high": len(sizes[2]),
        "max_cluster_size": max(sizes[0], default=0),
        "cluster_size_std": np.std(sizes[0]) if sizes[0] else 0.0,
    }
