"""Seals: any change of a record, of weights or of a checkpoint is seen."""

import json

import pytest
import torch
from safetensors.torch import load, save

from rnnbench.store.records import Store, decode, encode
from rnnbench.store.seals import check_line, check_tensors, seal_line, seal_tensors
from tests.stored_record import stored_record

RECORD = stored_record(format=2, history=[{"step": 1, "loss": 0.1}], loss=1 / 3)
TENSORS = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)}


def flips(content):
    """Yield a copy for every bit, in which it is flipped."""
    for place in range(len(content)):
        for bit in range(8):
            yield content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_sealed_record_comes_back_as_it_was():
    assert decode(encode(RECORD)) == RECORD
    assert decode(encode(RECORD).encode() + b"\n") == RECORD
    assert json.loads(encode(RECORD)).keys() - RECORD.keys() == {"seal"}


def test_every_flipped_bit_of_a_record_is_seen():
    for changed in flips(encode(RECORD).encode()):
        with pytest.raises(ValueError):
            decode(changed)


def test_a_record_cut_anywhere_is_seen():
    line = encode(RECORD).encode()
    for length in range(len(line)):
        with pytest.raises(ValueError):
            decode(line[:length])


def test_records_from_before_seals_are_read_and_written_as_they_are():
    old = RECORD | {"format": 1}
    assert encode(old) == json.dumps(old, separators=(",", ":"))
    assert decode(encode(old)) == old


def test_a_seal_of_another_line_is_refused():
    line, other = seal_line('{"a":1}'), seal_line('{"a":2}')
    check_line(line)
    with pytest.raises(ValueError, match="not as it was written"):
        check_line(line.replace('"a":1', '"a":2'))
    assert line[-18:] != other[-18:]


@pytest.mark.parametrize("metadata", [None, {"state": "{}"}])
def test_every_flipped_bit_of_tensors_is_seen(metadata):
    sealed = seal_tensors(save(TENSORS, metadata=metadata))
    check_tensors(sealed)
    for name, tensor in load(sealed).items():
        assert torch.equal(tensor, TENSORS[name])
    for changed in flips(sealed):
        with pytest.raises(ValueError):
            check_tensors(changed)


def test_tensors_cut_anywhere_are_seen_with_a_seal_and_without():
    for content in (save(TENSORS), seal_tensors(save(TENSORS))):
        check_tensors(content)
        for length in range(len(content)):
            with pytest.raises(ValueError):
                check_tensors(content[:length])


STRANGE = [b"null", b"[]", b'{"a": 3}', b'{"a": {"data_offsets": 3}}']
STRANGE += [b'{"a":' + b"[" * depth + b"]" * depth + b"}" for depth in (900, 10**5)]


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
def test_a_strange_header_is_a_value_error(content):
    with pytest.raises(ValueError):
        check_tensors(len(content).to_bytes(8, "little") + content)


def test_a_run_whose_weights_are_damaged_is_not_finished_and_named(tmp_path, capsys):
    store, run_id = Store(tmp_path), RECORD["run_id"]
    store.write(RECORD, seal_tensors(save(TENSORS)))
    assert store.trained([run_id]) == {run_id: "unsolved"}
    path = store.parameters(run_id)
    path.write_bytes(path.read_bytes()[:-1])
    assert store.trained([run_id]) == {}
    assert f"{path} is passed over" in capsys.readouterr().err
    path.unlink()
    assert store.trained([run_id]) == {run_id: "unsolved"}
