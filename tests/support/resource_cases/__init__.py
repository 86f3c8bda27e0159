"""One table of what a ModelStream may say and may not: run offline and on a real API server."""

from tests.support.resource_cases import models, pipeline, schema, spec
from tests.support.resource_cases.case import (
    BASE,
    Case,
    Edits,
    accepted,
    edited,
    plain_path,
    rejected,
)

RULES = (*spec.CASES, *models.CASES, *pipeline.CASES)
SCHEMA = schema.CASES

__all__ = [
    "BASE",
    "RULES",
    "SCHEMA",
    "Case",
    "Edits",
    "accepted",
    "edited",
    "plain_path",
    "rejected",
]
