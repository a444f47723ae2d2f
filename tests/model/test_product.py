"""A layer's product is x weightᵀ on every path."""

import pytest
import torch

from bytegolf.model.product import onednn_product, product


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (1, 1, 1, 7)])
@pytest.mark.parametrize("gradients", [True, False])
def test_agrees_with_the_product_in_float64(dtype: torch.dtype, shape: tuple[int, ...], gradients: bool) -> None:
    generator = torch.Generator().manual_seed(len(shape))
    x, weight = torch.randn(shape, generator=generator).to(dtype), torch.randn(4, 7, generator=generator).to(dtype)
    with torch.set_grad_enabled(gradients):
        y = product(x.requires_grad_(), weight.requires_grad_())
    assert y.dtype == dtype and y.requires_grad == gradients
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 0.05}[dtype]
    torch.testing.assert_close(y.double(), x.double() @ weight.double().T, rtol=tolerance, atol=tolerance)


def test_parts_of_larger_tensors_and_transposed_weights() -> None:
    x, weight = torch.randn(3, 9, 8), torch.randn(8, 6)
    with torch.no_grad():
        torch.testing.assert_close(product(x[:, -2:], weight.T), x[:, -2:] @ weight)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_the_operator_keeps_torchs_rules() -> None:
    torch.library.opcheck(onednn_product, (torch.randn(2, 3, 7), torch.randn(4, 7)))
