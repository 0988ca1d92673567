"""Fractal geometry of masks and measures: box counting, lacunarity, generalised dimensions, IFS."""

from mycelium_fractal_net.fractals._table import fast_box_dimension
from mycelium_fractal_net.fractals.box_counting import BoxCounting, box_counting_dimension

__all__ = ["BoxCounting", "box_counting_dimension", "fast_box_dimension"]
