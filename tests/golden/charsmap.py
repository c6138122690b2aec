"""Writes SentencePiece's precompiled charsmaps: a double array (the units of darts-clone) of few keys,
and the strings that they become. Not compact, but simple."""
import base64
import struct


def charsmap(rules):
    """The bytes of a charsmap for {key: replacement}, both of bytes."""
    normalized, values = b"", {}
    for key, to in rules.items():
        values[key] = len(normalized)
        normalized += to + b"\0"
    trie = {}
    for key in rules:
        node = trie
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = values[key]
    units, next_free = {0: 0}, [256]

    def place(position, node):
        offset = next_free[0]  # a block of 256 units for each node: base and labels never clash
        next_free[0] += 256
        base = position ^ offset
        # an offset of 21 bits, or one of 29 whose low 8 bits are 0
        units[position] |= base << 10 if base < 1 << 21 else (base >> 8) << 10 | 1 << 9
        assert base < 1 << 21 or base & 0xFF == 0
        for byte, child in node.items():
            if byte is None:
                units[position] |= 1 << 8
                units[offset] = child | 1 << 31
            else:
                units[offset ^ byte] = byte
        for byte, child in node.items():
            if byte is not None:
                place(offset ^ byte, child)

    place(0, trie)
    array = [units.get(i, 1 << 31 | 0xFF) for i in range(next_free[0])]
    blob = struct.pack("<%dI" % len(array), *array)
    return struct.pack("<I", len(blob)) + blob + normalized


def text_rules(rules):
    return charsmap({k.encode(): v.encode() for k, v in rules.items()})


def encoded(rules):
    return base64.b64encode(text_rules(rules)).decode()
