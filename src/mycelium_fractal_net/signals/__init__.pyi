from .changes import Change, cusum, page_hinkley, pelt
from .report import Signal, raise_signal
from .slowing import STATISTICS, EarlyWarning, early_warning
from .spatial import morans_i, spatial_skewness, spatial_variance
from .trend import ar1_surrogates, kendall_tau, phase_surrogates
from .windows import autocorrelation, reddening, rolling, skewness, smoothed, variance

__all__ = [
    "STATISTICS",
    "Change",
    "EarlyWarning",
    "Signal",
    "ar1_surrogates",
    "autocorrelation",
    "cusum",
    "early_warning",
    "kendall_tau",
    "morans_i",
    "page_hinkley",
    "pelt",
    "phase_surrogates",
    "raise_signal",
    "reddening",
    "rolling",
    "skewness",
    "smoothed",
    "spatial_skewness",
    "spatial_variance",
    "variance",
]
