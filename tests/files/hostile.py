"""Some hundred small files that mean harm, by what reads them; made anew for every run."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DEEP = (100, 10_000, 200_000)
NASTY_TEXT = ["\ud800", "\x00", "\u202e", "x" * 100_000, "e" * 5000, "1" * 5000, "-" * 5000]


def _npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("latin1") + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + data


def _header(shape: str, descr: str = "'<f8'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def arrays() -> Iterator[tuple[str, bytes]]:
    """Yield .npy and .npz files."""
    shapes = ["(10**10,)", "(9999999999,)", "(-1,)", "(-2, -2)", "(0, 999999999999)", "(2, 3", "()"]
    shapes += ["'x'", "None", "(1.5,)"]
    shapes += ["(True, True)", "(" + "1," * 200 + ")", "(4294967296, 4294967296)", "[4, 4]", "(99999999999999999999,)"]
    kinds = ["'|O'", "'O8'", "'<V9'", "'<U99999999'", "'>M8[s]'", "'no'", "None", "'<c32'", "8"]
    kinds += ["[('a','<f8',(1000,1000))]"]
    for k, shape in enumerate(shapes):
        yield f"shape{k}.npy", _npy(_header(shape))
        yield f"shape{k}-long.npy", _npy(_header(shape), bytes(4096))
        yield f"shape{k}.npz", _zip({"field_mv.npy": _npy(_header(shape), bytes(64))})
    for k, kind in enumerate(kinds):
        yield f"kind{k}.npy", _npy(_header("(4, 4)", kind), bytes(4096))
        yield f"kind{k}.npz", _zip({"field_mv.npy": _npy(_header("(4, 4)", kind), bytes(4096))})
    yield "import.npy", _npy("__import__('os').abort()")
    yield "nest.npy", _npy("(" * 5000)
    yield "long-header.npy", _npy("{" + " " * 60_000 + "}")
    yield "huge-header.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1)
    yield "version.npy", b"\x93NUMPY\x09\x00" + bytes(100)
    yield "pickle.npy", b"\x80\x04\x95cposix\nsystem\n."
    whole = io.BytesIO()
    np.save(whole, np.full((8, 8), -70.0))
    for cut in (1, 5, 6, 7, 8, 9, 10, 11, 20, 50, 100, 127, 128, 129, 200):
        yield f"cut{cut}.npy", whole.getvalue()[:cut]
    zeros = _npy(_header("(16384, 16384)"), b"")
    yield "bomb.npz", _zip({"field_mv.npy": _npy(_header("(5000, 5000)"), bytes(200_000_000))})
    yield "claim.npz", _zip({"field_mv.npy": zeros})
    yield "many.npz", _zip({f"{k}.npy": b"" for k in range(2000)})
    yield "names.npz", _zip({"../../x.npy": whole.getvalue(), "\x1b[31m.npy": whole.getvalue()})
    yield "twice.npz", _zip({"a.npy": whole.getvalue(), "b.npy": b"no"})
    good = _zip({"field_mv.npy": whole.getvalue()})
    for cut in (3, 4, 20, 30, 60, 100, len(good) - 30, len(good) - 10, len(good) - 1):
        yield f"cut{cut}.npz", good[:cut]
    for place in range(0, len(good), 17):
        yield f"flip{place}.npz", good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, data: bytes, bits: int = 8, colour: int = 0, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def pictures() -> Iterator[tuple[str, bytes]]:
    """Yield .png files."""
    for k, (width, height) in enumerate([(0, 0), (2**31 - 1, 2**31 - 1), (60_000, 60_000), (2**31 - 1, 1), (1, 10**6)]):
        yield f"size{k}.png", _png(width, height, zlib.compress(bytes(1000)))
    yield "bomb.png", _png(30_000, 30_000, zlib.compress(bytes(30_000_000)))
    yield (
        "text.png",
        _png(4, 4, zlib.compress(bytes(20)), extra=_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10**8)))),
    )
    yield "icc.png", _png(4, 4, zlib.compress(bytes(20)), extra=_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(10**8))))
    for bits, colour in ((3, 0), (16, 3), (8, 7), (255, 255)):
        yield f"depth{bits}-{colour}.png", _png(4, 4, zlib.compress(bytes(100)), bits, colour)
    good = _png(8, 8, zlib.compress(bytes(72)))
    for cut in (1, 8, 20, 33, 45, len(good) - 13):
        yield f"cut{cut}.png", good[:cut]
    for place in range(8, len(good), 5):
        yield f"flip{place}.png", good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]
    yield "gif.png", b"GIF89a" + bytes(100)
    yield "eps.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"


def _tiff(width: int, height: int, *, strip: int = 8, count: int = 64, following: int = 0) -> bytes:
    """Return a picture of one strip, whose directory stands behind the pixels."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, strip), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, count)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + directory


def scans() -> Iterator[tuple[str, bytes]]:
    """Yield .tif files."""
    good = _tiff(8, 8)
    yield "loop.tif", _tiff(8, 8, following=72)
    yield "outside.tif", _tiff(8, 8, following=2**32 - 2)
    for k, size in enumerate([(0, 8), (2**32 - 1, 2**32 - 1), (100_000, 100_000), (2**31, 1)]):
        yield f"size{k}.tif", _tiff(*size)
    yield "strip.tif", _tiff(8, 8, strip=2**32 - 9)
    yield "count.tif", _tiff(8, 8, count=2**32 - 1)
    for cut in (4, 8, 40, 73, 80, len(good) - 5):
        yield f"cut{cut}.tif", good[:cut]
    for place in range(0, len(good), 7):
        yield f"flip{place}.tif", good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]


def tables() -> Iterator[tuple[str, bytes]]:
    """Yield .csv and .parquet files, and journals of data sets."""
    rows = b"".join(b"%d,%d\n" % (k, k * k) for k in range(100))
    csv = {
        "nul": b"a,b\n\0,1\n",
        "quote": b'a,b\n"' + b"x" * 300_000,
        "wide": b",".join(b"c%d" % k for k in range(100_000)) + b"\n",
        "ragged": b"a\n1,2,3\n,,,,\n",
        "large": b"a\n" + b"1\n" * 6_000_000,
        "latin": b"a,\xff\n1,2\n",
        "digits": b"a\n" + b"9" * 100_000 + b"\n",
        "nan": b"a\nnan\ninf\n" * 30,
        "twice": b"a,a\n" + rows,
        "empty": b"",
    }
    for name, content in csv.items():
        yield f"{name}.csv", content
    magic = b"PAR1"
    for name, length in {"none": 0, "some": 40, "more": 10**6, "most": 2**32 - 1}.items():
        yield f"footer-{name}.parquet", magic + bytes(60) + struct.pack("<I", length) + magic
    journals = {
        "garbage": b"\xff" * 500,
        "lines": b"\n" * 100_000,
        "long": b"x" * 3_000_000,
        "zeros": bytes(9),
    }
    for name, content in journals.items():
        yield f"{name}.parquet.journal", content
        text = content[:2_000]
        yield f"{name}-whole.parquet.journal", b"%08x %s\n" % (zlib.crc32(text), text)
    deep = b"[" * 50_000
    yield "deep.parquet.journal", b"%08x %s\n" % (zlib.crc32(deep), deep)


def _trees() -> Iterator[tuple[str, str]]:
    for depth in DEEP:
        yield f"list{depth}", "[" * depth
        yield f"lists{depth}", "[" * depth + "]" * depth
        yield f"map{depth}", '{"a":' * depth + "1" + "}" * depth
    yield "wide", "[" + "[]," * 300_000 + "[]]"
    yield "keys", json.dumps({f"k{k}": k for k in range(40_000)})
    yield "same", "{" + '"a":1,' * 40_000 + '"a":1}'
    for k, text in enumerate(NASTY_TEXT):
        yield f"value{k}", json.dumps({"seed": text})
        yield f"key{k}", json.dumps({text: 1})
        yield f"kinetics{k}", json.dumps({"base": {"kinetics": text}, "kinetics": text})
        yield f"number{k}", f'{{"seed": {text[:6000] if text[0] in "1-" else 1e999}}}'
    yield "digits", '{"seed": ' + "9" * 5000 + ', "samples": ' + "9" * 4000 + "}"
    yield "exponent", '{"seed": 1e999999999, "alpha": 1e400}'
    yield "nan", '{"alpha": NaN, "samples": Infinity}'
    yield "count", '{"method": "grid", "sweep": {"alpha": {"min": 0.1, "max": 0.2, "count": 10000000}}}'
    counts = {name: {"min": 0.01, "max": 0.02, "count": 100_000} for name in ("alpha", "leak", "bias", "r_a")}
    yield "counts", json.dumps({"method": "grid", "sweep": counts})
    many = {"count": 1_000_000}
    whole = {"steps": {"min": 1, "max": 1_000_000, **many}, "grid_size": {"min": 4, "max": 9, **many}}
    yield "whole", json.dumps({"method": "grid", "sweep": whole})
    yield "samples", '{"samples": 10000000}'
    yield "replicates", '{"samples": 100000, "replicates": 100000}'
    yield "null", "null"
    yield "empty", ""
    yield "bom", "\ufeff[]"


def texts() -> Iterator[tuple[str, bytes]]:
    """Yield .json, .yaml and .toml files."""
    for name, text in _trees():
        data = text.encode("utf-8", "surrogatepass")
        yield f"{name}.json", data
        yield f"{name}.yaml", data
    bombs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
    )
    yaml = {
        "laughs": bombs,
        "self": "a: &a [*a]",
        "merge": "a: &a {b: 1}\nc: {<<: *a}",
        "date": "seed: 2021-99-99",
        "time": "seed: 2021-12-31 25:61:61",
        "tag": "a: !!python/object/apply:os.system ['true']",
        "name": "a: !!python/name:os.system",
        "binary": "a: !!binary " + "A" * 100_001,
        "set": "!!set {a, b}",
        "omap": "!!omap [a, b]",
        "int": "seed: !!int x",
        "float": "alpha: !!float x",
        "null": "~: ~",
        "complex": "? [a, b]\n: 1",
        "nested-key": "? {a: 1}\n: 1",
        "sixty": "seed: 1" + ":59" * 20_000,
        "hex": "seed: 0x" + "f" * 100_000,
        "octal": "seed: 0" + "7" * 100_000,
        "documents": "---\na: 1\n" * 2000,
        "tabs": "a:\n\t- 1",
        "anchors": "".join(f"a{k}: &b{k} 1\n" for k in range(1000)),
        "flow": "[" * 1000 + "{" * 1000,
        "blocks": "- " * 5000 + "a",
        "folded": "a: >\n" + "  x\n" * 100_000,
        "comment": "#" * 900_000,
        "directive": "%YAML 9.9\n---\na: 1",
        "percent": "%TAG ! tag:x,2000:\n--- !x\na: 1",
        "bell": "a: \x07",
        "quoted": "a: '" + "x" * 500_000,
        "escape": 'a: "\\UFFFFFFFF"',
    }
    for name, text in yaml.items():
        yield f"y-{name}.yaml", text.encode("utf-8", "surrogatepass")
    toml = {
        "deep": "a = " + "[" * 100_000,
        "dotted": ".".join("a" * 100_000) + " = 1",
        "inline": "a = " + "{a = " * 10_000,
        "tables": "".join(f"[{'.'.join('a' * 50)}.b{k}]\n" for k in range(2000)),
        "twice": "a = 1\na = 2",
        "digits": "seed = " + "9" * 5000,
        "date": "seed = 2021-99-99",
        "nan": "alpha = nan",
        "string": 'a = """' + "x" * 500_000,
        "key": '"\\uD800" = 1',
    }
    for name, text in toml.items():
        yield f"{name}.toml", text.encode("utf-8", "surrogatepass")
    yield "latin.yaml", b"a: \xff\xfe"
    yield "utf16.json", "{}".encode("utf-16")
    yield "large.json", b" " * (1 << 21)
    yield "large.yaml", b"#" * (1 << 21)


def write_corpus(directory: Path) -> list[Path]:
    """Write every file, and two that are no files, and return their paths."""
    paths = []
    for name, content in (*arrays(), *pictures(), *scans(), *tables(), *texts()):
        path = directory / name
        path.write_bytes(content)
        paths.append(path)
    for suffix in ("json", "yaml", "npy", "npz", "png", "tif", "csv", "parquet"):
        os.mkfifo(directory / f"pipe.{suffix}")
        (directory / f"directory.{suffix}").mkdir()
        (directory / f"device.{suffix}").symlink_to("/dev/zero")
        paths += [directory / f"{kind}.{suffix}" for kind in ("pipe", "directory", "device")]
    return paths
