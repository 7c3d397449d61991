"""Plain data as text and back: what a grader and a sandbox say to each other. Nothing in it can run."""

from __future__ import annotations

Plain = None | bool | int | float | str | bytes | list | tuple | set | dict  # and of these alone
UNANSWERED = "not answered yet"  # said of the `...` that an answer begins as


def encode(value: object) -> object:
    """Turn plain data into what JSON can say; TypeError names what is not plain."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, list):
        return [encode(each) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(each) for each in value]}
    if isinstance(value, set | frozenset):
        return {"set": [encode(each) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(each)] for key, each in value.items()]}
    if value is ...:
        raise TypeError(UNANSWERED)
    raise TypeError(f"a {type(value).__name__} is not plain data (numbers, text, bytes, lists, tuples, sets, dicts)")


def decode(value: object) -> Plain:
    """Turn it back; ValueError if nobody has encoded it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [decode(each) for each in value]
    match value:
        case {"bytes": str(text)}:
            return bytes.fromhex(text)
        case {"tuple": list(items)}:
            return tuple(decode(each) for each in items)
        case {"set": list(items)}:
            return {decode(each) for each in items}
        case {"dict": list(items)}:
            return {decode(key): decode(each) for key, each in items}
    raise ValueError(f"{str(value)[:40]} is no plain data")
