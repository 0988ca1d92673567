"""Kinetics of one's own, from a file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net.errors import ConfigurationError, MFNError
from mycelium_fractal_net.fields.models._base import get_kinetics, list_kinetics

__all__ = ["load_kinetics_file"]


def load_kinetics_file(path: str | Path) -> list[str]:
    """Run a Python file that registers kinetics of one's own, and return their names.

    Parameters
    ----------
    path : str or Path
        A file with functions under :func:`kinetics`. It is run as a program: name no file that you do not trust.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or run, or registers none.
    """
    text = read_bytes(Path(path))
    before = {name: get_kinetics(name) for name in list_kinetics()}
    module = ModuleType(f"mfn_kinetics_{Path(path).stem}")
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), "exec"), vars(module))  # noqa: S102 # what the caller asks for
    except MFNError:
        raise
    except Exception as error:
        raise ConfigurationError(f"{path} cannot be run: {type(error).__name__}: {one_line(error)}") from error
    names = [name for name in list_kinetics() if before.get(name) is not get_kinetics(name)]
    if not names:
        raise ConfigurationError(f"{path} registers no kinetics; put @mfn.kinetics(...) over a function in it")
    return names
