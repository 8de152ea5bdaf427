"""Compressed bodies: what was packed comes out, what is cut off or mislabelled is refused, and a bomb stays small."""

import gzip
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from api.edge.encodings import NotDecodable, TooLarge, decoded

LIMIT = 1024 * 1024
PACK = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("encoding", sorted(PACK))
@given(body=st.binary(max_size=5_000))
def test_what_was_packed_comes_out(encoding: str, body: bytes) -> None:
    """Any bytes, also none."""
    assert decoded(encoding, PACK[encoding](body), LIMIT) == body


@pytest.mark.parametrize("encoding", sorted(PACK))
@given(body=st.binary(min_size=1, max_size=500), data=st.data())
def test_a_body_that_is_cut_or_continued_is_refused(encoding: str, body: bytes, data: st.DataObject) -> None:
    """Half a body would be half a batch, taken for a whole one."""
    packed = PACK[encoding](body)
    end = data.draw(st.integers(0, len(packed) - 1))
    for wrong in (packed[:end], packed + b"\x00", packed + packed, body):
        with pytest.raises(NotDecodable):
            decoded(encoding, wrong, LIMIT)


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_a_bomb_is_refused_before_it_unfolds(encoding: str) -> None:
    """A gigabyte of zeros in a megabyte: no more than the limit is ever in memory."""
    bomb = PACK[encoding](bytes(256 * LIMIT))
    assert len(bomb) < LIMIT
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decoded(encoding, bomb, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT


def test_the_limit_is_for_the_decoded_body() -> None:
    """Exactly the limit passes; one byte more does not."""
    for encoding, pack in PACK.items():
        assert len(decoded(encoding, pack(bytes(1000)), 1000)) == 1000
        with pytest.raises(TooLarge):
            decoded(encoding, pack(bytes(1001)), 1000)


def test_a_window_beyond_the_standard_is_refused() -> None:
    """A frame may not make the server reserve as much memory as it likes."""
    greedy = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True))
    writer = greedy.compressobj()
    frame = writer.compress(bytes(1000)) + writer.flush()
    with pytest.raises(NotDecodable):
        decoded("zstd", frame, LIMIT)
