"""The weights in what a checkpoint holds, under plain names: without the dicts, wrappers and scales around them."""

from collections.abc import Mapping

from torch import Tensor

from bytegolf.errors import InputError

# Parts of names that programs put around a model: torch.compile, DistributedDataParallel, FSDP, Lightning.
WRAPPERS = {"_orig_mod", "module", "model", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}


def state_dict(found: Mapping[str, object], source: str) -> dict[str, object]:
    """Return what stands for weights by its plain name, each weight once, and whatever lies beside them.

    `found` is a state dict, or a dict with one in it ({"model": …, "optimizer": …}). Names lose the parts in `WRAPPERS`, and quantised
    weights are dequantised. Raises InputError, calling the checkpoint `source`, if several models or two weights of one name are in it.
    """
    inner = {name: value for name, value in found.items() if isinstance(value, Mapping) and _holds_weights(value)}
    if len(inner) > 1:
        raise InputError(f"{source}: expected the tensors of one model, found several models ({', '.join(inner)}); save one of them alone")
    return _dequantised(_unwrapped(next(iter(inner.values()), found), source), source)


def _holds_weights(values: Mapping[object, object]) -> bool:
    """Return whether there are tensors by name. An optimiser has its own further inside."""
    return all(isinstance(name, str) for name in values) and any(isinstance(value, Tensor) for value in values.values())


def _unwrapped(values: Mapping[str, object], source: str) -> dict[str, object]:
    """Return values by names without the parts in `WRAPPERS`. Raises InputError where two become one."""
    plain: dict[str, object] = {}
    for name, value in values.items():
        parts = [part for part in name.split(".") if part not in WRAPPERS]
        if ".".join(parts) in plain:
            raise InputError(f"{source}: expected each tensor once, found {'.'.join(parts)} again as {name}")
        plain[".".join(parts)] = value
    return plain


def _dequantised(stored: Mapping[str, object], source: str) -> dict[str, object]:
    """Return each weight once, whatever it was stored as. Raises InputError for scales of other rows."""
    weights: dict[str, object] = {}
    for name, value in stored.items():
        base = name.removesuffix(".q")
        scale = stored.get(f"{base}.scale")
        if base != name and isinstance(value, Tensor) and isinstance(scale, Tensor):
            if scale.dim() and (not value.dim() or scale.numel() != len(value)):
                raise InputError(f"{source}: expected a scale for each row of {base}, found {scale.numel()} for shape {[*value.shape]}")
            weights[base] = value.float() * (scale.float().reshape(-1, *[1] * (value.dim() - 1)) if scale.dim() else scale.float())
        elif not (name.endswith(".scale") and f"{name.removesuffix('.scale')}.q" in stored):
            weights[name] = value
    return weights
