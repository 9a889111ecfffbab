"""The entry point: help, unknown commands, imports, and the console."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from sam2_core.cli.main import COMMANDS, main
from sam2_core.console import Console, describe_os_error
from tests.cli.runner import CommandRunner

ROOT = Path(__file__).resolve().parents[2]


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60
    )


def test_python_m_sam2_core() -> None:
    done = started("-m", "sam2_core", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    wrong = started("-m", "sam2_core", "segment", "x.png")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: Say what to select")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--model", "sam2.1_hiera_tiny@512", "--image-size", "768"),
            "the image size is 512, and not 768: say it once",
        ),
        (("--model", "sam2.1_hiera_tiny", "--image-size", "500"), "must be a multiple of 32, not 500"),
        (("--model", "sam_vit_b@512"), "a network of SAM 1 has learned its positions"),
        (("--image-size", "512"), "nano takes an image size of 384 only"),
        (("--image-size", "0"), "a whole number from 1 on is due"),
    ],
)
def test_an_image_size_that_cannot_be_is_explained(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], message: str
) -> None:
    arguments = ("segment", str(photo), "--point", "9,9", "--out", str(tmp_path / "out"), "--device", "cpu")
    assert main([*arguments, *flags]) == 2
    assert message in capsys.readouterr().err


def test_help_does_not_import_torch() -> None:
    imports = "import sys; from sam2_core.cli.main import main"
    helps = "; ".join(f"main(['{name}', '--help'])" for name in COMMANDS)
    done = started("-c", f"{imports}; {helps}; print('loaded:', 'torch' in sys.modules)")
    assert "loaded: False" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(masklet: CommandRunner, name: str) -> None:
    done = masklet(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"usage: masklet {name} " in done.out
    assert "examples:\n  masklet " in done.out


def test_no_command_and_an_unknown_one(masklet: CommandRunner) -> None:
    assert (masklet().code, masklet("--help").code) == (0, 0)
    done = masklet("wrong")
    assert (done.code, "invalid choice: 'wrong'" in done.err) == (2, True)


def test_the_page_requires_gradio(masklet: CommandRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    done = masklet("serve", "--port", "0")
    assert (done.code, 'pip install ".[app]"' in done.err) == (2, True)


def test_the_page_requires_what_its_settings_are_read_with(
    masklet: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ui"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    done = masklet("serve", "--port", "0")
    assert (done.code, 'pip install ".[app]"' in done.err) == (2, True), done.err


def test_an_error_of_the_disk_is_a_sentence(masklet: CommandRunner, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "photo.jpg", None, "set/photo.jpg")
    assert describe_os_error(full).startswith("set/photo.jpg: No space left on device. Make room")
    assert describe_os_error(OSError("odd")) == "odd."
    (tmp_path / "set" / "manifest.jsonl" / "a").mkdir(parents=True)
    (tmp_path / "set" / ".lock").mkdir()
    done = masklet("dataset", "auto", tmp_path / "set", "--images", tmp_path)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(f"error: {tmp_path / 'set' / '.lock'}: ")


class Screen:
    """A terminal in place of stderr."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_the_bar_on_a_terminal_is_drawn_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("sam2_core.console._REDRAW", 0.0)
    console = Console()
    console.begin("film.mp4")
    console.progress(0.5, "Tracking")
    assert "50% [████████████············] film.mp4: Tracking" in screen.text
    console.note("Ready")
    assert screen.text.endswith("\r\x1b[KReady\n")


def test_a_log_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sam2_core.console._LOG_LINE", 0.0)
    console = Console()
    console.begin("film.mp4")
    console.progress(None, "Loading")
    console.progress(0.25, "Tracking")
    assert capsys.readouterr().err == "film.mp4: Loading\nfilm.mp4: Tracking 25%\n"


def test_names_of_files_do_nothing_to_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a\x1b]0;title\x07\r\u202egpj.png हिन्दी"
    Console().error(name)
    Console().note(name)
    assert capsys.readouterr().err.splitlines()[1] == r"a\x1b]0;title\x07\r\u202egpj.png हिन्दी"
    Console().result({}, name)
    assert capsys.readouterr().out == f"{name}\n", "a pipe gets paths as they are"
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("sam2_core.console._REDRAW", 0.0)
    console = Console()
    console.begin(name)
    console.progress(0.5, "Tracking")
    console.result({}, name)
    assert "\x1b]" not in screen.text
    assert "\u202e" not in screen.text
