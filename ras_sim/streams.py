"""The only source of randomness: every draw has an address, and the address fixes its value.

Two families, both pure functions of an identity, so that a change of policy changes no draw of any fault and
the number of worker processes changes nothing at all:

* ``stream(...)`` makes a numpy generator (Philox, counter-based) for many draws at once. Draw *i* of the
  stream of a class belongs to instance *i*.
* ``base_key`` → ``child_key`` → ``uniform`` is the scalar path for draws that come one at a time during a
  simulation (the second life of part 17, the outcome of its third repair). It costs less than a microsecond
  and keeps no state.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11 (Philox); Steele, Lea & Flood,
"Fast splittable pseudorandom number generators", OOPSLA 2014 (splitmix64); Appleby, MurmurHash3 (its 64-bit
finaliser).
"""

from __future__ import annotations

from hashlib import blake2b
from operator import index

import numpy as np

_MASK = 0xFFFF_FFFF_FFFF_FFFF
# 2**64 / golden ratio, odd: spreads the ordinals of one key over the whole range.
_GOLDEN = 0x9E37_79B9_7F4A_7C15
# Another odd increment, so that a child key is never the word behind a uniform.
_CHILD = 0xD1B5_4A32_D192_ED03
_UNIT = 2.0**-53


def _identity(*fields: int | str) -> bytes:
    """Encode an identity so that no two identities share an encoding (every field carries its length)."""
    texts = [field if isinstance(field, str) else str(index(field)) for field in fields]
    return "".join([f"{len(text)}:{text}" for text in texts]).encode()


def stream(
    seed: int,
    replication: int,
    purpose: str,
    cls: str = "",
    mode: str = "",
    instance: int = 0,
    ordinal: int = 0,
) -> np.random.Generator:
    """Make the generator that belongs to one identity: a fresh one, at its beginning, at every call.

    Args:
        seed: the user's seed, any integer.
        replication: number of the replication, >= 0.
        purpose: what is drawn, e.g. ``"first_failure"``.
        cls: component class, or "" when none is meant.
        mode: failure mode, or "".
        instance: id of the part within its class.
        ordinal: which one of several streams of that part.

    Returns:
        A Philox generator whose 128-bit key is the BLAKE2b digest of the identity.

    >>> float(stream(1, 0, "demo").random()) == float(stream(1, 0, "demo").random())
    True
    """
    identity = _identity(seed, replication, purpose, cls, mode, instance, ordinal)
    digest = blake2b(identity, digest_size=16, person=b"ras_sim.stream").digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def base_key(seed: int, replication: int, purpose: str, cls: str = "", mode: str = "") -> int:
    """Return the 64-bit key from which the scalar draws of one purpose, class and mode descend.

    Args:
        seed: the user's seed, any integer.
        replication: number of the replication, >= 0.
        purpose: what is drawn.
        cls: component class, or "".
        mode: failure mode, or "".

    Returns:
        Key, 0 <= key < 2**64, the BLAKE2b digest of the identity. It costs microseconds: make it once.
    """
    identity = _identity(seed, replication, purpose, cls, mode)
    return int.from_bytes(blake2b(identity, digest_size=8, person=b"ras_sim.key").digest(), "little")


def child_key(key: int, *ordinals: int) -> int:
    """Walk down from a key by one or more ordinals, e.g. ``child_key(key, instance, life)``.

    ``child_key(key, a, b) == child_key(child_key(key, a), b)``; the children of one key never collide with
    each other (each step is a bijection of the ordinal modulo 2**64).

    Args:
        key: 0 <= key < 2**64.
        ordinals: plain integers (a numpy integer would overflow: convert it first).

    Returns:
        Key, 0 <= key < 2**64.
    """
    for ordinal in ordinals:
        key = (key + (ordinal + 1) * _CHILD) & _MASK
        key = ((key ^ (key >> 33)) * 0xFF51_AFD7_ED55_8CCD) & _MASK
        key = ((key ^ (key >> 33)) * 0xC4CE_B9FE_1A85_EC53) & _MASK
        key ^= key >> 33
    return key


def uniform(key: int, ordinal: int = 0) -> float:
    """Return the uniform number that belongs to (key, ordinal).

    Args:
        key: 0 <= key < 2**64, from ``base_key`` or ``child_key``.
        ordinal: which draw of that key; a plain integer.

    Returns:
        A multiple of 2**-53 in the open interval (0, 1): both ``log(u)`` and ``log1p(-u)`` are finite.
    """
    word = (key + ordinal * _GOLDEN) & _MASK
    word = ((word ^ (word >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    # 0 would leave the open interval; it comes once in 2**53 draws and becomes the smallest step.
    return ((word ^ (word >> 31)) >> 11 or 1) * _UNIT
