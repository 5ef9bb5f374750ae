"""Describe published records in Croissant, by which search engines and loaders know a data set.

Croissant 1.0 is JSON-LD: http://mlcommons.org/croissant/1.0. Every plain field of a record is a
column; its objects (settings, environment) and its history are in the file, and not described.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnbench import __version__
from rnnbench.store.records import Record
from rnnbench.store.schema import FIELDS, FLOAT

CROISSANT = "croissant.json"
LICENSE = "https://spdx.org/licenses/Apache-2.0.html"
# The standard's context, whole: loaders compare it.
OWN = """citeAs column equivalentProperty extract field fileProperty fileObject fileSet format
includes isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace
samplingRate separator source subField transform"""
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in OWN.split()},
}


def describe(file: Path, records: Sequence[Record]) -> str:
    """Return the Croissant description of a file of records, as JSON.

    Args:
        file: JSON lines, packed or not; the description lies beside it.
        records: what it holds.
    """
    cells, tasks = (", ".join(dict.fromkeys(r[key] for r in records)) for key in ("cell", "task"))
    started = max((r.get("environment", {}).get("started") or "" for r in records), default="")
    metadata = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"rnnbench-{file.parent.name}",
        "description": f"{len(records)} trainings of recurrent cells ({cells}) on tasks with "
        f"long-range dependencies ({tasks}): what each reached, by gap, seed and learning rate.",
        "license": LICENSE,
        "citeAs": f"The rnnbench authors: rnnbench {__version__}",
        "version": __version__,
        "datePublished": started[:10],
        "distribution": [_distribution(file)],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "runs", "name": "runs", "field": [*_fields(records)]}
        ],
    }
    return json.dumps(metadata, indent=1) + "\n"


def _distribution(file: Path) -> dict[str, str]:
    return {
        "@type": "cr:FileObject",
        "@id": "records",
        "name": "records",
        "contentUrl": file.name,
        "encodingFormat": "application/jsonlines",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def _fields(records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """Yield the description of each plain field that all of these records have."""
    for paths, field in FIELDS.items():
        for name in paths.split():
            values = [record[name] for record in records if name in record]
            kind = "Float" if field.column == FLOAT else _kind(values)
            if kind and len(values) == len(records):
                yield {
                    "@type": "cr:Field",
                    "@id": f"runs/{name}",
                    "name": name,
                    "description": field.rule.words,
                    "dataType": f"sc:{kind}",
                    "source": {"fileObject": {"@id": "records"}, "extract": {"column": name}},
                }


def _kind(values: Sequence[Any]) -> str | None:
    """Return what schema.org calls the type of these values; None for objects and lists."""
    given = next((value for value in values if value is not None), "")
    return {str: "Text", int: "Integer", float: "Float"}.get(type(given))
