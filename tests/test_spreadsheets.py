"""CSV files in a real spreadsheet: LibreOffice computes no cell of them, and shows Persian."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.test import RequestFactory

from subscription_task.http import csv_files
from tests import servers

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not shutil.which("soffice"), reason="wants LibreOffice: apt-get install libreoffice-calc-nogui"),
]

PERSIAN = "نام مشتری"
BEFORE = ("", "a;", "a,", "a\t", "a|", "a\n", "a\r\n", 'a;"', 'a;""', "a; ", 'a;\n "', ';";', 'a";', "\t", "\n", "\r")
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", '=1+1;"', '=1+1"', "=1+1,")
HOSTILE = [before + formula for before in BEFORE for formula in FORMULAS]


@pytest.mark.parametrize("separators", ["59", "44/59/9"])
def test_a_spreadsheet_shows_names_and_computes_nothing_whatever_it_separates_by(tmp_path, separators):
    rows = [{"id": number, "name": name, "last": name} for number, name in enumerate([PERSIAN, *HOSTILE])]
    pieces = csv_files.lines(["id", "name", "last"], [rows])
    file = tmp_path / "names.csv"
    file.write_bytes(csv_files.answer(RequestFactory().get("/"), pieces, name="names", marked=True).getvalue())
    shown = opened(file, separators)
    assert PERSIAN in shown
    assert "table:formula" not in shown


def test_the_spreadsheet_computes_what_is_not_defused(tmp_path):
    file = tmp_path / "names.csv"
    file.write_text('5,"a;=1+1;"\n')
    assert "table:formula" in opened(file, "59")


def opened(file: Path, separators: str) -> str:
    """The sheet as XML, of a file that is opened with these separators and in the encoding that it says itself."""
    command = ["soffice", f"-env:UserInstallation={file.parent.as_uri()}/office", "--headless", "--convert-to", "fods"]
    command += [f"--infilter=CSV:{separators},34", "--outdir", str(file.parent), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=servers.PATIENCE)
    return file.with_suffix(".fods").read_text("utf-8")
