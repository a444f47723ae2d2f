"""The records that a run folder holds, as they are read: its manifest, its scores, and what packing it gave."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from bytegolf.names import ProtocolName
from bytegolf.storage.records import Count, FileName

MOST_KEPT = 1 << 14  # numbers in a list
BitCount = Annotated[FiniteFloat, Field(ge=0)]
TokenId = Annotated[int, Field(ge=0, lt=1 << 16)]


class RunManifest(BaseModel):
    """The `manifest.json` of a finished run: its results, and all that it depended on. What is not known is None."""

    model_config = ConfigDict(frozen=True, extra="allow")  # versions and machine, see `provenance`

    recipe: str
    parameters: Count
    steps: Count
    seconds: FiniteFloat | None
    tokens_per_second: FiniteFloat | None
    val_bpb: FiniteFloat | None
    bytes_per_token: FiniteFloat | None = Field(None, gt=0)  # of the training text
    data_sha256: str | None
    tokenizer_sha256: str
    code_sha256: str
    python: str
    torch: str
    platform: str


class ScoreRecord(BaseModel):
    """A `score-….json`: the score of a file in the run's folder."""

    model_config = ConfigDict(frozen=True)

    bpb: FiniteFloat
    bpb_model: FiniteFloat | None = None  # of the model alone, where experts improved it
    protocol: str
    of: FileName
    sha256: str
    bytes: Count | None = None
    tokens: Count | None = None
    data: str | None = None  # hash of the data folder


class CourseRecord(BaseModel):
    """A `bits-….json`: where in the text the bits of a score were spent, see `scoring.course`."""

    model_config = ConfigDict(frozen=True)

    protocol: ProtocolName
    of: FileName
    sha256: str
    tokens: Count
    slice_bytes: list[Count] = Field(max_length=MOST_KEPT)
    slice_bits: list[BitCount]
    slice_bits_model: list[BitCount] | None
    first_tokens: list[TokenId] = Field(max_length=MOST_KEPT)  # the given one first
    first_bits: list[BitCount]
    first_bits_model: list[BitCount] | None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        slices, targets = len(self.slice_bytes), len(self.first_tokens) - 1
        lengths = [(self.slice_bits, slices), (self.slice_bits_model, slices), (self.first_bits, targets), (self.first_bits_model, targets)]
        if any(values is not None and len(values) != length for values, length in lengths):
            raise ValueError("lists of different lengths")
        return self


class TensorRecord(BaseModel):
    """How far packing moved a parameter: root mean squares of its weights, and of the error of each of its matrices."""

    model_config = ConfigDict(frozen=True)

    weights: Count
    rms: FiniteFloat
    error: FiniteFloat
    matrices: list[FiniteFloat] = Field(max_length=MOST_KEPT)


class OverlapRecord(BaseModel):
    """An `overlap.json` in a data folder: what its training and held-out documents have in common, see `auditing.overlap.report`."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    overlap_share: FiniteFloat
    exact_duplicates: Count
    near_duplicates: Count | None
    val_documents: Count
    train_documents: Count


class PackRecord(BaseModel):
    """The `pack.json`: an artifact's size, and what its bytes are spent on."""

    model_config = ConfigDict(frozen=True)

    bytes: int = Field(ge=1, le=1 << 53)
    budget: Count
    method: str
    coder: str
    bpb_before: FiniteFloat | None
    bpb_after: FiniteFloat | None
    bpb_experts: FiniteFloat | None
    bits: dict[str, FiniteFloat]  # a weight of each class
    bits_per_weight: FiniteFloat
    sections: dict[str, Count]
    tensors: dict[str, TensorRecord] = {}  # none in the records of earlier versions
