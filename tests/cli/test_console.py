import os
import signal
import threading
from io import StringIO

import pytest

from mycelium_fractal_net.cli._console import cancel_on_signal, print_json, print_table, progress_bar


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar("simulating") as report:
        report(3, 10)
    assert "simulating" in terminal.getvalue()
    assert "3/10" in terminal.getvalue()


@pytest.mark.parametrize(("stream", "quiet"), [(StringIO(), False), (_Terminal(), True)])
def test_progress_is_silent_in_a_pipe_or_when_asked(
    monkeypatch: pytest.MonkeyPatch, stream: StringIO, quiet: bool
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with progress_bar("simulating", quiet=quiet) as report:
        report(3, 10)
    assert stream.getvalue() == ""


def test_json_has_no_word_for_nan(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"x": float("nan")})


def test_a_table_keeps_brackets_and_sets_numbers_flush_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T", ("name", "value"), [("[a]", "1"), ("b", "100")], numbers="value")
    lines = capsys.readouterr().out.splitlines()
    assert any("[a]" in line and line.rstrip().endswith("  1") for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_interrupts(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with cancel_on_signal() as cancel:
        os.kill(os.getpid(), number)
        assert cancel.wait(120)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with cancel_on_signal() as cancel:
            seen.append((cancel.is_set(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
