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
        ("columns.zip={type: text, max_unreadable: 0.1}", ["'image', not 'text'"]),
        ("columns.zip={type: image, max_unreadable: 2}", ["columns.zip.max_unreadable"]),
        ("columns.zip=[text]", ["columns.zip", "must be a mapping"]),
    ],
)
def test_a_wrong_type_is_refused(shop, override, words):
    found = "\n".join(map(str, read_config(shop, [override]).problems))
    assert all(word in found for word in words), found


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["columns.a=text", "features={a: {transform: image}}"], "columns.a says 'text'"),
        (["columns.a=image", "features={a: {transform: hash}}"], "columns.a says 'image'"),
        (["features={a: {transform: image, augment: spin}}"], "features.a.augment"),
        (["features={a: {transform: image, size: [2, 2]}}"], "features.a.size"),
        (["features={a: {transform: image, encoder: no_such.thing}}"], "no module 'no_such'"),
    ],
)
def test_wrong_settings_of_images(shop, overrides, words):
    found = "\n".join(map(str, read_config(shop, overrides).problems))
    assert words in found, found


def test_images_without_augmentation(shop):
    for text, expected in (("none", "none"), ("[]", ())):
        overrides = [f"features={{a: {{transform: image, augment: {text}}}}}", "columns.a=image"]
        assert load_config(shop, overrides).features["a"].augment == expected
