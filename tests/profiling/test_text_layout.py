"""How the layout of a text file is found."""

from __future__ import annotations

import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.profiling import encodings, text_layout

LAYOUTS = {
    "comma": ("a,b,y\n1,x,0\n2,z,1\n", ",", ("a", "b", "y"), 0),
    "semicolon with decimal commas": ("a;b;y\n1,5;2,25;0\n2,5;3,5;1\n", ";", ("a", "b", "y"), 0),
    "tab": ("a\tb c\ty\n1\tx, y\t0\n2\tz, w\t1\n", "\t", ("a", "b c", "y"), 0),
    "bar": ("a|b|y\n1|x|0\n2|z|1\n", "|", ("a", "b", "y"), 0),
    "quoted delimiters": ('a,b\n"x, y; z",1\n"u; v",2\n', ",", ("a", "b"), 0),
    "line breaks in quotes": ('a,b\n"x\ny",1\n"u",2\n', ",", ("a", "b"), 0),
    "lines before the header": ("Report\n\nof today\na,b\n1,2\n3,4\n", ",", ("a", "b"), 3),
    "only texts": ("colour,size\nred,small\nblue,large\n", ",", ("colour", "size"), 0),
    "numbered names": ("0,1,2\n5.1,3.5,x\n4.9,3.0,y\n", ",", ("0", "1", "2"), 0),
    "numbers and a text as names": ("1,2,y\n0.5,1.5,a\n1.5,2.5,a\n", ",", ("1", "2", "y"), 0),
    "years as names": (
        "country,2019,2020,2021\nA,1,2,3\nB,4,5,6\n",
        ",",
        ("country", "2019", "2020", "2021"),
        0,
    ),
    "blanks": ("a, b, y\n1, x, 0\n2, z, 1\n", ",", ("a", "b", "y"), 0),
    "one column": ("a\n1\n2\n", ",", ("a",), 0),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_finds_delimiter_names_and_lines_before(case):
    text, delimiter, names, skipped = LAYOUTS[case]
    found = text_layout.detect(text, "t.csv")
    assert (found.delimiter, found.names, found.skip_rows) == (delimiter, names, skipped)
    assert found.header == ()


def test_a_table_without_a_header_gets_names():
    found = text_layout.detect("5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.2,virginica\n", "t.csv")
    assert found.header == found.names == ("column_1", "column_2", "column_3")


def test_an_index_without_a_name_gets_one_by_replacing_the_header():
    found = text_layout.detect(",a,y\n0,1.5,x\n1,2.5,z\n", "t.csv")
    assert found.header == ("index", "a", "y")
    assert found.skip_rows == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,a\n1,2,3\n", ["t.csv, line 1", "columns 1 and 3", "'a'", "Rename"]),
        ("a,,b\n1,2,3\n", ["t.csv, line 1", "column 2 has no name"]),
        ("a,b\n", ["t.csv", "no rows"]),
        ("\n \n", ["t.csv is empty"]),
    ],
)
def test_what_cannot_be_a_table_is_one_sentence(text, words):
    with pytest.raises(ConfigError) as error:
        text_layout.detect(text, "t.csv")
    assert all(word in str(error.value) for word in words), str(error.value)


JAPANESE = "名前,年齢,購入\n田中,34,はい\n佐藤,28,いいえ\n"
WESTERN = "prénom;âge;ville\nÉloïse;3;Orléans\nAmélie;4;Besançon\n"


@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        *((JAPANESE, name, name) for name in ("utf-8", "utf-16", "utf-16-le", "cp932", "euc_jp")),
        (JAPANESE, "utf-8-sig", "utf-8"),
        ("id,県\n1,京都\n", "cp932", "cp932"),
        ("a,b\n1,ﾃｽﾄ\n2,東京\n", "cp932", "cp932"),
        (WESTERN, "latin-1", "latin-1"),
        (WESTERN, "utf-8", "utf-8"),
        ("Ort;Größe\nKöln;1,5\nMünchen;2,5\n", "cp1252", "latin-1"),
        ("a,b\n“x”,1 €\n", "cp1252", "cp1252"),
        ("城市,人口\n北京,2154\n上海,2424\n", "gb18030", "gb18030"),
        ("도시,인구\n서울,977\n부산,343\n", "euc_kr", "euc_kr"),
    ],
)
def test_finds_the_encoding_of_small_files(text, written, found):
    assert encodings.detect(text.encode(written)).name == found


def test_a_character_that_is_cut_at_the_end_does_not_matter():
    data = JAPANESE.encode()
    assert encodings.detect(data[:-3], complete=False).name == "utf-8"
