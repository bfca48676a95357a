"""Checks attested events of OCSF 1.9 (profile record_integrity, RFC 8785) with Python's standard library alone.

Takes the file of an export, one event a line. Prints one JSON object: how many events there are, the chain, the fingerprint of the last one, and which of many
changes to the file were not found.
"""

import copy
import decimal
import hashlib
import json
import sys


class Refused(Exception):
    pass


def require(condition, why):
    if not condition:
        raise Refused(why)


def number(value):
    """ECMA-262, Number::toString, as RFC 8785 (3.2.2.3) asks for."""
    if float(value) == 0:
        return "0"
    sign, digits, exponent = decimal.Decimal(repr(float(value))).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        text = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        text = text[:point] + "." + text[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + text
    else:
        text = text[0] + ("." + text[1:] if len(text) > 1 else "") + "e%+d" % (point - 1)
    return "-" * sign + text


def members(pairs):
    """RFC 8785 is of I-JSON alone. Of a name that an object has twice, one reader takes the first value and another the last."""
    require(len(dict(pairs)) == len(pairs), "a name twice in one object")
    return dict(pairs)


def parse(line):
    return json.loads(line, object_pairs_hook=members)


def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(member) for name, member in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def check(events):
    """Returns the chain, and the fingerprint of the last event."""
    chain, nonce, before = None, None, None
    for position, event in enumerate(copy.deepcopy(list(events))):
        require(event["metadata"]["version"] == "1.9.0" and "record_integrity" in event["metadata"]["profiles"], "profile")
        require(len(event["attestation_list"]) == 1, "one attestation")
        attestation = event["attestation_list"][0]
        chain = attestation["chain_uid"] if chain is None else chain
        nonce = attestation["uid"].partition(".")[2] if nonce is None else nonce
        require(attestation["chain_uid"] == chain and attestation["uid"] == "%s#%d.%s" % (chain, position, nonce), "place in the chain")
        require(len(bytes.fromhex(nonce)) == 16, "nonce")
        require(attestation.get("prev_event") == before, "previous event")
        fingerprint = attestation.pop("fingerprint")
        require("signatures" not in attestation, "signatures are not expected")
        forms = [fingerprint[name] for name in ("algorithm_id", "serialization_id", "encoding_id")]
        require(forms == [3, 2, 1], "SHA-256 over JCS, in hexadecimal digits")
        require(hashlib.sha256(canonical(event).encode()).hexdigest() == fingerprint["value"], "fingerprint")
        before = {"uid": event["metadata"]["uid"], "type_uid": event["type_uid"], "fingerprint": fingerprint}
    return chain, fingerprint["value"]


def changes(events):
    """Yields each change with its name. A chain does not show that its last events are lacking: that is for the record of the export."""
    for i in range(len(events)):
        for path in [("message",), ("time",), ("metadata", "uid"), ("attestation_list", 0, "authority_uid")]:
            changed = copy.deepcopy(events)
            place = changed[i]
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = 1 if path == ("time",) else "other"
            yield "%s of %d" % (path, i), changed
        added = copy.deepcopy(events)
        added[i]["unmapped"]["more"] = None
        yield "a member of %d" % i, added
        yield "%d twice" % i, events[: i + 1] + events[i:]
        if i + 1 < len(events):
            yield "without %d" % i, events[:i] + events[i + 1 :]
            yield "%d later" % i, events[:i] + [events[i + 1], events[i]] + events[i + 2 :]


def doubled(lines):
    """Yields lines in which an object has a name twice, the true value last, with the name of each change."""
    for i, line in enumerate(lines):
        for name, place in [("message", "{"), ("uid", '"metadata":{')]:
            yield "%s twice in %d" % (name, i), lines[:i] + [line.replace(place, place + '"%s":"other",' % name, 1)] + lines[i + 1 :]


def is_accepted(events):
    try:
        check(events())
        return True
    except (Refused, KeyError, ValueError):
        return False


with open(sys.argv[1], encoding="utf-8") as file:
    lines = list(file)
parsed = list(map(parse, lines))
found, value = check(parsed)
accepted = [name for name, each in changes(parsed) if is_accepted(lambda: each)]
accepted += [name for name, each in doubled(lines) if is_accepted(lambda: map(parse, each))]
print(json.dumps({"events": len(lines), "chain": found, "fingerprint": value, "accepted": accepted}))
