"""SipHash-1-3 with a key of zeros, as Rust's ``SipHasher13`` reckons it.

See Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one round for each word
and three at the end.
"""

from __future__ import annotations

import struct

_MASK = 2**64 - 1
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)

_State = tuple[int, int, int, int]


def siphash13(content: bytes) -> int:
    """Return the hash of some bytes, as a number of 64 bits."""
    whole = len(content) // 8 * 8
    tail = content[whole:].ljust(7, b"\0") + bytes([len(content) % 256])
    state: _State = _START
    for (word,) in struct.iter_unpack("<Q", content[:whole] + tail):
        a, b, c, d = _round((state[0], state[1], state[2], state[3] ^ word))
        state = (a ^ word, b, c, d)
    state = (state[0], state[1], state[2] ^ 0xFF, state[3])
    for _ in range(3):
        state = _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: _State) -> _State:
    a, b, c, d = state
    a = (a + b) & _MASK
    b = _rotated(b, 13) ^ a
    a = _rotated(a, 32)
    c = (c + d) & _MASK
    d = _rotated(d, 16) ^ c
    a = (a + d) & _MASK
    d = _rotated(d, 21) ^ a
    c = (c + b) & _MASK
    b = _rotated(b, 17) ^ c
    c = _rotated(c, 32)
    return a, b, c, d


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & _MASK
