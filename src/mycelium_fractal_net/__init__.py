"""MyceliumFractalNet: parameters become a field, the field becomes numbers somebody can use.

The public names load on first use, so that importing the package stays quick; so do the rooms they live in, as
``mfn.features`` and ``mfn.federated``.

>>> import mycelium_fractal_net as mfn
>>> mfn.FEATURE_NAMES[0]
'D_box'
>>> mfn.federated.Median()([[1.0], [2.0], [9.0]])
array([2.])
"""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
