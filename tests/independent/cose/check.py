"""Checks COSE receipts and signed statements (RFC 9052, RFC 9942, SCITT) with cbor2 and cryptography alone.

Reads {"key", "issuer", "subject", "leaf", "receipt", "statement"} as JSON, in hexadecimal where they are bytes. Ends with 0 if both hold, and none of many changed ones does.
"""

import hashlib
import json
import sys

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALGORITHM, CONTENT_TYPE, KEY, CLAIMS, RECEIPTS, STRUCTURE, PROOFS = 1, 3, 4, 15, 394, 395, 396


class Refused(Exception):
    pass


def require(condition, why):
    if not condition:
        raise Refused(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(size, index, path, entry):
    """RFC 9162, 2.1.3.2."""
    require(index < size, "index")
    node, last, root = index, size - 1, sha256(b"\0" + entry)
    for sibling in path:
        require(last > 0, "path too long")
        if node % 2 == 1 or node == last:
            root = sha256(b"\1" + sibling + root)
            while node % 2 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            root = sha256(b"\1" + root + sibling)
        node, last = node >> 1, last >> 1
    require(last == 0, "path too short")
    return root


def open_message(data, expected):
    message = cbor2.loads(data)
    require(cbor2.dumps(message, canonical=True) == data, "not deterministic")
    require(isinstance(message, cbor2.CBORTag) and message.tag == 18 and len(message.value) == 4, "not COSE_Sign1")
    protected, unprotected, payload, signature = message.value
    header = cbor2.loads(protected)
    require(cbor2.dumps(header, canonical=True) == protected, "header not deterministic")
    require(header[ALGORITHM] == -8, "algorithm")
    require(header[CLAIMS] == {1: expected["issuer"], 2: expected["subject"]}, "claims")
    require(len(header[KEY]) == 4, "key")
    return protected, header, unprotected, payload, signature


def verify(expected, protected, payload, signature):
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    Ed25519PublicKey.from_public_bytes(expected["key"]).verify(signature, signed)


def check_receipt(data, expected, entry):
    protected, header, unprotected, payload, signature = open_message(data, expected)
    require(header[STRUCTURE] == 1 and payload is None, "structure")
    require(set(unprotected) == {PROOFS} and set(unprotected[PROOFS]) == {-1}, "proofs")
    [proof] = unprotected[PROOFS][-1]
    size, index, path = cbor2.loads(proof)
    require(cbor2.dumps([size, index, path], canonical=True) == proof, "proof not deterministic")
    verify(expected, protected, root_of(size, index, path, entry), signature)
    return size, index


def check_statement(data, expected):
    protected, header, unprotected, payload, signature = open_message(data, expected)
    require(set(unprotected) == {RECEIPTS}, "receipts")
    verify(expected, protected, payload, signature)
    [receipt] = unprotected[RECEIPTS]
    require(header[CONTENT_TYPE] == "application/vnd.countersign.leaf", "type")
    require(payload == expected["leaf"], "payload")
    return check_receipt(receipt, expected, payload)


def refuses(check, data):
    try:
        check(data)
    except Exception:  # whatever is wrong with it
        return True
    return False


def forged(other):
    """Yields what somebody may put together from the messages of two records, and other spellings of one, each with its check and name."""
    mine, theirs = wanted["receipt"], bytes.fromhex(other["receipt"])
    statement = cbor2.loads(wanted["statement"])
    for name, receipts in (("the receipt of another record", [theirs]), ("two receipts", [mine, mine]), ("no receipt", []), ("half a receipt", [mine[:-1]])):
        protected, _, payload, signature = statement.value
        yield "statement", name, cbor2.dumps(cbor2.CBORTag(18, [protected, {RECEIPTS: receipts}, payload, signature]))
    protected, unprotected, payload, signature = cbor2.loads(mine).value
    longer = {PROOFS: {-1: [unprotected[PROOFS][-1][0] + b"\0"]}}
    yield "receipt", "bytes behind the proof", cbor2.dumps(cbor2.CBORTag(18, [protected, longer, payload, signature]), canonical=True)
    yield "statement", "another record's", bytes.fromhex(other["statement"])
    yield "receipt", "another record's", theirs
    yield "receipt", "a statement", wanted["statement"]
    for name in ("receipt", "statement"):
        data = wanted[name]
        yield name, "bytes behind it", data + b"\0"
        yield name, "no tag", data[1:]
        # d2 84: the tag and an array of four.
        yield name, "an array of no stated length", b"\xd2\x9f" + data[2:] + b"\xff"
        yield name, "a length that is not the shortest", b"\xd2\x98\x04" + data[2:]


given = json.load(sys.stdin)
another = given.pop("other")
wanted = {name: value if name in ("issuer", "subject") else bytes.fromhex(value) for name, value in given.items()}
checks = {"receipt": lambda data: check_receipt(data, wanted, wanted["leaf"]), "statement": lambda data: check_statement(data, wanted)}
for name, check in checks.items():
    whole = wanted[name]
    size, index = check(whole)
    accepted = [at for at in range(len(whole)) if not refuses(check, whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])]
    accepted += [what for form, what, data in forged(another) if form == name and not refuses(check, data)]
    print(json.dumps({"form": name, "size": size, "index": index, "accepted": accepted}))
