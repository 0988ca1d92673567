"""What a wheel is, where kernels have been built ahead: of one platform, with them, and without need of a compiler.

`MFN_WHEEL_MACHINE` makes the wheel of another machine than this one, such as aarch64.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_LIBRARIES = Path("src/mycelium_fractal_net/_compiled/libraries")
_PLATFORM = "manylinux_2_17"  # the oldest C library that has what the kernels are linked to; `make kernels` checks it


def _libraries(root: str) -> list[str]:
    """Return the paths of the libraries for the wheel's machine."""
    machine = os.environ.get("MFN_WHEEL_MACHINE", platform.machine()).replace("_", "-")
    return [str(path.relative_to(root)) for path in sorted((Path(root) / _LIBRARIES).glob(f"kernels-{machine}*.so"))]


class Dependencies(MetadataHookInterface):
    """Require a compiler where no kernels are carried."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Write the dependencies."""
        compiler = [] if _libraries(self.root) else self.config["without-libraries"]
        metadata["dependencies"] = sorted([*self.config["dependencies"], *compiler])


class Kernels(BuildHookInterface[Any]):
    """Carry the kernels of one machine, and say so in the wheel's name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the libraries, unless the wheel only points to this directory."""
        libraries = _libraries(self.root)
        if version == "editable" or not libraries:
            return
        machine = os.environ.get("MFN_WHEEL_MACHINE", platform.machine())
        build_data["artifacts"] += libraries
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_PLATFORM}_{machine}"
