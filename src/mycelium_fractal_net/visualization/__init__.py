"""Pictures of fields and of what was measured on them; needs the extra ``visualization``."""

from mycelium_fractal_net.visualization.animation import save_animation
from mycelium_fractal_net.visualization.explorer import explore
from mycelium_fractal_net.visualization.figures import (
    box_counting_figure,
    dispersion_figure,
    field_figure,
    overview_figure,
    save_figure,
)
from mycelium_fractal_net.visualization.films import save_film
from mycelium_fractal_net.visualization.montage import montage_figure
from mycelium_fractal_net.visualization.phases import category_map_figure, number_map_figure, picture_map_figure

__all__ = [
    "box_counting_figure",
    "category_map_figure",
    "dispersion_figure",
    "explore",
    "field_figure",
    "montage_figure",
    "number_map_figure",
    "overview_figure",
    "picture_map_figure",
    "save_animation",
    "save_figure",
    "save_film",
]
