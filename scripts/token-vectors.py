#!/usr/bin/env python3
"""Writes tests/vectors/token-v1.json, or with --check compares it with what this program would write.

This is a second implementation of docs/token.md, on nothing but Python's standard library: it shares no code with
src/base/token.rs, so a vector that both agree on says something. Run it from anywhere.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import uuid

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "vectors" / "token-v1.json"

SET_PASSWORD, VERIFY_EMAIL, OFFLINE = 1, 2, 3
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def hkdf_sha256(root_key, info, length=32):
    """RFC 5869 with the empty salt, which stands for a block of zeros."""
    pseudo_random_key = hmac.new(bytes(32), root_key, hashlib.sha256).digest()
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(pseudo_random_key, block + info + bytes([counter]), hashlib.sha256).digest()
        output, counter = output + block, counter + 1
    return output[:length]


def tenant_number(domain):
    """0 for the super tenant, else the first 53 bits of a SHA-256."""
    domain = domain.lower()
    if domain == "carbon.super":
        return 0
    digest = hashlib.sha256(b"latchkey tenant\0" + domain.encode("utf-8")).digest()
    return max(1, int.from_bytes(digest[:8], "big") >> 11)


def payload(claims):
    kid, locale = claims["kid"].encode("ascii"), claims["locale"].encode("ascii")
    return b"".join([
        bytes([len(kid)]), kid,
        bytes([claims["purpose"]]),
        claims["tenant"].to_bytes(8, "big"),
        uuid.UUID(claims["user"]).bytes,
        claims["seq"].to_bytes(4, "big"),
        claims["issuedAt"].to_bytes(8, "big"),
        claims["expiresAt"].to_bytes(8, "big"),
        bytes([len(locale)]), locale,
    ])


def tag(root_key, host, purpose, tenant, signed):
    info = b"latchkey/token/v1\0" + bytes([purpose]) + tenant.to_bytes(8, "big") + host.encode("ascii")
    return hmac.new(hkdf_sha256(root_key, info), signed.encode("ascii"), hashlib.sha256).digest()


def seal(root_key, host, purpose, tenant, body, prefix="lk1."):
    """A token around any payload bytes, so that invalid ones can be signed too."""
    signed = prefix + base64url(body)
    return signed + "." + base64url(tag(root_key, host, purpose, tenant, signed))


def mint(root_key, host, claims):
    return seal(root_key, host, claims["purpose"], claims["tenant"], payload(claims))


# Keys that anybody can see are not keys: nothing but these vectors may use them.
ROOT_KEY = bytes(range(32))
LONG_KEY = bytes(range(255, 191, -1))
HOST = "id.example.com"
ISSUED = 1795355652  # 2026-11-22T13:54:12Z
USER = "0192f0c1-2345-7890-8abc-def012345678"


def claims(**changes):
    base = {
        "kid": "k1", "purpose": SET_PASSWORD, "tenantDomain": "carbon.super", "user": USER, "seq": 0,
        "issuedAt": ISSUED, "expiresAt": ISSUED + 1440 * 60, "locale": "en_US",
    }
    base.update(changes)
    base["tenant"] = tenant_number(base["tenantDomain"])
    return base


def valid(name, root_key=ROOT_KEY, host=HOST, **changes):
    said = claims(**changes)
    token = mint(root_key, host, said)
    assert len(token) <= 160, (name, len(token))
    fields = ("kid", "host", "purpose", "tenant", "tenantDomain", "user", "seq", "issuedAt", "expiresAt", "locale")
    vector = {"name": name, "rootKey": base64url(root_key), **{f: {**said, "host": host}[f] for f in fields}}
    return {**vector, "token": token}


def valid_vectors():
    return [
        valid("set a password, super tenant"),
        valid("confirm an e-mail address", purpose=VERIFY_EMAIL, locale="de_DE"),
        valid("set a password by a link that was handed over", purpose=OFFLINE, seq=2),
        valid("another tenant", tenantDomain="acme.com"),
        valid("another tenant, every purpose has its key", tenantDomain="acme.com", purpose=VERIFY_EMAIL),
        valid("never expires", expiresAt=0),
        valid("the fifth link of this user", seq=4),
        valid("no locale", locale=""),
        valid("a host with a port, as in development", host="127.0.0.1:8787"),
        valid("a root key of 64 bytes", root_key=LONG_KEY, kid="k2"),
        valid("the longest: kid of 8, locale of 16, every number at its largest",
              root_key=LONG_KEY, kid="kid-2026", locale="abcdefgh_IJKLMNO", tenantDomain="a-rather-long-domain.example",
              user="ffffffff-ffff-ffff-ffff-ffffffffffff", seq=2**32 - 1, issuedAt=2**53, expiresAt=2**53 + 60),
    ]


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def with_spare_bits(text):
    """The same bytes under another spelling: the bits that base64url's last character does not need are set."""
    index = ALPHABET.index(text[-1])
    spare = {2: 4, 3: 2}[len(text) % 4]
    assert index & ((1 << spare) - 1) == 0
    return text[:-1] + ALPHABET[index | 1]


def invalid_vectors():
    said = claims()
    body = payload(said)
    token = mint(ROOT_KEY, HOST, said)
    head, last = token.rsplit(".", 1)
    middle = head.removeprefix("lk1.")
    right = tag(ROOT_KEY, HOST, SET_PASSWORD, 0, head)
    other = mint(ROOT_KEY, HOST, claims(seq=1))
    # One whose tag has a character that the two base64 alphabets spell differently.
    candidates = (mint(ROOT_KEY, HOST, claims(seq=seq)) for seq in range(100))
    dashed = next(candidate for candidate in candidates if set(candidate.rsplit(".", 1)[1]) & set("-_"))

    def signed(changed, purpose=SET_PASSWORD, tenant=0):
        return seal(ROOT_KEY, HOST, purpose, tenant, changed)

    # Where fields begin or end in the payload.
    kid_end = 1 + len("k1")
    seq_end = kid_end + 1 + 8 + 16 + 4
    expiry_end = seq_end + 8 + 8
    # Without a locale the payload is 49 bytes long, so that its last base64url character has spare bits.
    bare = payload(claims(locale=""))
    assert len(bare) % 3 != 0
    spared = "lk1." + with_spare_bits(base64url(bare))
    spared += "." + base64url(tag(ROOT_KEY, HOST, SET_PASSWORD, 0, spared))

    vectors = {
        "empty": "",
        "the prefix alone": "lk1.",
        "version 0": "lk0." + middle + "." + last,
        "version 0, signed as such": seal(ROOT_KEY, HOST, SET_PASSWORD, 0, body, prefix="lk0."),
        "version 2, signed as such": seal(ROOT_KEY, HOST, SET_PASSWORD, 0, body, prefix="lk2."),
        "upper-case prefix": "LK1." + middle + "." + last,
        "no prefix": middle + "." + last,
        "a JWT with alg none": "eyJhbGciOiJub25lIn0." + middle + ".",
        "an empty tag": head + ".",
        "no tag": head,
        "a tag of 16 bytes": head + "." + base64url(right[:16]),
        "a tag of 31 bytes": head + "." + base64url(right[:31]),
        "a tag of 33 bytes": head + "." + base64url(right + b"\0"),
        "first bit of the tag flipped": head + "." + base64url(flipped(right, 7)),
        "last bit of the tag flipped": head + "." + base64url(flipped(right, 31 * 8)),
        "seq changed, tag kept": "lk1." + base64url(flipped(body, (seq_end - 1) * 8)) + "." + last,
        "expiry changed, tag kept": "lk1." + base64url(flipped(body, (expiry_end - 1) * 8)) + "." + last,
        "payload of one token, tag of another": head + "." + other.rsplit(".", 1)[1],
        "spare bits of the tag set": head + "." + with_spare_bits(last),
        "spare bits of the payload set, signed as such": spared,
        "padded tag": token + "=",
        "padded payload": "lk1." + base64url(bare) + "==." + base64url(tag(
            ROOT_KEY, HOST, SET_PASSWORD, 0, "lk1." + base64url(bare) + "==")),
        "the other base64 alphabet": dashed.replace("-", "+").replace("_", "/"),
        "leading space": " " + token,
        "trailing line feed": token + "\n",
        "dots that only look like dots": token.replace(".", "\u2024"),
        "percent-encoded dot": token.replace(".", "%2E"),
        "161 characters": token + "A" * (161 - len(token)),
        "an empty payload, signed": signed(b""),
        "one byte too many in the payload, signed": signed(body + b"\0"),
        "one byte too few in the payload, signed": signed(body[:-1]),
        "a locale that claims more bytes than there are, signed": signed(bare[:-1] + b"\x05en"),
        "a locale of 17 bytes, signed": signed(bare[:-1] + bytes([17]) + b"a" * 17),
        "a locale that is not ASCII, signed": signed(bare[:-1] + b"\x02\xc3\xa9"),
        "a kid of 9 bytes, signed": signed(b"\x09kid-20260" + body[kid_end:]),
        "an empty kid, signed": signed(b"\0" + body[kid_end:]),
        "an unknown kid, signed": mint(ROOT_KEY, HOST, claims(kid="k9")),
        "purpose 0, signed": signed(body[:kid_end] + b"\0" + body[kid_end + 1:], purpose=0),
        "purpose 4, signed": signed(body[:kid_end] + b"\x04" + body[kid_end + 1:], purpose=4),
        "signed with another purpose's key": signed(body, purpose=VERIFY_EMAIL),
        "signed with another tenant's key": signed(body, tenant=tenant_number("acme.com")),
        "another tenant's token": mint(ROOT_KEY, HOST, claims(tenantDomain="acme.com")),
        "signed for another host": mint(ROOT_KEY, "id.example.org", said),
        "signed with another root key": mint(LONG_KEY, HOST, said),
        "signed with the root key itself": head + "." + base64url(
            hmac.new(ROOT_KEY, head.encode("ascii"), hashlib.sha256).digest()),
        "issued 61 seconds in the future": mint(ROOT_KEY, HOST, claims(issuedAt=ISSUED + 61)),
    }
    assert len(set(vectors.values())) == len(vectors) and token not in vectors.values()
    return [{"name": name, "token": text} for name, text in vectors.items()]


def document():
    first = valid_vectors()[0]
    return {
        "about": "Vectors for docs/token.md, made by scripts/token-vectors.py. A valid one is checked at its issuedAt, with "
                 "its own key, host and tenant; an invalid one at now, with the key and host of the first valid one, for "
                 "every purpose, in the super tenant.",
        "now": first["issuedAt"],
        "valid": valid_vectors(),
        "invalid": invalid_vectors(),
    }


def main():
    text = json.dumps(document(), indent=2, ensure_ascii=True) + "\n"
    if sys.argv[1:] == ["--check"]:
        if OUTPUT.read_text(encoding="utf-8") != text:
            sys.exit(f"{OUTPUT} is not what this program writes: run it without --check and look at the difference")
    elif sys.argv[1:]:
        sys.exit("usage: token-vectors.py [--check]")
    else:
        OUTPUT.write_text(text, encoding="utf-8")
    print(f"{OUTPUT}: {len(document()['valid'])} valid, {len(document()['invalid'])} invalid")


if __name__ == "__main__":
    main()
