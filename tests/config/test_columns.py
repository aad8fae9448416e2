import pytest

from tfx_pipeline.config.loader import load_config, read_config


def test_a_type_can_be_a_name_or_a_mapping(shop):
    config = load_config(
        shop, ["columns={zip: text, when: {type: datetime, format: '%d/%m/%Y', zone: Asia/Tokyo}}"]
    )
    assert config.columns["zip"].type == "text"
    assert config.columns["when"].zone == "Asia/Tokyo"
    assert type(config).model_validate(config.dump()).columns == config.columns


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("columns.zip=txt", ["columns.zip.type", "Did you mean 'text'?"]),
        ("columns.zip={typ: text}", ["columns.zip.type", "is missing"]),
        ("columns.zip={type: text, zone: UTC}", ["'zone'", "'datetime', not 'text'"]),
        ("columns.zip=[text]", ["columns.zip", "must be a mapping"]),
    ],
)
def test_a_wrong_type_is_refused(shop, override, words):
    found = "\n".join(map(str, read_config(shop, [override]).problems))
    assert all(word in found for word in words), found
