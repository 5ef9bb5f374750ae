"""Seal a line of JSON or a file of tensors, and check that it is as it was written."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

from rnnbench.store.files import parse_json

KEY = "seal"
DIGITS = 16
# The end of a sealed line of JSON, around the digits.
OPENING, CLOSING = f',"{KEY}":"', '"}'
LENGTH = struct.Struct("<Q")  # in front of a safetensors file's header
ALIGNMENT = 8


def seal_line(text: str) -> str:
    """Return a JSON object with its seal as the last key."""
    return f"{text[:-1]}{OPENING}{_hash(text.encode())}{CLOSING}"


def check_line(line: str) -> None:
    """Check a sealed line of JSON.

    Raises:
        ValueError: it is not as it was written.
    """
    body, found, end = line.rstrip("\n").rpartition(OPENING)
    if not found or end != _hash(f"{body}}}".encode()) + CLOSING:
        raise ValueError("it is not as it was written")


def seal_tensors(content: bytes) -> bytes:
    """Return a safetensors file with its seal among the metadata."""
    header, data = _parts(content)
    metadata = {**header.pop("__metadata__", {})}
    metadata[KEY] = _hash_of_tensors(header, metadata, data)
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return LENGTH.pack(len(text)) + text + data


def check_tensors(content: bytes) -> dict[str, Any]:
    """Check that a safetensors file is whole, and as it was written if it has metadata.

    One without any, as other programs write it, has no seal. Return the metadata beside the seal:
    whose tensors these are.

    Raises:
        ValueError: it is not.
    """
    header, data = _parts(content)
    metadata = header.pop("__metadata__", None)
    try:
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        seal = metadata.pop(KEY) if metadata is not None else None
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError("its header cannot be read") from error
    if end != len(data):
        raise ValueError(f"it has {len(data)} bytes of tensors, and not {end}")
    try:
        intact = metadata is None or seal == _hash_of_tensors(header, metadata, data)
    except RecursionError as error:
        raise ValueError("its header is nested too deep") from error
    if not intact:
        raise ValueError("it is not as it was written")
    return metadata or {}


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a safetensors file into its header and its tensors' bytes."""
    if len(content) < LENGTH.size:
        raise ValueError(f"it has {len(content)} bytes")
    (length,) = LENGTH.unpack_from(content)
    end = LENGTH.size + length
    header = parse_json(content[LENGTH.size : end])
    if not isinstance(header, dict):
        raise ValueError("it has no header")
    return header, content[end:]


def _hash_of_tensors(header: dict[str, Any], metadata: dict[str, Any], data: bytes) -> str:
    known = json.dumps([header, metadata], sort_keys=True, separators=(",", ":"))
    return _hash(known.encode(), data)


def _hash(text: bytes, data: bytes = b"") -> str:
    found = hashlib.sha256(text)
    found.update(data)
    return found.hexdigest()[:DIGITS]
