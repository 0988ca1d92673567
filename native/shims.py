"""Functions of a plain C signature around compiled kernels: what `_compiled/native.py` calls with ctypes.

A shim takes numbers as they are, arrays as pointers to NumPy's objects, a generator as five addresses, and last a
pointer to slots of eight bytes for what comes back: two of an exception, then the results.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import as_dtype

__all__ = ["add_shim", "kind_of"]

_INT, _BYTE = ir.IntType(64), ir.IntType(8)
_POINTER, _DOUBLE = _BYTE.as_pointer(), ir.DoubleType()
_SCALARS = {types.boolean: "b1", types.int32: "i4", types.int64: "i8", types.float32: "f4", types.float64: "f8"}
_LLVM = {types.int32: ir.IntType(32), types.int64: _INT, types.float32: ir.FloatType(), types.float64: _DOUBLE}
_DATA, _SHAPE, _STRIDES = 16, 32, 40  # where NumPy's arrays keep them


def kind_of(kind: Any) -> Any:
    """Return a type of Numba as the table writes it; None for no result."""
    if isinstance(kind, types.NoneType):
        return None
    if isinstance(kind, types.BaseTuple):
        return [kind_of(part) for part in kind]
    if isinstance(kind, types.Array):
        return f"{as_dtype(kind.dtype).str.lstrip('<|=')}[{kind.ndim}]{kind.layout}"
    return "stream" if isinstance(kind, types.NumPyRandomGeneratorType) else _SCALARS[kind]


def add_shim(module: ir.Module, symbol: str, compiled: Any) -> None:
    """Define the shim of one compiled signature in a module, which the kernel's own code is linked to later."""
    context, signature, description = compiled.target_context, compiled.signature, compiled.fndesc
    kernel_type = context.call_conv.get_function_type(signature.return_type, signature.args)
    kernel = cgutils.get_or_insert_function(module, kernel_type, description.llvm_func_name)
    taken = [place for kind in signature.args for place in _places(kind)]
    shim = ir.Function(module, ir.FunctionType(ir.IntType(32), [*taken, _INT.as_pointer()]), symbol)
    builder = ir.IRBuilder(shim.append_basic_block())
    given, out = iter(shim.args[:-1]), shim.args[-1]
    arguments = [_argument(context, builder, kind, given) for kind in signature.args]
    status, result = context.call_conv.call_function(builder, kernel, signature.return_type, signature.args, arguments)
    with builder.if_then(status.is_error):
        _store_exception(builder, status, out)
        builder.ret(ir.Constant(ir.IntType(32), 1))
    for index, slot in enumerate(_results(context, builder, signature.return_type, result)):
        _store(builder, out, index + 2, slot)
    builder.ret(ir.Constant(ir.IntType(32), 0))


def _places(kind: Any) -> Iterator[ir.Type]:
    if isinstance(kind, types.BaseTuple):
        for part in kind:
            yield from _places(part)
    elif isinstance(kind, types.NumPyRandomGeneratorType):
        yield from [_INT] * 5
    elif isinstance(kind, types.Array):
        yield _POINTER
    else:
        yield _BYTE if kind == types.boolean else _LLVM[kind]


def _argument(context: Any, builder: ir.IRBuilder, kind: Any, given: Iterator[Any]) -> Any:
    if isinstance(kind, types.BaseTuple):
        return context.make_tuple(builder, kind, [_argument(context, builder, part, given) for part in kind])
    if isinstance(kind, types.Array):
        return _array(context, builder, kind, next(given))
    if isinstance(kind, types.NumPyRandomGeneratorType):
        return _stream(context, builder, kind, given)
    value = next(given)
    return builder.icmp_unsigned("!=", value, _BYTE(0)) if kind == types.boolean else value


def _array(context: Any, builder: ir.IRBuilder, kind: Any, held: Any) -> Any:
    def field(offset: int, of: ir.Type) -> Any:
        return builder.load(builder.bitcast(builder.gep(held, [_INT(offset)]), of.as_pointer()))

    def axes(offset: int) -> list[Any]:
        first = field(offset, _INT.as_pointer())
        return [builder.load(builder.gep(first, [_INT(axis)])) for axis in range(kind.ndim)]

    array = context.make_array(kind)(context, builder)
    data = field(_DATA, context.get_data_type(kind.dtype).as_pointer())
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    populate_array(array, data, axes(_SHAPE), axes(_STRIDES), itemsize, None)
    return array._getvalue()


def _stream(context: Any, builder: ir.IRBuilder, kind: Any, given: Iterator[Any]) -> Any:
    generator = cgutils.create_struct_proxy(kind)(context, builder)
    bits = cgutils.create_struct_proxy(types.NumPyRandomBitGeneratorType("bit_generator"))(context, builder)
    names = ("state_address", "state", "fnptr_next_uint64", "fnptr_next_uint32", "fnptr_next_double")
    for name in names:
        setattr(bits, name, next(given))
    generator.bit_generator = bits._getvalue()
    return generator._getvalue()


def _results(context: Any, builder: ir.IRBuilder, kind: Any, value: Any) -> Iterator[Any]:
    if isinstance(kind, types.NoneType):
        return
    if isinstance(kind, types.BaseTuple):
        for index, part in enumerate(kind):
            yield from _results(context, builder, part, builder.extract_value(value, index))
    elif isinstance(kind, types.Array):
        if kind.layout != "C":
            raise TypeError(f"a kernel returns {kind}; only contiguous arrays can be handed over")
        array = context.make_array(kind)(context, builder, value)
        yield array.meminfo
        yield array.data
        yield from cgutils.unpack_tuple(builder, array.shape, kind.ndim)
    else:
        yield builder.zext(value, _INT) if kind == types.boolean else value


def _store_exception(builder: ir.IRBuilder, status: Any, out: Any) -> None:
    """Write address and size of the pickled exception."""
    excinfo = builder.bitcast(status.excinfoptr, ir.LiteralStructType([_POINTER, ir.IntType(32)]).as_pointer())
    _store(builder, out, 0, builder.load(cgutils.gep_inbounds(builder, excinfo, 0, 0)))
    _store(builder, out, 1, builder.zext(builder.load(cgutils.gep_inbounds(builder, excinfo, 0, 1)), _INT))


def _store(builder: ir.IRBuilder, out: Any, index: int, value: Any) -> None:
    if isinstance(value.type, ir.FloatType):
        value = builder.fpext(value, _DOUBLE)
    slot = builder.gep(out, [_INT(index)])
    builder.store(value, builder.bitcast(slot, value.type.as_pointer()))
