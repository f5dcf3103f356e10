"""Lists of operations: doing them on the disk, finding how far they came before a crash, and taking them back."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from klapp.files.overlay import OWN_DEVICE
from klapp.files.protocol import FileError, Identity
from klapp.operations.operation import Operation, World, look

EMPTY: Mapping[int, Sequence[Step]] = MappingProxyType({})


class Step(NamedTuple):
    """An operation with what ``apply`` returned for it, on the overlay (a planned step) or on the disk (a done one).

    A done step holds the operation as it was done, every identity resolved.
    """

    operation: Operation
    product: Identity | None


def plan(operations: Iterable[Operation], world: World) -> Iterator[Step]:
    """Apply operations to an overlay, one at each turn. Raises FileError where one can not be."""
    for operation in operations:
        yield Step(operation, operation.apply(world))


def perform(steps: Iterable[Step], world: World, known: dict[Identity, Identity]) -> Iterator[Step]:
    """Do planned steps on the disk, one at each turn, and give back done ones.

    ``known`` maps planned identities to real ones; it is filled in, and is to be handed on within a batch.
    Raises FileError where an operation can not be done; nothing of that one has happened then.
    """
    for operation, planned in steps:
        real = operation.resolved(known)
        product = _applied(real, world)
        if planned is not None and product is not None and planned != product:
            known[planned] = product
        yield Step(real, product)


_BEFORE = frozenset({"taken", "changed", "denied", "perhaps", "network"})
"""Kinds of refusals that come before anything is done, or that the operation knows more of than the disk."""


def _applied(operation: Operation, world: World) -> Identity | None:
    """Do an operation. What the system refuses may have been done all the same, such as where a folder could not be
    made durable behind a rename: the disk is asked, as after a crash, and only what was not done is raised."""
    try:
        return operation.apply(world)
    except FileError as error:
        if error.kind in _BEFORE or not operation.settles:
            raise
        try:
            if not operation.settle(world):
                raise error
            path = operation.makes()
            made = look(world.files, path) if path else None
        except FileError:
            raise error from None
        if path and made is None:
            raise
        return made.identity if made else None


def settle(steps: Sequence[Step], world: World) -> int:
    """How many planned steps were done before a crash: all before that many were, and none from there on.

    A half-done step is finished first. What each operation finds at its places may stem from a later one (a file that
    was moved there and back), so the answer is the largest number for which all operations whose places no later done
    one touched say that they were done.
    """
    claims = [operation.settle(world) for operation, _ in steps]
    return _agreed([operation for operation, _ in steps], claims)


def _agreed(operations: Sequence[Operation], claims: Sequence[bool]) -> int:
    next_touch: dict[str, int] = {}
    refuted = [0] * (len(operations) + 2)  # differences: how many denials speak against each number of done steps
    for index in reversed(range(len(operations))):
        touched = {
            path for permission, paths in operations[index].places().items() if permission != "read" for path in paths
        }
        hidden_from = min((next_touch[path] for path in touched if path in next_touch), default=len(operations))
        if operations[index].settles:
            if not claims[index]:
                refuted[index + 1] += 1
                refuted[hidden_from + 1] -= 1
            next_touch.update(dict.fromkeys(touched, index))
    against, agreed = 0, 0
    for number in range(1, len(operations) + 1):
        against += refuted[number]
        if not against and claims[number - 1]:
            agreed = number
    return agreed


def recovered(steps: Sequence[Step], world: World) -> list[Step]:
    """Planned steps that were all done, as done ones: what only the plan knew is looked up where it lies now.

    A version that a later step changed is nowhere any more; it keeps its planned identity, which ``take_back`` maps.
    """
    known: dict[Identity, Identity] = {}
    changed: set[Identity] = set()
    for operation, planned in reversed(steps):
        path = operation.makes()
        if planned and path and planned[0] == OWN_DEVICE and planned not in known and planned not in changed:
            found = look(world.files, path)
            if found:
                known[planned] = found.identity
        changed.update(operation.takes().values())
    return [Step(op.resolved(known), known.get(planned, planned) if planned else None) for op, planned in steps]


class Became(dict[Identity, Identity]):
    """What versions of files became that were put back, however often: asked of one, it tells the newest.

    A disk gives numbers of files again, so that a version can come to be called as an older one was.
    """

    def __setitem__(self, was: Identity, now: Identity) -> None:
        super().pop(now, None)
        if was != now:
            super().__setitem__(was, now)

    def __getitem__(self, was: Identity) -> Identity:
        now = super().__getitem__(was)
        while now in self:
            now = super().__getitem__(now)
        return now

    def newest(self, identity: Identity) -> Identity:
        """What a version is called now."""
        return self[identity] if identity in self else identity  # noqa: SIM401 - ``get`` would not follow them all


def take_back(
    done: Sequence[Step],
    world: World,
    known: Became,
    behind: Mapping[int, Sequence[Step]] = EMPTY,
    chosen: Container[int] | None = None,
) -> Iterator[tuple[int, Step]]:
    """Plan the undoing of done steps on an overlay, the last first: (the position of what is undone, one operation).

    ``known`` maps versions that were put back before to what they are now; it is filled in, and is to be handed on to
    the runs that are taken back after this one. ``behind`` is what earlier undos that were cut short did of it, by
    position: that is not done again. ``chosen`` are the positions to be undone, if not all are. Raises FileError where
    the world moved on, such as for a file that was changed since.
    """
    for position in reversed(range(len(done))):
        if chosen is not None and position not in chosen:
            continue
        operation, product = done[position]
        now = known.newest(product) if product else None
        taken = operation.takes()
        already = [step for step in behind.get(position, ()) if step.operation.settles]
        inverses = operation.resolved(known).inverse(now, world.files)
        whole = len(already) == sum(inverse.settles for inverse in inverses)
        for inverse in inverses:
            if already and inverse.settles:
                made, is_new = already.pop(0).product, False
            elif behind.get(position) and whole:
                continue  # only a copy is kept here, of what is no longer there
            else:
                made, is_new = inverse.apply(world), True
            before = taken.get(inverse.makes() or "")
            if made is not None and before is not None and made != before:
                known[before] = made
            if is_new:
                yield position, Step(inverse, made)
