"""The names that a user chooses among, as types. Nothing heavy is imported, so the command line can list them at once."""

from typing import Literal

ProtocolName = Literal["standard", "sliding", "streaming", "ttt", "lora"]
ProvableName = Literal["standard", "sliding", "streaming"]
LearningName = Literal["ttt", "lora"]  # they learn in floating point, so they are scored and not proved, see docs/proof.md
TokenizerName = Literal["bpe", "capitals", "bytes"]
MethodName = Literal["rate", "gptq", "baseline"]
CoderName = Literal["range", "zstd", "lzma", "zlib"]
CalibrationName = Literal["text", "self", "random"]
PlaceName = Literal["ray"]  # where work is done other than on this machine
