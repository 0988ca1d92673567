"""Turn a traced kinetics into compiled kernels that are cached on disk.

The kernel template and the traced reaction become one Python module in the cache directory, named by a digest of
all that goes into it. Numba caches the machine code beside that module, so each kernel compiles once per machine.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.fields._trace import Trace

__all__ = ["cache_directory", "load_kernels"]

_PLACEHOLDER = "from mycelium_fractal_net.fields._reaction import reaction\n"
_lock = threading.Lock()
_loaded: dict[tuple[Trace, str], ModuleType] = {}


def cache_directory() -> Path:
    """Return the directory for generated kernels: ``$MFN_CACHE_DIR`` or the user's cache.

    Where neither can be written, a private temporary directory serves for the life of the process.
    """
    base = os.environ.get("MFN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    directory = Path(base) / "mycelium-fractal-net" / f"kernels-{__version__}"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        owned = directory.stat().st_uid == os.getuid() if hasattr(os, "getuid") else True
        if owned and os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass  # a read-only home is normal in containers
    private = tempfile.mkdtemp(prefix="mfn-kernels-")
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    return Path(private)


_directory: Path | None = None


def _template() -> tuple[str, str]:
    """Return the template's text and the text of what it imports, which the digest must cover."""
    here = Path(__file__).parent
    imported = (here / "_kernels_frame.py", here.parent / "features" / "_kernels_temporal.py")
    return (here / "_kernels.py").read_text("utf-8"), "\0".join(path.read_text("utf-8") for path in imported)


def _write_module(text: str, dependencies: str) -> Path:
    global _directory
    import llvmlite
    import numba

    _directory = _directory or cache_directory()
    versions = f"{__version__} {numba.__version__} {llvmlite.__version__} {sys.version_info[:2]}"
    digest = hashlib.sha256(f"{text}\0{dependencies}\0{versions}".encode()).hexdigest()[:20]
    path = _directory / f"mfn_kernels_{digest}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=_directory, suffix=".tmp", delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)
    return path


def load_kernels(trace: Trace, dtype: str) -> ModuleType:
    """Return the module of kernels for a kinetics and a dtype; compilation happens at the first call.

    Parameters
    ----------
    trace : Trace
        The recorded kinetics.
    dtype : {"float64", "float32"}
        Arithmetic of the kernels.
    """
    key = (trace, dtype)
    with _lock:
        if key not in _loaded:
            template, dependencies = _template()
            path = _write_module(template.replace(_PLACEHOLDER, trace.source(dtype) + "\n"), dependencies)
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None:
                raise ImportError(f"cannot load the generated kernels {path}")
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            spec.loader.exec_module(module)
            _loaded[key] = module
        return _loaded[key]
