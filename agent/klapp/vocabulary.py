"""Everything that a coworker of this agent can say: the declarations of all verbs, properties and triggers."""

from __future__ import annotations

from klapp import properties, triggers, verbs
from klr.vocabulary import Vocabulary

VOCABULARY = Vocabulary.of(verbs=verbs.ALL, properties=properties.ALL, triggers=triggers.ALL, questions=verbs.QUESTIONS)
