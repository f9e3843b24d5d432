"""The run-time against the golden vectors that all languages share."""

from __future__ import annotations

import re
import unittest

from rpc_runtime.errors import ProtocolError
from rpc_runtime.frames import PREFACE, Kind, Limits, frame
from rpc_runtime.protocol import Protocol

from .vectors import Vector, cut, describe, encode, read


def frames() -> list[Vector]:
    """The vectors of single frames, and those of a whole session."""
    found = read("frames.txt") + read("session.txt")
    if len(found) < 90:
        raise AssertionError(f"only {len(found)} vectors were found")
    return found


class Vectors(unittest.TestCase):
    """Bytes and meanings agree."""

    def test_every_frame_decodes_to_its_meaning(self) -> None:
        for vector in frames():
            with self.subTest(vector.name or vector.means):
                found, means = describe(vector.data, " part=" in vector.means), vector.means
                if vector.name == "error_unknown_origin":
                    # The text is each side's own.
                    found, means = (words.partition(" message=")[0] for words in (found, means))
                # This side knows no sessions, and passes over what a hello says of them.
                means = re.sub(r" (session=\S+ proof=\S+ received|refused)=\S+", "", means)
                self.assertEqual(found, means)

    def test_every_meaning_encodes_to_its_bytes(self) -> None:
        written = 0
        for vector in frames():
            # This side announces no feature.
            if not vector.decode_only and " features=" not in vector.means:
                with self.subTest(vector.name or vector.means):
                    self.assertEqual(encode(vector.means).hex(), vector.data.hex())
                written += 1
        self.assertGreater(written, 60)

    def test_every_kind_has_a_vector(self) -> None:
        kinds = {cut(vector.data).kind for vector in frames() if vector.data != PREFACE}
        self.assertEqual(kinds, set(Kind))

    def test_every_refused_vector_ends_the_connection(self) -> None:
        greeting = PREFACE + frame(Kind.HELLO, 0, 0, Limits().hello("peer"))
        refused = read("refused.txt")
        self.assertGreater(len(refused), 50)
        for vector in refused:
            data = vector.data if vector.data.startswith(PREFACE[:4]) else greeting + vector.data
            for step in (len(data), 1):
                with self.subTest(vector.name, step=step), self.assertRaises(ProtocolError):
                    protocol = Protocol(Limits())
                    for start in range(0, len(data), step):
                        protocol.receive(data[start : start + step])


if __name__ == "__main__":
    unittest.main()
