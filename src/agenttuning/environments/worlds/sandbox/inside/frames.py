"""The language of the supervisor's socket: kind (1 byte), number of the program (4), length (4), payload."""

from __future__ import annotations

CONFIGURE, OPEN_SHELL, WRITE, ASK_FOREGROUND, KILL_FOREGROUND, KILL_ALL, EXECUTE, KILL, SEAL, ASK_SEAL = range(1, 11)
READY, SHELL_OUTPUT, SHELL_ENDED, FOREGROUND, STDOUT, STDERR, ENDED, BROKEN = range(65, 73)
HEADER = 9


def pack(kind: int, number: int = 0, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return bytes((kind,)) + number.to_bytes(4, "big") + len(payload).to_bytes(4, "big") + payload


def pack_list(parts: list[bytes]) -> bytes:
    """Return parts as one payload: each behind its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack_list(payload: bytes) -> list[bytes]:
    """Invert `pack_list`."""
    parts, at = [], 0
    while at < len(payload):
        end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
        parts.append(payload[at + 4 : end])
        at = end
    return parts


def split_frames(buffer: bytearray) -> list[tuple[int, int, bytes]]:
    """Take all whole frames from the front of the buffer."""
    frames, at = [], 0
    while len(buffer) - at >= HEADER:
        end = at + HEADER + int.from_bytes(buffer[at + 5 : at + 9], "big")
        if len(buffer) < end:
            break
        frames.append((buffer[at], int.from_bytes(buffer[at + 1 : at + 5], "big"), bytes(buffer[at + HEADER : end])))
        at = end
    del buffer[:at]
    return frames
