"""Checks a proof that `klapp audit prove` has written, without klapp, with Python's own library alone.

    python check_proof.py PROOF.json [KEY]

KEY is the log's public key, as `klapp audit witness` told it or an earlier proof holds it. Without it the proof is only
checked against the key that it brings along itself: then it is worth as much as your trust in where it came from.

A proof is JSON. Of an entry: "entry" (its number, from 1), "text" (what the tree holds of it), "proof" (hashes from the
leaf to the root). Of growth: "since" (an older checkpoint) and "proof". Both: "key" and "checkpoint". Hashing and proofs
are those of RFC 9162, section 2.1; checkpoints those of C2SP tlog-checkpoint; signatures Ed25519 (RFC 8032).
"""

import base64
import hashlib
import json
import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points of edwards25519, in extended coordinates (RFC 8032, 5.1.4)."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def decoded(data):
    """The point of 32 bytes (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    sign = data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if len(data) != 32 or y >= P or (x * x - square) % P or (not x and sign):
        raise ValueError("not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    """Whether an Ed25519 signature is right (RFC 8032, 5.1.7)."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    left, right = times(s, BASE), add(decoded(signature[:32]), times(h, decoded(key)))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def opened(note, key):
    """Size and root hash of a checkpoint that the key has signed."""
    name, identity, public = key.split("+", 2)
    public = base64.b64decode(public)[1:]
    text, _, rest = note.partition("\n\n")
    origin, size, root = text.split("\n")
    for line in rest.splitlines():
        _, signer, signature = line.split(" ")
        raw = base64.b64decode(signature)
        if signer == name == origin and raw[:4].hex() == identity and signed(public, (text + "\n").encode(), raw[4:]):
            return int(size), base64.b64decode(root)
    raise ValueError("a checkpoint is not signed by this key")


def parent(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def up(place, last):
    """One level up, past the levels at which nothing stands to the right."""
    while not place & 1 and place:
        place, last = place >> 1, last >> 1
    return place, last


def included(index, size, leaf, proof, root):
    """RFC 9162, 2.1.3.2."""
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = parent(other, found)
            place, last = up(place, last)
        else:
            found = parent(found, other)
        place, last = place >> 1, last >> 1
    return 0 <= index < size and last == 0 and found == root


def grown(old, new, old_root, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = parent(other, older), parent(other, newer)
            place, last = up(place, last)
        else:
            newer = parent(newer, other)
        place, last = place >> 1, last >> 1
    return 0 < old < new and last == 0 and older == old_root and newer == new_root


def main(path, key=None):
    with open(path, encoding="utf-8") as file:
        proof = json.load(file)
    size, root = opened(proof["checkpoint"], key or proof["key"])
    hashes = [bytes.fromhex(hash) for hash in proof["proof"]]
    if "entry" in proof:
        leaf = hashlib.sha256(b"\x00" + proof["text"].encode()).digest()
        right = included(proof["entry"] - 1, size, leaf, hashes, root)
        print(f"Entry {proof['entry']} is {'' if right else 'NOT '}in the log of {size} entries.")
    else:
        old_size, old_root = opened(proof["since"], key or proof["key"])
        right = grown(old_size, size, old_root, root, hashes)
        print(f"The log of {size} entries {'continues' if right else 'does NOT continue'} that of {old_size}.")
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:3]))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        sys.exit(f"This is not a proof, or not one of this key: {error}")
