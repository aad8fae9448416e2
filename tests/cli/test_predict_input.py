"""Files for predictions may be written as the training data."""

from __future__ import annotations

import csv

import pytest

from tfx_pipeline.cli import predict_input

CONFIG = """
name: table
data:
  path: table.csv
  {data}
columns: {{active: boolean, zip: text}}
label: {{name: y, task: binary}}
features: {{price: {{}}, zip: {{}}, active: {{}}}}
"""


def _rows(folder, data: str, content: bytes, name: str = "table.csv") -> list[dict[str, str]]:
    (folder / "pipeline.yaml").write_text(CONFIG.format(data=data))
    (folder / name).write_bytes(content)
    with predict_input.open_rows(str(folder / name), "csv", str(folder / "pipeline.yaml")) as file:
        return list(csv.DictReader(file))


WANTED = [
    {"price": "1234.5", "zip": "01234", "active": "1"},
    {"price": "", "zip": "東京", "active": "0"},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_a_file_in_the_form_of_the_data(encoding, tmp_path):
    content = "price;zip;active\n1.234,5;01234;yes\n?;東京;no\n".encode(encoding)
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    data = f'delimiter: ";"\n  decimal: ","\n  thousands: "."\n  missing: ["?"]\n  encoding: {name}'
    assert _rows(tmp_path, data, content) == WANTED


def test_names_from_the_configuration(tmp_path):
    content = b"\t01234\n"
    data = 'delimiter: "\\t"\n  header: [price, zip]'
    assert _rows(tmp_path, data, content) == [{"price": "", "zip": "01234"}]


def test_another_form_is_plain_csv(tmp_path):
    content = "price,zip,active\n1234.5,01234,1\n,東京,0\n".encode()
    assert _rows(tmp_path, 'delimiter: ";"\n  decimal: ","', content) == WANTED
