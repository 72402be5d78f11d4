"""What stops the demo, in words for the person who started it."""


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


def reason(error: BaseException) -> str:
    """What went wrong, in one line: an operating system's own words, or a message's last line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
