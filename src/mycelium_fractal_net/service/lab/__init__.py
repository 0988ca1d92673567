"""The lab: a page that grows a field in the browser, through the public API alone."""

from mycelium_fractal_net.service.lab.assets import Asset, packaged_assets
from mycelium_fractal_net.service.lab.catalogue import lab_catalogue

__all__ = ["Asset", "lab_catalogue", "packaged_assets"]
