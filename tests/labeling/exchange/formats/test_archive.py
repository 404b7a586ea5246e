from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.exchange.formats.archive import Archive, is_safe
from labeling.exchange.formats.output import Output

MOMENT = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
HOSTILE = [
    "../up.txt",
    "a/../../up.txt",
    "/etc/passwd",
    "a//b",
    "a\\..\\b",
    "./a",
    "",
    "a\nb",
    " ",
    "\ud800",
]


def test_what_was_written_is_what_zipfile_unpacks(tmp_path: Path) -> None:
    files = {f"labels/새 {number}.txt": b"0 1 2\n" * number for number in range(300)}
    with Output(tmp_path) as output:
        archive = Archive(output, "a.zip", MOMENT)
        for name, content in files.items():
            archive.write(name, content)
        archive.copy("list.txt", BytesIO(b"one\ntwo\n"))
        archive.close()

    with zipfile.ZipFile(tmp_path / "a.zip") as found:
        assert found.testzip() is None
        assert {one: found.read(one) for one in found.namelist()} == {
            **files,
            "list.txt": b"one\ntwo\n",
        }
        assert {info.date_time for info in found.infolist()} == {(2026, 5, 4, 10, 30, 0)}


def test_an_archive_closed_twice_is_complete_once(tmp_path: Path) -> None:
    with Output(tmp_path) as output:
        archive = Archive(output, "a.zip", MOMENT)
        archive.close()
        archive.close()

    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == []


def test_an_archive_knows_the_names_in_it_whoever_wrote_them(tmp_path: Path) -> None:
    piece = BytesIO()
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with Output(tmp_path / "first") as output:
        archive = Archive(output, "a.zip", MOMENT)
        archive.write("one.txt", b"1")
        output.pack(piece)
        archive.close()

    with Output(tmp_path / "second") as output:
        output.unpack(piece.getvalue())
        archive = Archive(output, "a.zip", MOMENT)
        assert ("one.txt" in archive, "two.txt" in archive) == (True, False)
        archive.write("two.txt", b"2")
        assert "two.txt" in archive
        archive.close()

    assert zipfile.ZipFile(tmp_path / "second/a.zip").namelist() == ["one.txt", "two.txt"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert not is_safe(name)
    with Output(tmp_path) as output:
        archive = Archive(output, "a.zip", MOMENT)
        with pytest.raises(ValueError, match="no name for a file"):
            archive.write(name, b"")
        archive.close()


@given(st.text(alphabet=st.sampled_from("ab./\\ \n:~\u2028") | st.characters(), max_size=12))
def test_a_safe_name_stays_in_the_folder_and_on_its_line(name: str) -> None:
    if is_safe(name):
        assert Path("/folder/inside", name).resolve().is_relative_to("/folder/inside")
        assert name.splitlines() == [name]
