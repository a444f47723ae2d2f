"""What the decoder found, on its way from its process to the one that asked: a line of JSON, and the tokens."""

import json
from typing import NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat

from bytegolf.arrays import Tokens
from bytegolf.coding.proof_file import ProvedText
from bytegolf.names import ProvableName
from bytegolf.scoring.ledger import Score


class ProofSettings(BaseModel):
    """How a text was read: by which protocol, pieces of how many tokens, with experts or without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: ProvableName
    stride: int
    experts: bool


class Decoded(NamedTuple):
    """A decoded text: its tokens, the given one first, how it was read, and the bits that its tokens were given."""

    tokens: Tokens
    settings: ProofSettings
    bits: FiniteFloat
    bits_model: FiniteFloat | None

    @classmethod
    def of(cls, proved: ProvedText) -> Self:
        """Return what a proof was decoded to."""
        protocol, config, experts = proved.settings
        settings = ProofSettings(protocol=protocol, stride=config.stride, experts=experts is not None)
        return cls(proved.tokens, settings, proved.score.bits, proved.score.bits_model)

    @classmethod
    def parse(cls, written: bytes) -> Self:
        """Return what `to_bytes` wrote."""
        line, _, tokens = written.partition(b"\n")
        values = json.loads(line)
        bits, bits_model = values.pop("bits"), values.pop("bits_model")
        return cls(np.frombuffer(tokens, "<u2").astype(np.uint16), ProofSettings.model_validate(values), bits, bits_model)

    def to_bytes(self) -> bytes:
        """Return all of it as bytes."""
        line = {**self.settings.model_dump(), "bits": self.bits, "bits_model": self.bits_model}
        return json.dumps(line).encode() + b"\n" + self.tokens.astype("<u2").tobytes()

    def score(self, num_bytes: int) -> Score:
        """Return the score of the text, which has so many bytes."""
        return Score(self.settings.protocol, self.bits, num_bytes, len(self.tokens) - 1, self.bits_model, exact=True)
