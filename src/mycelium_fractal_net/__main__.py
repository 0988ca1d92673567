"""``python -m mycelium_fractal_net``, which is ``mfn``."""

import sys

from mycelium_fractal_net.cli import main

__all__: list[str] = []

sys.exit(main())
