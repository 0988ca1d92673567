"""What an operation is: one row of the table that every door reads."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray
from pydantic import BaseModel

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.compilation import Needed
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.record import RequestRecord
from mycelium_fractal_net.service.services import Services

__all__ = ["LARGE_BODY", "SMALL_BODY", "Answer", "Context", "Cost", "Operation", "check_table", "perform"]

SMALL_BODY = 64 * 2**10
"""Bytes that hold every request without an array."""

LARGE_BODY = 4 * 2**20
"""Bytes of JSON that are read in well under a second; longer arrays travel as arrays."""

T = TypeVar("T")


class Cost(NamedTuple):
    """What a request takes, known before it is computed.

    Attributes
    ----------
    cell_steps : int
        Cells times steps, or as many operations of another kind.
    text : str
        The same for people, with what it comes from.
    field, value
        What of the request makes it so much.
    kind : str
        What has the same speed: its parts, the coarse ones first, with colons between.
    """

    cell_steps: int
    text: str = ""
    field: str = ""
    value: Any = None
    kind: str = ""


FREE = Cost(0)


class Answer(NamedTuple):
    """What came of an operation.

    Attributes
    ----------
    body : BaseModel or bytes
        What is told; bytes where the operation names their media type.
    array : ndarray or None
        What a client that asks for an array gets in place of the body.
    receipt : BaseModel or None
        What identifies the result.
    column : str
        What an array of two dimensions is called in an Arrow table.
    """

    body: BaseModel | bytes
    array: NDArray[Any] | None = None
    receipt: BaseModel | None = None
    column: str = "field_mv"


class Context:
    """What an operation may use while it runs.

    Attributes
    ----------
    services : Services
        Of this application.
    record : RequestRecord
        Of this call.
    cancel : threading.Event
        Set when nobody waits for the answer any more; computations look at it.
    """

    __slots__ = ("_trace", "cancel", "record", "services")

    def __init__(self, services: Services, record: RequestRecord) -> None:
        self.services = services
        self.record = record
        self.cancel = threading.Event()
        self._trace = services.trace(record)

    def trace(self, name: str, **attributes: Any) -> AbstractContextManager[Any]:
        """Open a span below the call's."""
        return self._trace(name, **attributes)


def _free(_request: Any) -> Cost:
    return FREE


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What can be asked of the service; REST, streams, RPCs, OpenAPI and limits read it from here.

    Attributes
    ----------
    name, tag : str
        Its name, and the group it is shown in.
    run : callable
        ``run(request, context)`` returns an :class:`Answer`. It runs in a compute thread and knows nothing of the door.
        Its docstring is what people read of the operation.
    access : Access
        What it asks of its caller.
    request, response : model or None
        What goes in and what comes out.
    cost : callable
        ``cost(request)``, checked before anything is computed.
    inline : bool
        Whether it takes microseconds, so that it runs where it is called and waits for no thread.
    body_limit : int
        Most bytes of a request in JSON, if no array is in it.
    arrays : mapping of int to str
        The member of the request that an array of so many dimensions is.
    array_answer : str or None
        The member of the answer that can be had as an array alone.
    media : str, optional
        The media type of an answer that is bytes.
    codes : tuple of str
        What it can refuse with, beside what every operation can.
    simulated : callable, optional
        ``simulated(request)`` returns what is simulated, None for the self-check: its kernels may have to be compiled
        first.
    """

    name: str
    tag: str
    run: Callable[[Any, Context], Any]
    access: Access
    request: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    cost: Callable[[Any], Cost] = _free
    inline: bool = False
    body_limit: int = SMALL_BODY
    arrays: Mapping[int, str] = field(default_factory=dict)
    more_arrays: tuple[str, ...] = ()
    array_answer: str | None = None
    media: str | None = None
    codes: tuple[str, ...] = ()
    simulated: Callable[[Any], Needed] | None = None

    def read(self, members: Any) -> Any:
        """Make the request of its members, as pydantic's constructor does; a model's own only changes the error.

        Raises
        ------
        pydantic.ValidationError
            Where they are not usable.
        """
        model: Any = self.request
        return model.__pydantic_validator__.validate_python(members, self_instance=model.__new__(model))

    @property
    def summary(self) -> str:
        """The first sentence of what people read."""
        return inspect.cleandoc(self.run.__doc__ or "").partition("\n\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """What people read after the first sentence, or that."""
        summary, _, more = inspect.cleandoc(self.run.__doc__ or "").partition("\n\n")
        return more or summary


def check_table(operations: Mapping[str, Operation]) -> None:
    """Refuse to start with an operation that does not say who may call it.

    Raises
    ------
    ConfigurationError
        With the operation's name.
    """
    for name, operation in operations.items():
        if not isinstance(operation.access, Access):
            raise ConfigurationError(f"the operation {name} declares no access; say who may call it, or OPEN")


def _cost(operation: Operation, request: Any, services: Services) -> Cost:
    """Return what a request costs, if that is no more than one may."""
    cost, most = operation.cost(request), services.settings.max_cell_steps
    if cost.cell_steps > most:
        message = f"{cost.text} are more than the {most:,} that one request may take (MFN_MAX_CELL_STEPS)"
        detail = {"field": cost.field, "message": message, "value": cost.value}
        raise ServiceError("COST_LIMIT_EXCEEDED", message, details=[detail])
    return cost._replace(kind=f"{operation.name}:{cost.kind}")


async def perform(
    operation: Operation, request: Any, record: RequestRecord, services: Services, render: Callable[[Answer], T]
) -> T:
    """Run an operation for a call that was admitted, and render its answer in the same thread.

    Raises
    ------
    ServiceError
        COST_LIMIT_EXCEEDED, and what :meth:`Compute.run` raises.
    """
    cost, context = _cost(operation, request, services), Context(services, record)
    if operation.inline:
        return render(operation.run(request, context))

    def work(cancel: threading.Event) -> T:
        context.cancel = cancel
        return render(operation.run(request, context))

    if operation.simulated is not None:
        await services.compiled_for(record.call, operation.simulated(request))
    return await services.compute_for(record, work, cost.cell_steps, cost.kind)
