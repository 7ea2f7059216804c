"""Reading a batch's file by windows: lines, their numbers, and where to go on."""

import io
import tracemalloc

import pytest

from workers import reading_files
from workers.reading_files import SeenIds, windows


def read(content: bytes, start: int = 0, most: int = 100, stop: int | None = None) -> list[tuple[int, bytes]]:
    return [
        (line.number, line.raw) for window in windows(io.BytesIO(content), start, most, stop) for line in window.lines
    ]


def test_a_line_ends_at_a_newline_and_nowhere_else():
    content = "one\u2028still\u2029one\x0b\x85\r\ntwo".encode()

    assert [raw for _, raw in read(content)] == ["one\u2028still\u2029one\x0b\x85\r\n".encode(), b"two"]


def test_blank_lines_are_skipped_and_still_counted():
    assert read(b"\n a\n \t\r\nb\n\n") == [(2, b" a\n"), (4, b"b\n")]


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n") == [(1, b"{}\n"), (2, b"\xef\xbb\xbf{}\n")]


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_reading_goes_on_after_any_window_with_the_right_numbers(most: int):
    content = b"a\n\nb\nc\n\n\nd\ne"
    whole = read(content)
    seen, at = [], 0
    while at < len(content):
        window = next(windows(io.BytesIO(content), at, most), None)
        if window is None:
            break
        seen += [(line.number, line.raw) for line in window.lines]
        at = window.end

    assert seen == whole == [(1, b"a\n"), (3, b"b\n"), (4, b"c\n"), (7, b"d\n"), (8, b"e")]


def test_reading_stops_where_it_is_told_to():
    assert read(b"a\nb\nc\n", stop=4) == [(1, b"a\n"), (2, b"b\n")]


def test_a_line_that_is_too_long_is_cut_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading_files, "LINE_BYTES", 10)

    assert read(b"x" * 35 + b"\nshort\n") == [(1, b"x" * 10), (2, b"short\n")]


def test_memory_is_bounded_by_the_window_and_not_by_the_file():
    content = io.BytesIO(b'{"a": "%s"}\n' % (b"x" * 1000) * 20_000)
    tracemalloc.start()

    for _ in windows(content, 0, 100):
        pass

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_an_id_that_was_seen_is_found_in_any_window():
    seen = SeenIds()

    assert seen.add(["a", "b"]) == set()
    assert seen.add(["c", "a", "d", "d"]) == {1, 3}
    assert seen.add(["d", "e"]) == {0}
    seen.close()
