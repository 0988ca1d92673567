"""Names that load at their first use: one mechanism for every package that has them.

A package lists its public names once, as imports and ``__all__`` in the stub ``__init__.pyi`` beside it. Type checkers
and editors read the stub as it is; `attach` reads in it where each name lives.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["attach", "need", "resolve"]


def attach(
    package: str, *, extra: str | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return what a package needs as ``__getattr__``, ``__dir__`` and ``__all__``.

    Parameters
    ----------
    package : str
        Its ``__name__``; ``__init__.pyi`` lies beside its ``__init__.py``.
    extra : str, optional
        The extra to name in the error where a submodule needs a package that is not installed.
    """
    homes, public = _read_stub(package)

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        home = homes[name]
        module = _import(f"{package}.{home or name}", extra)
        value = getattr(module, name) if home else module
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(public), public


def resolve(target: str) -> Any:
    """Import ``package.module:name`` and return what stands there."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


def _read_stub(package: str) -> tuple[dict[str, str], list[str]]:
    """Return the submodule of each name (none for a submodule itself), and the public names."""
    specification = sys.modules[package].__spec__
    path = f"{specification.origin}i"  # type: ignore[union-attr] # a package that is being imported has one
    tree = ast.parse(specification.loader.get_data(path), path)  # type: ignore[union-attr] # of files and of archives
    homes: dict[str, str] = {}
    public: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            homes |= {alias.asname or alias.name: node.module or "" for alias in node.names}
        elif isinstance(node, ast.Assign):
            public = ast.literal_eval(node.value)
    return homes, public


def need(target: str, extra: str) -> Any:
    """Do the same with what an extra brings.

    Raises
    ------
    MissingExtraError
        Without the extra; it says how to install it.
    """
    module, name = target.split(":")
    return getattr(_import(module, extra), name)


def _import(module: str, extra: str | None) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if extra is None or error.name is None or error.name.partition(".")[0] == __name__.partition(".")[0]:
            raise
        from mycelium_fractal_net.errors import MissingExtraError

        raise MissingExtraError.for_extra(extra, error.name) from None
