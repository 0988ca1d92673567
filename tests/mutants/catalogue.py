"""Bugs that a person could write, each one line: where, what, and the tests that should see it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant"]


class Mutant(NamedTuple):
    """One line of the package, and the same line with a fault."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


BIOPHYSICS = ("tests/biophysics",)
FEATURES = ("tests/features/test_extract.py", "tests/features/test_clusters.py", "tests/features/test_temporal.py")
FIELDS = ("tests/fields/test_numerics.py", "tests/fields/test_models.py")
NINE = ("tests/fields/test_method.py",)
DYNAMICS = ("tests/dynamics",)
FRACTALS = ("tests/fractals/test_generalised.py", "tests/fractals/test_lacunarity.py", "tests/fractals/test_ifs.py")
BOXES = ("tests/fractals/test_verdict.py", "tests/fractals/test_box_counting.py", "tests/fractals/test_truth.py")
SPECTRUM = ("tests/features/test_spectrum.py",)
TOPOLOGY = ("tests/features/test_topology.py",)
FEDERATED = (
    "tests/federated/test_against_definitions.py",
    "tests/federated/test_worked_examples.py",
    "tests/federated/test_extremes.py",
)

MUTANTS = (
    Mutant("nernst-sign", "biophysics/nernst.py", "scale / z * (np.log(outside) - np.log(inside))",
           "scale / z * (np.log(inside) - np.log(outside))", BIOPHYSICS),
    Mutant("nernst-valence", "biophysics/nernst.py", "potential = scale / z *", "potential = scale * z *", BIOPHYSICS),
    Mutant("ghk-anions", "biophysics/ghk.py", "(outside, inside) if ion.valence > 0 else (inside, outside)",
           "(outside, inside)", BIOPHYSICS),
    Mutant("stdp-trace", "biophysics/stdp.py", "trace_post *= np.exp(-dt / rule.tau_minus_ms)",
           "trace_post *= np.exp(-dt / rule.tau_plus_ms)", BIOPHYSICS),
    Mutant("stdp-window", "biophysics/stdp.py", "rule.a_minus * np.exp(-distance / rule.tau_minus_ms)",
           "rule.a_minus * np.exp(-distance / rule.tau_plus_ms)", BIOPHYSICS),
    Mutant("stdp-room", "biophysics/stdp.py", "rise = rise * (rule.weight_max - weights)",
           "rise = rise * (weights - rule.weight_min)", BIOPHYSICS),
    Mutant("stdp-coincidence", "biophysics/stdp.py", "> coincidence_ms", "> 0.0", BIOPHYSICS),
    Mutant("active-threshold", "features/_kernels_summary.py", "field[i, j] > active_threshold",
           "field[i, j] >= active_threshold", FEATURES),
    Mutant("cluster-threshold", "features/_kernels_clusters.py", "if not row[j - 1] > threshold:",
           "if not row[j - 1] >= threshold:", FEATURES),
    Mutant("drive-sign", "fields/_kernels.py", "x + (drive if lives else zero)", "x - (drive if lives else zero)",
           FIELDS),
    Mutant("leak", "fields/_kernels.py", "(alpha * lap + leak * (rest - v))", "(alpha * lap + leak * (v - rest))",
           FIELDS),
    Mutant("laplacian", "fields/_kernels_laplacian.py",
           "((up[j] + down[j]) + (mid[j - 1] + mid[j + 1])) - four * mid[j]",
           "((up[j] + down[j]) + (mid[j - 1] + mid[j - 1])) - four * mid[j]", FIELDS),
    Mutant("nine-points", "fields/_kernels_laplacian.py",
           "(four * sides + corners - four * (four + one) * mid[j]) / six",
           "(four * sides + corners - four * (four + one) * mid[j]) / (six + one)", NINE),
    Mutant("schnakenberg", "fields/models/schnakenberg.py", "rate * (feed_h - autocatalysis)",
           "rate * (feed_h + autocatalysis)", FIELDS),
    Mutant("brusselator", "fields/models/brusselator.py", "rate * (feed - (control + 1) * a + autocatalysis)",
           "rate * (feed - control * a + autocatalysis)", FIELDS),
    Mutant("gray-scott", "fields/models/gray_scott.py", "autocatalysis - (feed + kill) * a", "autocatalysis - kill * a",
           FIELDS),
    Mutant("gierer-meinhardt", "fields/models/gierer_meinhardt.py", "rate * (square - decay_h * h)",
           "rate * (square - h)", FIELDS),
    Mutant("fitzhugh-nagumo", "fields/models/fitzhugh_nagumo.py", "- c_2 * a * h, recovery", "- c_2 * h, recovery",
           FIELDS),
    Mutant("mycelium", "fields/models/mycelium.py", "(a - 0.5) - beta * (h - 0.5) + bias",
           "(a - 0.5) - beta * h + bias", FIELDS),
    Mutant("growth", "dynamics/_estimate.py", "exponents = (self._total / self._count)[order] / unit",
           "exponents = (self._total / (self._count + 100))[order] / unit", DYNAMICS),
    Mutant("magnus", "dynamics/flows.py", "math.sqrt(3.0) / 12.0 * dt * dt", "math.sqrt(3.0) / 6.0 * dt * dt",
           DYNAMICS),
    Mutant("kaplan-yorke", "dynamics/maps.py", "return float(index + total / abs(exponent))",
           "return float(index + total)", DYNAMICS),
    Mutant("renyi", "fractals/generalised.py", "/ (1.0 - order)", "/ (2.0 - order)", FRACTALS),
    Mutant("renyi-offsets", "fractals/generalised.py", "fewest = sums[-1] == sums[-1].min()",
           "fewest = sums[-1] == sums[-1].max()", FRACTALS),
    Mutant("fewest-boxes", "fractals/_kernels_boxes.py", "fewest = min(fewest, int(folded.min()))",
           "fewest = min(fewest, int(folded.max()))", BOXES),
    Mutant("box-phases", "fractals/_kernels_boxes.py", "for phase in range(min(height, rows)):",
           "for phase in range(1):", BOXES),
    Mutant("largest-box", "fractals/_ladder.py", "max(min(side // 4, extent // 2), min(base**3, extent))",
           "max(min(side // 2, extent), min(base**3, extent))", BOXES),
    Mutant("slope", "fractals/_line.py", "slope = shared / spread_x", "slope = spread_y / shared", BOXES),
    Mutant("thickness", "fractals/_thick.py", "-np.log(scales + _THICKNESSES[:, None])",
           "-np.log(scales - _THICKNESSES[:, None])", BOXES),
    Mutant("straightness", "fractals/_verdict.py", "straight = thick.residual <= _RESIDUAL",
           "straight = thick.plain_residual <= _RESIDUAL", BOXES),
    Mutant("inner-cells", "fractals/_verdict.py", "inner = beside[:-2] & beside[1:-1] & beside[2:]",
           "inner = beside[:-2] | beside[1:-1] | beside[2:]", BOXES),
    Mutant("lacunarity", "fractals/lacunarity.py", "return boxes * squares / total**2",
           "return boxes * squares / total", FRACTALS),
    Mutant("interpolated-peak", "features/spectrum.py", "step * (2.0 * ratio - 1.0) / (1.0 + ratio) / side",
           "step * (2.0 * ratio - 1.0) / (1.0 + ratio)", SPECTRUM),
    Mutant("ring-mean", "features/spectrum.py", "power[held] / modes[held], modes[held])", "power[held], modes[held])",
           SPECTRUM),
    Mutant("evidence", "features/spectrum.py", "if trials * f.sf(contrast, *degrees) > _MOST_CHANCE:",
           "if f.sf(contrast, *degrees) > _MOST_CHANCE:", SPECTRUM),
    Mutant("longer-waves", "features/spectrum.py", "(wavenumber <= _LONGER * centre)", "(wavenumber <= 0.0 * centre)",
           SPECTRUM),
    Mutant("entropy", "features/topology.py", "-held * np.log(held)", "-held * np.log2(held)", TOPOLOGY),
    Mutant("bar-lengths", "features/topology.py", "lengths = bars[:, 0] - bars[:, 1]",
           "lengths = bars[:, 0] + bars[:, 1]", TOPOLOGY),
    Mutant("superlevels", "features/topology.py", "depth = -field", "depth = field", TOPOLOGY),
    Mutant("lasting-bars", "features/topology.py", "(each > least).sum()", "(each >= 0.0).sum()", TOPOLOGY),
    Mutant("krum-neighbours", "federated/krum.py", 'n - f - (2 if neighbors == "paper" else 1)',
           'n - f - (1 if neighbors == "paper" else 2)', FEDERATED),
    Mutant("trimmed-mean", "federated/trimmed_mean.py", "column_rank_mean(values, drop, len(values) - drop)",
           "column_rank_mean(values, drop, len(values))", FEDERATED),
    Mutant("median", "federated/_columns.py", "(n - 1) // 2, n // 2 + 1", "n // 2, n // 2 + 1", FEDERATED),
    Mutant("bulyan", "federated/bulyan.py", "nearest=keep - 2 * f", "nearest=keep - f", FEDERATED),
    Mutant("mixing", "federated/nearest_neighbor_mixing.py", "keep = len(values) - (self.f - lost)",
           "keep = len(values) - (self.f - lost) - 1", FEDERATED),
    Mutant("clipping", "federated/_passes.py", "return total / len(values), distances", "return total, distances",
           FEDERATED),
    Mutant("multi-krum", "federated/multi_krum.py", "[: self.m or len(values) - f]", "[: self.m or len(values)]",
           FEDERATED),
)  # fmt: skip
