"""Named tensors in files, read one at a time and in blocks of rows, so that memory stays flat; nothing is unpickled."""

from __future__ import annotations

import errno
import json
import math
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors import SafetensorError
from torch import Tensor

from petrg.errors import ModelError

__all__ = [
    "INDEX",
    "SHARD",
    "SINGLE",
    "HeldTensors",
    "PickledTensors",
    "SafeTensors",
    "Tensors",
    "open_tensors",
    "write_shards",
    "writing",
]

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARD = 5_000_000_000
"""Bytes of a file, above which weights go into several."""
Shape = tuple[int, ...]

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LET_GO = 250_000_000
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


class Tensors(Protocol):
    """Where named tensors are read from."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each."""

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last`` along the first axis."""


class _Place(NamedTuple):
    path: Path
    dtype: torch.dtype
    shape: Shape
    start: int  # byte in the file


@dataclass(frozen=True)
class SafeTensors:
    """Tensors of one or several safetensors files.

    Files are read with plain reads: mapping them, as the reference reader does, counts every page that is looked at
    as memory in use.
    """

    places: Mapping[str, _Place]

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each."""
        return {name: place.shape for name, place in self.places.items()}

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""
        return self.places[name].dtype

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last``."""
        place = self.places[name]
        shape, skip = place.shape, 0
        if shape:
            first, last, _ = slice(first, last).indices(shape[0])
            skip = first * math.prod(shape[1:]) * place.dtype.itemsize
            shape = (max(last - first, 0), *shape[1:])
        raw = torch.empty(math.prod(shape) * place.dtype.itemsize, dtype=torch.uint8)
        with place.path.open("rb", buffering=0) as file:
            file.seek(place.start + skip)
            array: Any = raw.numpy()
            view, done = memoryview(array), 0
            while done < len(view):  # one read gives at most 2 GiB
                got = file.readinto(view[done:])
                if not got:
                    raise _cut(place.path, [name])
                done += got
        return raw.view(place.dtype).view(shape)

    @classmethod
    def of(cls, paths: Sequence[Path]) -> SafeTensors:
        """Read the headers of ``paths``.

        Raises
        ------
        ModelError
            If a file is none of the format or ends early (the tensors that are cut off are named), or two files hold a
            tensor of one name.
        """
        places: dict[str, _Place] = {}
        for path in paths:
            for name, place in _header(path):
                if name in places:
                    raise ModelError(f"tensor {name!r} stands in two files", "each tensor once", "fetch the files anew")
                places[name] = place
        return cls(places)


def _header(path: Path) -> Iterator[tuple[str, _Place]]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise _no_safetensors(path)
            header: dict[str, Any] = json.loads(file.read(length))
            header.pop("__metadata__", None)
            rows = [(name, _place(path, 8 + length, name, row)) for name, row in header.items()]
    except OSError as error:
        raise ModelError(f"weights cannot be read: {error.strerror}", "a safetensors file", "check the path") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_safetensors(path) from error
    cut = [name for name, p in rows if p.start + math.prod(p.shape) * p.dtype.itemsize > size]
    if cut:
        raise _cut(path, cut)
    yield from rows


def _place(path: Path, base: int, name: str, row: Mapping[str, Any]) -> _Place:
    if row["dtype"] not in _DTYPES:
        raise ModelError(
            f"tensor {name!r} is of type {row['dtype']!r}", f"one of {', '.join(_DTYPES)}", "cast it first"
        )
    dtype, shape, (first, last) = _DTYPES[row["dtype"]], tuple(row["shape"]), row["data_offsets"]
    counts = (*shape, first)
    if not all(isinstance(n, int) and n >= 0 for n in counts) or last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"tensor {name!r} has no place of its size")
    return _Place(path, dtype, shape, base + first)


def _no_safetensors(path: Path) -> ModelError:
    return ModelError(f"{path.name} is no whole safetensors file", "a header and its tensors", "fetch it again")


def _cut(path: Path, names: Sequence[str]) -> ModelError:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ModelError(
        f"{path.name} ends before {', '.join(names[:3])}{more}", "a whole file", "it was cut short: fetch it again"
    )


class PickledTensors:
    """A state dict in torch's own format, opened with ``weights_only`` and mapped.

    The file is let go after every `_LET_GO` bytes, or each page that was looked at would stay in memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, Tensor] = {}
        self._seen = 0

    @cached_property
    def _facts(self) -> dict[str, tuple[Shape, torch.dtype]]:
        return {name: (tuple(t.shape), t.dtype) for name, t in self._load().items()}

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each."""
        return {name: shape for name, (shape, _) in self._facts.items()}

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""
        return self._facts[name][1]

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last``."""
        if not self._open or self._seen > _LET_GO:
            self._open, self._seen = {}, 0
            self._open = self._load()
        tensor = self._open[name]
        copy = (tensor[first:last] if tensor.ndim else tensor).clone()
        self._seen += copy.nbytes
        return copy

    def _load(self) -> dict[str, Tensor]:
        if _starts_zip(self.path) and not zipfile.is_zipfile(self.path):
            raise ModelError(f"{self.path.name} has no end", "a whole file", "it was cut short: fetch it again")
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
            raise ModelError(
                f"{self.path.name} cannot be opened as plain tensors ({type(error).__name__})",
                "a state dict of tensors and nothing else",
                "fetch it again, or save its state dict as safetensors where you trust it",
            ) from error
        if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
            raise ModelError(
                f"{self.path.name} holds more than tensors", "a plain state dict", "save the model's state_dict() alone"
            )
        return state


@dataclass(frozen=True)
class HeldTensors:
    """Tensors that are in memory already."""

    held: Mapping[str, Tensor]

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each."""
        return {name: tuple(tensor.shape) for name, tensor in self.held.items()}

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""
        return self.held[name].dtype

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last``."""
        tensor = self.held[name].detach()
        return tensor[first:last] if tensor.ndim else tensor


def open_tensors(path: Path) -> SafeTensors | PickledTensors:
    """The tensors of a file, or of a folder that holds one checkpoint, sharded or not.

    Raises
    ------
    ModelError
        If there is none, a shard is missing, or a file is broken.
    """
    if path.is_dir():
        if (path / INDEX).is_file():
            if (path / SINGLE).is_file():
                raise ModelError(
                    f"the folder has both {SINGLE} and {INDEX}", "one set of weights", "delete the one that is older"
                )
            return _sharded(path)
        names = [n for n in (SINGLE, "pytorch_model.bin") if (path / n).is_file()]
        if not names:
            raise ModelError(f"the folder has no {SINGLE}", "a folder of weights", "check the path")
        path = path / names[0]
    pickled = _starts_zip(path) or path.suffix in {".bin", ".pt", ".pth"}
    return PickledTensors(path) if pickled else SafeTensors.of([path])


def _starts_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise ModelError(f"weights cannot be read: {error.strerror}", "a file of weights", "check the path") from error


def _sharded(folder: Path) -> SafeTensors:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        files = sorted({str(name) for name in index.values()})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{INDEX} cannot be read", "the list of shards", "fetch it again") from error
    missing = [name for name in files if os.path.basename(name) != name or not (folder / name).is_file()]
    if missing:
        raise ModelError(f"shard {missing[0]} is missing", f"the {len(files)} files of {INDEX}", "fetch it again")
    found = SafeTensors.of([folder / name for name in files])
    lost = sorted(name for name in index if name not in found.places)
    if lost:
        raise ModelError(f"tensor {lost[0]!r} is in no shard", f"all that {INDEX} lists", "fetch the folder again")
    return found


def write_shards(
    folder: Path,
    source: Tensors,
    *,
    limit: int = SHARD,
    names: Sequence[str] | None = None,
    dtype: torch.dtype | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write tensors as ``model.safetensors``, or as shards of at most ``limit`` bytes with an index.

    One tensor is in memory at a time.

    Parameters
    ----------
    names : sequence of str, optional
        Those that are written; all where None.
    dtype : optional
        What floating ones become.
    progress : callable, optional
        Told how many of how many are written.
    """
    rows = [_row(name, source, dtype) for name in (source.shapes if names is None else names)]
    shards = _plan(sorted(rows, key=lambda row: (-row.dtype.itemsize, row.name)), limit)
    placed: dict[str, str] = {}
    for k, shard in enumerate(shards, 1):
        file = SINGLE if len(shards) == 1 else f"model-{k:05d}-of-{len(shards):05d}.safetensors"
        _write_file(folder / file, shard, source, lambda done: progress and progress(len(placed) + done, len(rows)))
        placed.update((row.name, file) for row in shard)
    if len(shards) > 1:
        index = {"metadata": {"total_size": sum(r.nbytes for r in rows)}, "weight_map": dict(sorted(placed.items()))}
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


class _Row(NamedTuple):
    name: str
    dtype: torch.dtype
    shape: Shape

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _row(name: str, source: Tensors, dtype: torch.dtype | None) -> _Row:
    own = source.dtype(name)
    return _Row(name, dtype if dtype is not None and own.is_floating_point else own, tuple(source.shapes[name]))


def _plan(rows: Sequence[_Row], limit: int) -> list[list[_Row]]:
    shards: list[list[_Row]] = [[]]
    for row in rows:
        if shards[-1] and sum(r.nbytes for r in shards[-1]) + row.nbytes > limit:
            shards.append([])
        shards[-1].append(row)
    return shards


def _write_file(path: Path, rows: Sequence[_Row], source: Tensors, told: Callable[[int], object]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for row in rows:
        offsets = [at, at := at + row.nbytes]
        header[row.name] = {"dtype": _NAMES[row.dtype], "shape": list(row.shape), "data_offsets": offsets}
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)  # so that tensors start aligned
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        for done, row in enumerate(rows, 1):
            file.write(_bytes(source, row))  # not held by a name: two tables at a time would be twice the memory
            told(done)
        file.flush()
        os.fsync(file.fileno())


def _bytes(source: Tensors, row: _Row) -> memoryview:
    tensor = source.read(row.name).to("cpu", row.dtype).contiguous()
    array: Any = tensor.view(-1).view(torch.uint8).numpy() if tensor.numel() else b""
    return memoryview(array)


@contextmanager
def writing() -> Iterator[None]:
    """Within, what safetensors says of a file that cannot be written (a full disk) is an OSError, as of any other."""
    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code)) from error
