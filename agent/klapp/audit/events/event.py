"""What a kind of entry is: its fields, what of it is public, its sentence, and what others call it.

The fields named in ``public`` are stored as they are, for filters, and outlive an erasure; all others are sealed under
a key that an erasure destroys. A name, a path, a text or an answer is therefore never public.

``ocsf`` is the class and activity of the Open Cybersecurity Schema Framework that fits (``klapp.audit.ocsf``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple


class Ocsf(NamedTuple):
    """A class of OCSF, and the activity in it."""

    class_uid: int
    activity_id: int


JOB, EVENT_LOG, ACCOUNT, AUTHENTICATION, ENTITY, NETWORK, LIFECYCLE = 1006, 1008, 3001, 3002, 3004, 4001, 6002
BASE, OTHER = 0, 99


@dataclass(frozen=True)
class Event:
    """Something to be remembered. A subclass is one kind; an instance is one occurrence.

    Attributes:
        kind: its name in the log.
        says: the sentence for a person; ``{field}`` stands for a field's value, ``{whose}`` for the
            coworker in quotes or, for "", all of them; ``{holder}`` for the same or, for "", klapp.
        public: the fields that are not sealed.
        durable: False for what may wait for the next commit of the log.
    """

    kind: ClassVar[str]
    says: ClassVar[str]
    public: ClassVar[tuple[str, ...]] = ()
    ocsf: ClassVar[Ocsf] = Ocsf(BASE, OTHER)
    durable: ClassVar[bool] = True

    def body(self) -> dict[str, Any]:
        """The fields as data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
