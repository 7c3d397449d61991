"""What a check can ask of answers: run a cell, give a value, call a function, try code of the check's own.

The namespace is that of the sandbox in which submitted code runs, or that of a student's own notebook (practice).
"""

from __future__ import annotations

import traceback
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from mmlab.coursework.plain import decode

WORDS = 600  # of an error, at most: characters


def do(request: dict, namespace: dict) -> object:
    """Do what a request asks."""
    arguments = [decode(each) for each in request.get("arguments", [])]
    match request:
        case {"run": code, "name": name}:
            exec(compile(TransformerManager().transform_cell(code), name, "exec"), namespace)
            return None
        case {"value": name}:
            return named_in(namespace, name)
        case {"call": name}:
            return named_in(namespace, name)(*arguments)
        case {"probe": code, "named": named}:
            around = dict(namespace) | {name: decode(each) for name, each in named.items()}
            exec(compile(code, "the check", "exec"), around)
            return around["result"]
    raise ValueError(f"no such request: {list(request)}")


def named_in(namespace: dict, name: str) -> Any:
    """Give what an answer calls so; NameError if it does not."""
    if name not in namespace:
        raise NameError(f"the answer does not define {name}")
    return namespace[name]


def last_words(error: BaseException) -> str:
    """Say what an error was and where in an answer it was raised, in a few lines."""
    lines = "".join(traceback.format_exception_only(type(error), error)).strip()
    places = [f"  line {each.lineno} of {each.filename}" for each in traceback.extract_tb(error.__traceback__)
              if each.filename.startswith(("the answer", "the check"))]  # fmt: skip
    return "\n".join([lines[:WORDS], *places[-3:]])
