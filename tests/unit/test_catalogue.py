"""The catalogue: the shipped one is sound, and whatever is wrong with another is said with line and cure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.schemas.experts import EngineKind, Location
from experts.catalogue import SHIPPED, load

Write = Callable[[str], Path]

PRICES = "price_in_usd_per_mtok = 1\nprice_out_usd_per_mtok = 2\n"
SOUND = f'[experts.one]\nengine = "vllm"\nmodel = "org/model"\n{PRICES}context_tokens = 1000\n'


@pytest.fixture
def write(tmp_path: Path):
    """Writes a catalogue and gives its path."""

    def written(text: str) -> Path:
        path = tmp_path / "catalogue.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load(path)
    return str(error.value)


def test_the_shipped_catalogue_has_four_experts_that_differ_in_adapter_and_price():
    specs = load(SHIPPED)

    assert [spec.name for spec in specs] == ["general", "math", "code", "biomed"]
    assert {spec.engine for spec in specs} == {EngineKind.VLLM}
    assert [Path(spec.adapter).name if spec.adapter else None for spec in specs] == [None, "math", "code", "biomed"]
    assert len({spec.price_out_usd_per_mtok for spec in specs}) == 4
    assert all(spec.sampling.temperature == 0 for spec in specs)


def test_the_examples_in_the_shipped_catalogue_are_sound_too(write: Write):
    comments = SHIPPED.read_text(encoding="utf-8").split("[experts.general]")[1].splitlines()
    examples = [line[2:] for line in comments if line.startswith(("# [experts", "# ")) and ("=" in line or "[" in line)]

    specs = load(write("\n".join(examples)))

    assert [spec.engine for spec in specs] == ["vllm", "openai", "synthetic"]
    assert specs[1].location is Location.CLOUD


def test_paths_are_taken_from_the_catalogues_folder(write: Write, tmp_path: Path):
    (tmp_path / "base").mkdir()
    adapter = tmp_path / "adapters" / "mine"
    adapter.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (adapter / name).touch()

    (spec,) = load(write(SOUND.replace("org/model", "./base") + 'adapter = "adapters/mine"\n'))

    assert (spec.model, spec.adapter) == (str(tmp_path / "base"), str(adapter))


def test_models_and_adapters_of_the_hub_are_left_as_they_are(write: Write):
    (spec,) = load(write(SOUND + 'adapter = "hub:org/adapter"\n'))

    assert (spec.model, spec.adapter) == ("org/model", "hub:org/adapter")


@pytest.mark.parametrize(
    ("line", "number", "said"),
    [
        (
            "prise_in_usd_per_mtok = 1",
            7,
            "experts.one, prise_in_usd_per_mtok: no such field; did you mean price_in_usd_per_mtok",
        ),
        (
            "sampling = { temperature = 9 }",
            7,
            "sampling.temperature: 9 won't do: Input should be less than or equal to 2",
        ),
        ("limits = { bulk_plces = 3 }", 7, "limits.bulk_plces: no such field; did you mean bulk_places"),
        ("options = { kv_cache_gb = 3 }", 7, "options.kv_cache_gb: no such field; did you mean kv_cache_gib?"),
        ("options.kv_cache_gib = -1", 7, "options.kv_cache_gib: -1 won't do: Input should be greater than 0"),
        ("[experts.one.options]\nkv_cache_gib = 0", 8, "options.kv_cache_gib: 0 won't do"),
        ('location = "moon"', 7, "location: 'moon' won't do: Input should be 'edge' or 'cloud'"),
        ("zzz = 1", 7, "zzz: no such field; there are: engine, model, adapter"),
        ('adapter = "nowhere"', 7, "nowhere lacks adapter_config.json and adapter_model.safetensors: mend the path"),
        ("sampling = { max_tokens = 1000 }", 7, "sampling.max_tokens: 1000 leaves no room for a prompt"),
        ('name = "one"', 7, "name: the name is in the table's header: remove this line"),
    ],
)
def test_a_bad_field_is_named_with_file_line_entry_value_and_cure(write: Write, line: str, number: int, said: str):
    path = write(f"{SOUND}{line}\n")

    told = refused(path)

    assert told.startswith(f"{path}, line {number}: experts.one, ")
    assert said in told


def test_a_missing_field_is_named_at_its_entry(write: Write):
    told = refused(write("\n\n" + SOUND.replace('model = "org/model"\n', "")))

    assert ", line 3: experts.one, model: missing: add it" in told


def test_a_missing_folder_of_weights_is_named(write: Write):
    told = refused(write(SOUND.replace("org/model", "./nowhere")))

    assert "line 3: experts.one, model: there is no folder" in told


def test_the_name_auto_is_the_routers(write: Write):
    told = refused(write(SOUND.replace("one", "auto")))

    assert "line 1: experts.auto: 'auto' is how a caller asks for the router: choose another name" in told


def test_a_name_that_no_queue_could_have_is_refused(write: Write):
    assert "line 1: experts.Über, name: 'Über' won't do" in refused(write(SOUND.replace(".one", '."Über"')))


def test_an_engine_with_options_of_another_is_refused(write: Write):
    told = refused(write(SOUND.replace('"vllm"', '"synthetic"') + 'options = { base_url = "http://x/v1" }\n'))

    assert "options.base_url: no such field; there are: seed" in told


def test_only_vllm_takes_an_adapter(write: Write):
    told = refused(write(SOUND.replace('"vllm"', '"synthetic"') + 'adapter = "x"\n'))

    assert "line 7: experts.one, adapter: engine 'synthetic' takes none: remove it" in told


def test_everything_that_is_wrong_is_said_at_once(write: Write):
    told = refused(write(SOUND + "a = 1\nb = 2\n" + SOUND.replace("one", "two") + "c = 3\n"))

    assert [line.split(": ")[1] for line in told.splitlines()] == ["experts.one, a", "experts.one, b", "experts.two, c"]


def test_what_is_no_toml_is_named_with_its_line(write: Write):
    assert "not valid TOML: Invalid value (at line 7" in refused(write(SOUND + "x = \n"))


def test_an_expert_listed_twice_is_named_with_its_line(write: Write):
    told = refused(write(SOUND + SOUND))

    assert "'one') twice (at line 7, " in told
    assert "give every expert a name of its own" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no expert is listed: add a table [experts.NAME]"),
        ("[expert.one]\n", "'expert' has no place in a catalogue: write [experts.expert]"),
        ("[experts]\none = 3\n", "experts.one: is 3, not a table: write [experts.one] with its fields below"),
    ],
)
def test_a_catalogue_without_tables_of_experts_is_refused(write: Write, text: str, said: str):
    assert said in refused(write(text))


def test_a_missing_file_is_named_with_the_setting_that_names_it(tmp_path: Path):
    told = refused(tmp_path / "none.toml")

    assert "none.toml: the catalogue can't be read" in told
    assert "TOROUTER_CATALOGUE" in told
