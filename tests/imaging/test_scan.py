"""Folders, lists and zips: what is looked at, what is passed over, what is unsafe."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_files import ct, pet, save, write
from numpy.testing import assert_array_equal
from pydicom.dataset import Dataset

from petrg import read_study
from petrg.errors import StudyError
from petrg.imaging.dicom import archive
from petrg.imaging.dicom.scan import scan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "Roe Jane 1961", ct(), pet())


def zipped(target: Path, folder: Path, *, prefix: str = "a/b/", method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", method) as out:
        for file in sorted(folder.rglob("*")):
            out.write(file, prefix + file.name)
    return target


def test_folder_tree_list_and_zip_read_the_same(folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.iterdir())
    deep = tmp_path / "x" / "y.z" / "ü"
    deep.mkdir(parents=True)
    (deep / "again").symlink_to(folder / files[0].name)
    for file in files[1:]:
        (deep / f"{file.name}.jpg").write_bytes(file.read_bytes())
    ways: list[object] = [folder, str(folder), files, list(map(str, reversed(files))), tmp_path / "x"]
    ways.append(zipped(tmp_path / "study.zip", folder))
    with zipfile.ZipFile(tmp_path / "outer.bin", "w") as outer:
        outer.write(tmp_path / "study.zip", "export/inner.zip")
    ways.append(tmp_path / "outer.bin")
    first = read_study(ways[0])
    for way in ways[1:]:
        study = read_study(way)
        assert study.id == first.id
        assert study.ct is not None
        assert study.pet is not None
        assert first.ct is not None
        assert first.pet is not None
        assert_array_equal(study.ct.array, first.ct.array)
        assert_array_equal(study.pet.array, first.pet.array)
        assert study.ct.grid.same_as(first.ct.grid)


def test_a_single_file_of_the_study_is_one_image(folder: Path) -> None:
    with pytest.raises(StudyError) as error:
        read_study(sorted(folder.iterdir())[0])
    assert str(error.value).startswith("no series that can be used: one image only — expected")


def other(modality: str, sop_class: str) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = sop_class, f"1.2.9.{len(sop_class)}", modality
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.1", f"1.2.8.{len(sop_class)}"
    return ds


def test_other_objects_are_passed_over_with_the_reason(folder: Path) -> None:
    (folder / "LIESMICH.txt").write_text("hello")
    (folder / "empty").touch()
    (folder / "noise.dcm").write_bytes(np.random.default_rng(0).bytes(5000))
    save(other("RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3"), folder / "rs")
    save(other("SEG", "1.2.840.10008.5.1.4.1.1.66.4"), folder / "seg")
    save(other("SR", "1.2.840.10008.5.1.4.1.1.88.67"), folder / "dose")
    save(other("MR", "1.2.840.10008.5.1.4.1.1.4"), folder / "mr")
    save(other("OT", "1.2.840.10008.5.1.4.1.1.7"), folder / "capture")
    directory = other("", "1.2.840.10008.1.3.10")
    save(directory, folder / "DICOMDIR")
    study = read_study(folder)
    assert {p.reason: p.files for p in study.passed_over} == {
        "DICOMDIR: files are found by looking, not by its list": 1,
        "RT structure set: contours are read as lesion masks, not as images": 1,
        "segmentation: read as lesion masks, not as images": 1,
        "structured or dose report": 1,
        "empty file": 1,
        "not DICOM": 2,
    }
    assert {f.modality: f.reason for f in study.found if f.role is None} == {
        "MR": "neither CT nor PET (MR)",
        "OT": "secondary capture",
    }


def test_no_name_of_a_file_stands_in_what_was_passed_over(folder: Path) -> None:
    (folder / "Roe_Jane_report.txt").write_text("Roe Jane")
    assert "Roe" not in repr(read_study(folder).passed_over)
    assert "Roe" not in repr(scan(folder))


def test_a_fifo_does_not_hang(folder: Path) -> None:
    import os

    os.mkfifo(folder / "pipe")
    assert any(p.reason == "not a regular file" for p in read_study(folder).passed_over)


def test_a_missing_path_is_refused_without_its_name(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        read_study(tmp_path / "Roe^Jane")
    assert str(error.value) == (
        "the path cannot be opened (No such file or directory) — "
        "expected a readable folder, file or zip — check the path"
    )


# --- zips that mean harm


def declared(path: Path, size: int, count: int = 1) -> Path:
    """A zip whose directory declares ``size`` bytes for each of ``count`` files, and holds few."""
    payload = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = payload.compress(b"\0" * 100) + payload.flush()
    out, central = io.BytesIO(), io.BytesIO()
    for i in range(count):
        name = f"{i}.dcm".encode()
        offset = out.tell()
        common = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, 0, len(body), min(size, 0xFFFFFFFE))
        out.write(b"PK\x03\x04" + common + struct.pack("<HH", len(name), 0) + name + body)
        central.write(
            b"PK\x01\x02"
            + struct.pack("<H", 20)
            + common
            + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, offset)
            + name
        )
    start = out.tell()
    out.write(central.getvalue())
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central.getvalue()), start, 0))
    path.write_bytes(out.getvalue())
    return path


BOMB = (
    "a zip that inflates to more than 8 GiB, or a file in it to more than 2 GiB — expected an archive of one study — "
    "unpack it yourself and give the folder"
)


def test_a_zip_that_declares_ten_gigabytes_is_refused(tmp_path: Path) -> None:
    for path in (declared(tmp_path / "one.zip", 4 * 1024**3 - 2), declared(tmp_path / "many.zip", 10**9, count=10)):
        with pytest.raises(StudyError) as error:
            read_study(path)
        assert str(error.value) in (BOMB, RATIO)


RATIO = (
    "a zip that inflates more than 200 times — expected an archive of images — unpack it yourself and give the folder"
)


def test_a_real_bomb_is_refused_before_it_inflates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out, out.open("0", "w") as member:
        for _ in range(300):
            member.write(bytes(1024**2))
    assert path.stat().st_size < 2 * 1024**2
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a, **k: pytest.fail("inflated"))
    with pytest.raises(StudyError) as error:
        read_study(path)
    assert str(error.value) == RATIO


def test_a_zip_that_lies_about_its_size_yields_no_more_than_declared(tmp_path: Path) -> None:
    path = tmp_path / "lie.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("0", bytes(128) + b"DICM" + bytes(10**6))
    raw = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        where = raw.index(mark) + at
        raw = raw[:where] + struct.pack("<I", 1000) + raw[where + 4 :]
    path.write_bytes(raw)
    with zipfile.ZipFile(path) as found:
        source = archive.ZipSource(found, found.infolist()[0])
        with pytest.raises(OSError, match="damaged"):
            source.read()
    with pytest.raises(StudyError):
        read_study(path)


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil", "\\\\host\\evil"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(zipfile.ZipInfo(name), b"x" * 200)
    with pytest.raises(StudyError) as error:
        read_study(tmp_path / "x.zip")
    assert str(error.value) == (
        "a zip with a name that leaves its folder ('../' or an absolute path) — expected names inside the archive — "
        "do not trust this file; export the study again"
    )


def test_reading_a_zip_writes_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    target = zipped(home / "s.zip", folder)
    monkeypatch.chdir(home)
    monkeypatch.setenv("TMPDIR", str(home))
    read_study(target)
    assert [p.name for p in home.iterdir()] == ["s.zip"]


def test_a_damaged_zip_is_refused(folder: Path, tmp_path: Path) -> None:
    target = zipped(tmp_path / "s.zip", folder)
    target.write_bytes(target.read_bytes()[:-30])
    with pytest.raises(StudyError) as error:
        read_study(target)
    assert str(error.value) == "a damaged zip — expected a complete archive — copy or export it again"


def test_an_encrypted_zip_is_refused(folder: Path, tmp_path: Path) -> None:
    target = zipped(tmp_path / "s.zip", folder)
    raw = bytearray(target.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    target.write_bytes(raw)
    with pytest.raises(StudyError, match="an encrypted zip — expected an archive without a password"):
        read_study(target)


def test_zips_within_zips_end(tmp_path: Path) -> None:
    inner = b"x" * 300
    for _ in range(5):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as wrapped:
            wrapped.writestr("next.zip", inner)
        inner = out.getvalue()
    (tmp_path / "deep.zip").write_bytes(inner)
    with pytest.raises(StudyError, match="zips nested too deep or too large — expected at most 3 levels"):
        read_study(tmp_path / "deep.zip")
