"""Fractal geometry of masks and measures: box counting, lacunarity, generalised dimensions, IFS."""

from mycelium_fractal_net.fractals._table import early_scales, fast_box_dimension
from mycelium_fractal_net.fractals.box_counting import BoxCounting, box_counting_dimension
from mycelium_fractal_net.fractals.generalised import GeneralisedDimensions, generalised_dimensions
from mycelium_fractal_net.fractals.ifs import IFS, generate_ifs, list_ifs
from mycelium_fractal_net.fractals.lacunarity import lacunarity
from mycelium_fractal_net.fractals.similarity import similarity_dimension

__all__ = [
    "IFS",
    "BoxCounting",
    "GeneralisedDimensions",
    "box_counting_dimension",
    "early_scales",
    "fast_box_dimension",
    "generalised_dimensions",
    "generate_ifs",
    "lacunarity",
    "list_ifs",
    "similarity_dimension",
]
