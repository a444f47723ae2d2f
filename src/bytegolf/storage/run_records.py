"""The records that a run folder holds, as they are read: its manifest, its scores, and what packing it gave."""

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from bytegolf.storage.records import Count, FileName


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
    protocol: str
    of: FileName
    sha256: str
    bytes: Count | None = None
    tokens: Count | None = None
    data: str | None = None  # hash of the data folder


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
