"""A project's settings."""

import pytest

from amisim.settings import Settings, SettingsError, load


@pytest.fixture
def project(tmp_path):
    """Write a pyproject.toml."""

    def write(text):
        (tmp_path / "pyproject.toml").write_text(text)
        return tmp_path

    return write


def test_without_a_file_everything_is_as_usual(tmp_path):
    settings = load(tmp_path)
    assert settings._replace(path=None) == Settings()
    assert (settings.time, settings.patch, settings.recordings, settings.redact) == ("virtual", (), "recordings", ())


def test_a_file_without_the_table_is_not_ours(project):
    assert load(project("[tool.ruff]\nline-length = 100\n")).path is None


def test_all_settings_are_understood_from_any_folder_of_the_project(project):
    folder = project(
        '[tool.amikit]\ntime = "scaled=50"\npatch = ["wallboard"]\nrecordings = "tests/rec"\nredact = ["numbers"]\n'
        'match = ["ignore * Timeout"]\nunexpected = "close"\n'
    )
    below = folder / "tests" / "unit"
    below.mkdir(parents=True)
    settings = load(below)
    assert settings == (
        folder / "pyproject.toml", "scaled=50", ("wallboard",), "tests/rec", ("numbers",), ("ignore * Timeout",),
        "close",
    )  # fmt: skip
    assert settings.folder == folder / "tests" / "rec"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('tmie = "real"', "tool.amikit has 'tmie', which is no setting; did you mean time?"),
        (
            "zzz = 1",
            "tool.amikit has 'zzz', which is no setting; did you mean time, patch, recordings, redact, match, "
            "unexpected?",
        ),
        ("time = 5", "tool.amikit.time is 5, and not a text"),
        ('time = ""', "tool.amikit.time is '', and not a text"),
        ('patch = "wallboard"', "tool.amikit.patch is 'wallboard', and not a list of texts"),
        ("redact = 1", "tool.amikit.redact is 1, and not a list of texts"),
        (
            'redact = ["numbres"]',
            "tool.amikit.redact is ['numbres'], and not a list of rules: 'numbres' is no rule of redaction; "
            "did you mean numbers?",
        ),
        (
            'match = ["ignore Timeout"]',
            "tool.amikit.match is ['ignore Timeout'], and not a list of rules: 'ignore Timeout' lacks a word: "
            "it is ignore ACTION HEADER…, such as 'ignore * Timeout'",
        ),
        ('match = "ignore * Timeout"', "tool.amikit.match is 'ignore * Timeout', and not a list of texts"),
        ('unexpected = "fail"', "tool.amikit.unexpected is 'fail', and not one of error, asterisk, ignore, close"),
        ("unexpected = []", "tool.amikit.unexpected is [], and not one of error, asterisk, ignore, close"),
        ("patch = [1]", "tool.amikit.patch is [1], and not a list of texts"),
    ],
)
def test_what_is_wrong_is_named(project, text, problem):
    folder = project(f"[tool.amikit]\n{text}\n")
    with pytest.raises(SettingsError) as caught:
        load(folder)
    assert str(caught.value) == f"{folder / 'pyproject.toml'}: {problem}"


def test_a_table_that_is_none_is_named(project):
    with pytest.raises(SettingsError, match=r"tool\.amikit is 3, and no table"):
        load(project("[tool]\namikit = 3\n"))


def test_a_file_that_is_no_toml_is_named(project):
    folder = project("[tool.amikit\n")
    with pytest.raises(SettingsError, match=r"pyproject\.toml: .*line 1"):
        load(folder)
