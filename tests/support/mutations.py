"""Seeded damage to DICOM files: what a hospital export, a bad disk or a bad anonymiser does to them, and worse.

`damage(files, seed)` returns the damaged files of one case and a line that says what was done. The same
seed gives the same bytes on every machine, so a failure is reproduced by its number.
"""

from __future__ import annotations

import functools
import io
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pydicom

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
VRS = [b"DS", b"IS", b"UI", b"SQ", b"US", b"OW", b"LO", b"FD", b"DA", b"TM", b"UN", b"AT", b"PN", b"ZZ", b"\0\0"]
NUMBERS = [b"0", b"-1", b"1e308", b"-1e308", b"nan", b"inf", b"1e-300", b"", b" ", b"\0", b"9" * 40, b"1\\2", b"abc"]
TEXTS = [
    b"",
    b"\xff\xfe\xfd",
    "王小明".encode("gb18030"),
    b"A" * 5000,
    b"..\\..\\x",
    b"\x1b$B\x00",
    b"NONE",
    b"BQML",
    b"CNTS",
]
TIMES = [b"", b"00000000", b"20261399", b"99991231235959.999999+1400", b"250000", b"-1", b"0", b"12:30:00", b"1"]
UIDS = [b"", b"1", b".", b"1.2." * 20, b"0", b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.4.90"]
WORDS = [struct.pack("<H", n) for n in (0, 1, 2, 8, 12, 32, 255, 4096, 32768, 65535)]
BY_VR = {
    **dict.fromkeys((b"DS", b"IS"), NUMBERS),
    **dict.fromkeys((b"DA", b"TM", b"DT", b"AS"), TIMES),
    b"UI": UIDS,
    b"US": [*WORDS, b"", b"\1", b"\1\0\2\0"],
    b"FD": [struct.pack("<d", x) for x in (0.0, -1.0, 1e308, float("nan"), float("inf"))],
}
# (group, element) of what geometry, series choice, pixels and SUV rest on
VITAL = {
    *((0x0008, e) for e in (0x05, 0x08, 0x16, 0x18, 0x20, 0x21, 0x22, 0x2A, 0x30, 0x31, 0x32, 0x60)),
    *((0x0010, e) for e in (0x10, 0x20, 0x30, 0x40, 0x1010, 0x1020, 0x1030)),
    *((0x0018, e) for e in (0x1072, 0x1074, 0x1075, 0x1078, 0x1120, 0x1242, 0x5100)),
    *((0x0020, e) for e in (0x0D, 0x0E, 0x11, 0x13, 0x32, 0x37, 0x52)),
    *((0x0028, e) for e in (0x02, 0x04, 0x08, 0x10, 0x11, 0x30, 0x51, 0x100, 0x101, 0x102, 0x103)),
    *((0x0028, e) for e in (0x120, 0x1052, 0x1053)),
    *((0x0054, e) for e in (0x16, 0x81, 0x1000, 0x1001, 0x1006, 0x1102, 0x1300, 0x1321)),
    (0x7FE0, 0x10),
}  # fmt: skip


@dataclass
class Node:
    """One element: bytes, or the items of a sequence."""

    tag: tuple[int, int]
    vr: bytes
    value: bytes = b""
    items: list[list[Node]] | None = None
    length: int | None = None  # what the length field claims, where that is a lie

    def clone(self) -> Node:
        copy = Node(self.tag, self.vr, self.value, None, self.length)
        if self.items is not None:
            copy.items = []
            for item in self.items:
                copy.items.append([])
                for node in item:
                    copy.items[-1].append(node.clone())
        return copy

    def encode(self) -> bytes:
        body = self.value
        length = len(body)
        if self.items is not None:
            body = b""
            for item in self.items:
                inner = b""
                for node in item:  # loops, so that one level costs one frame of the stack
                    inner += node.encode()
                body += b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
            length = len(body)
        elif length % 2:
            body, length = body + b" ", length + 1
        claimed = length if self.length is None else self.length
        head = struct.pack("<HH", *self.tag) + self.vr
        if self.vr in LONG:
            return head + b"\0\0" + struct.pack("<I", claimed & 0xFFFFFFFF) + body
        return head + struct.pack("<H", claimed & 0xFFFF) + body


@dataclass
class Tree:
    """A file in explicit VR little endian, open to every kind of damage."""

    meta: bytes
    nodes: list[Node] = field(default_factory=list)

    def encode(self) -> bytes:
        return self.meta + b"".join(n.encode() for n in self.nodes)


@functools.lru_cache(maxsize=64)
def _parsed(raw: bytes) -> Tree:
    return parse(raw)


def parse(raw: bytes) -> Tree:
    """Read any file pydicom reads; the tree is in explicit VR little endian unless its pixels are compressed."""
    dataset = pydicom.dcmread(io.BytesIO(raw), force=True)
    if not dataset.file_meta.TransferSyntaxUID.is_compressed:
        buffer = io.BytesIO()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=True)
        raw = buffer.getvalue()
    start = 132 + 12 + struct.unpack("<I", raw[140:144])[0]
    return Tree(raw[:start], _nodes(raw[start:]))


def _nodes(raw: bytes) -> list[Node]:
    nodes, at = [], 0
    while at + 8 <= len(raw):
        tag, vr = struct.unpack("<HH", raw[at : at + 4]), raw[at + 4 : at + 6]
        at, size = (at + 12, raw[at + 8 : at + 12]) if vr in LONG else (at + 8, raw[at + 6 : at + 8])
        length = int.from_bytes(size, "little")
        if length == 0xFFFFFFFF:  # undefined: keep all that follows as it is
            nodes.append(Node(tag, vr, raw[at:], length=length))
            return nodes
        value = raw[at : at + length]
        nodes.append(Node(tag, vr, value, _items(value) if vr == b"SQ" else None))
        at += length
    return nodes


def _items(raw: bytes) -> list[list[Node]]:
    items, at = [], 0
    while at + 8 <= len(raw):
        length = int.from_bytes(raw[at + 4 : at + 8], "little")
        items.append(_nodes(raw[at + 8 : at + 8 + length]))
        at += 8 + length
    return items


# ------------------------------------------------------------------ kinds of damage
Change = Callable[[Tree, random.Random], str]


def _pick(tree: Tree, rng: random.Random) -> tuple[list[Node], int]:
    """A list of nodes and an index into it: three times in four something that the reading rests on."""
    every = [(nodes, i) for nodes in _lists(tree.nodes) for i in range(len(nodes))]
    vital = [(nodes, i) for nodes, i in every if nodes[i].tag in VITAL]
    return rng.choice(vital if vital and rng.random() < 0.75 else every)


def _lists(nodes: list[Node]) -> list[list[Node]]:
    found = [nodes]
    for here in found:  # grows as it goes: no recursion, however deep the nesting
        found += [item for node in here for item in node.items or ()]
    return found


def _name(node: Node) -> str:
    return f"({node.tag[0]:04x},{node.tag[1]:04x})"


def drop(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    return f"drop {_name(nodes.pop(i))}"


def blank(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    nodes[i].value, nodes[i].items = b"", None
    return f"blank {_name(nodes[i])}"


def replace(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    node = nodes[i]
    pool = BY_VR.get(node.vr, TEXTS) if rng.random() < 0.8 else rng.choice([NUMBERS, TEXTS, TIMES, UIDS, WORDS])
    node.value, node.items = rng.choice(pool), None
    return f"set {_name(node)} to {node.value[:20]!r}"


def one_of_several(tree: Tree, rng: random.Random) -> str:
    """Spoil one component of a value such as a position or an orientation."""
    nodes, i = _pick(tree, rng)
    parts = nodes[i].value.split(b"\\")
    parts[rng.randrange(len(parts))] = rng.choice(NUMBERS)
    if nodes[i].items is None and nodes[i].tag != (0x7FE0, 0x10):
        nodes[i].value = b"\\".join(parts)
    return f"one component of {_name(nodes[i])}"


def flip_vr(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    old, nodes[i].vr = nodes[i].vr, rng.choice(VRS)
    return f"VR of {_name(nodes[i])} {old!r} -> {nodes[i].vr!r}"


def lie_about_length(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    nodes[i].length = rng.choice([0, 1, len(nodes[i].value) + 2, 0xFFFF, 0x7FFFFFFE, 0xFFFFFFFE, 0xFFFFFFFF])
    return f"length of {_name(nodes[i])} said to be {nodes[i].length}"


def swap(tree: Tree, rng: random.Random) -> str:
    (a, i), (b, j) = _pick(tree, rng), _pick(tree, rng)
    one, two = a[i], b[j]
    one.value, two.value = two.value, one.value
    one.items, two.items = two.clone().items, one.clone().items  # cloned, so that neither holds itself
    return f"swap the values of {_name(one)} and {_name(two)}"


def double(tree: Tree, rng: random.Random) -> str:
    nodes, i = _pick(tree, rng)
    nodes.insert(rng.randrange(len(nodes) + 1), nodes[i].clone())
    return f"double {_name(nodes[i])}"


def nest(tree: Tree, rng: random.Random) -> str:
    """Put an element inside sequences of sequences."""
    nodes, i = _pick(tree, rng)
    inner, depth = nodes[i], rng.choice([1, 2, 5, 40, 150])
    for _ in range(depth):
        inner = Node(nodes[i].tag, b"SQ", items=[[inner]])
    nodes[i] = inner
    return f"nest {_name(inner)} {depth} deep"


def pixels_short(tree: Tree, rng: random.Random) -> str:
    node = next((n for n in tree.nodes if n.tag == (0x7FE0, 0x10)), tree.nodes[-1])
    node.value = node.value[: rng.randrange(len(node.value) + 1)]
    return f"pixel data cut to {len(node.value)} bytes"


TREE_CHANGES: list[Change] = [
    drop, drop, blank, blank, replace, replace, replace, one_of_several, flip_vr, lie_about_length, swap, double, nest,
    pixels_short,
]  # fmt: skip


def flip_bytes(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    data = bytearray(raw)
    end = min(len(data), 4000)
    count = rng.choice([1, 1, 2, 8, 64])
    for _ in range(count):
        data[rng.randrange(end)] = rng.randrange(256)
    return bytes(data), f"{count} bytes of the header overwritten"


def truncate(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    end = rng.randrange(len(raw)) if rng.random() < 0.5 else rng.randrange(min(len(raw), 4000))
    return raw[:end], f"cut after {end} bytes"


def insert_bytes(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.randrange(min(len(raw), 4000))
    return raw[:at] + rng.randbytes(rng.choice([1, 2, 8, 300])) + raw[at:], f"bytes inserted at {at}"


RAW_CHANGES = [flip_bytes, truncate, insert_bytes]


# ------------------------------------------------------------------ one case
def damage(files: Mapping[str, bytes], seed: int) -> tuple[dict[str, bytes], str]:
    """Damage some of ``files`` (name -> bytes) as ``seed`` says.

    One case in three spoils one file, else every file of one folder in the same way, as an
    anonymiser would; one to three changes each. Names are grouped by the part before the first "/".
    """
    rng = random.Random(seed)
    group = rng.choice(sorted({name.split("/")[0] for name in files}))
    chosen = sorted(name for name in files if name.split("/")[0] == group)
    if rng.random() < 1 / 3:
        chosen = [rng.choice(chosen)]
    changes: list[Any] = [rng.choice(TREE_CHANGES) for _ in range(rng.choice([1, 1, 2, 3]))]
    raw_change = rng.choice(RAW_CHANGES) if rng.random() < 0.25 else None
    inner = rng.randrange(2**32)
    out, said = dict(files), ""
    for name in chosen:
        again = random.Random(inner)  # the same damage in every file
        whole = _parsed(files[name])
        tree = Tree(whole.meta, [node.clone() for node in whole.nodes])
        steps = [] if raw_change else [change(tree, again) for change in changes]
        raw = tree.encode()
        if raw_change:
            raw, line = raw_change(raw, again)
            steps.append(line)
        out[name] = raw
        said = said or "; ".join(steps)
    return out, f"seed {seed}: {len(chosen)} file(s) of {group}: {said}"
