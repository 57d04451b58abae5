"""Files of options: what is read, and what a mistake in one says."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import config_files, read_config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "c.yaml"),
        ("- 1\n", "expected options by name, got list"),
        ("model: 3", "model: expected options by name, got 3"),
        ("data: [1]", "data: expected options by name"),
        ("plugin: 3", "plugin: expected a name, got 3"),
        ("3: 4", "'3' is not the name of an option"),
        ("model: {1: 4}", "'1' is not the name of an option"),
        ("seed: 1\nseed: 2", "'seed' stands here twice"),
        ("model:\n\tx: 1", "c.yaml:2: "),
        ("model: {x: !!python/name:os.system }", "could not determine a constructor"),
    ],
)
def test_a_config_file_that_is_no_mapping_of_options_is_refused_with_its_file(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        read_config(str(tmp_path / "c.yaml"))
    assert str(error.value).startswith(f"--config {tmp_path / 'c.yaml'}:")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_config_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--config .*none\.yaml: No such file or directory$"):
        read_config(str(tmp_path / "none.yaml"))


def test_the_files_of_a_command_line_come_in_order_and_leave_the_other_words() -> None:
    words = ["--config", "a", "--model.x", "1", "--config=b", "y"]
    assert config_files(words) == (["a", "b"], ["--model.x", "1", "y"])
    with pytest.raises(UsageError, match="--config: expected one argument"):
        config_files(["--config"])
