"""The verbs' functions: rooms put together. prepare -> train -> pack -> score -> prove -> report."""

from bytegolf.flow.data import compare_compressors, prepare_data
from bytegolf.flow.models import LoadedModel, load_artifact, load_model
from bytegolf.flow.packing import pack
from bytegolf.flow.proving import audit, check_proof, compress, decompress, prove
from bytegolf.flow.scoring import score
from bytegolf.flow.training import import_checkpoint, train
from bytegolf.flow.whole import bench, plan, quickstart, report, train_as_seed

__all__ = [
    "LoadedModel",
    "audit",
    "bench",
    "check_proof",
    "compare_compressors",
    "compress",
    "decompress",
    "import_checkpoint",
    "load_artifact",
    "load_model",
    "pack",
    "plan",
    "prepare_data",
    "prove",
    "quickstart",
    "report",
    "score",
    "train",
    "train_as_seed",
]
