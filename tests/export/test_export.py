"""The file does what the network does, says what it is, and never appears half made."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from networks import Exported, trained

from impasto.export.inference_net import FIRST
from impasto.export.onnx_export import (
    PARITY_SIZES,
    TOLERANCE,
    TRACED_SIZE,
    ExportError,
    export_onnx,
    parameters_from_onnx,
    save_checked,
)
from impasto.inference.stylizer import Stylizer
from impasto.models.transform_net import TransformNet, stylize

ABOUT = {"name": "tiny", "steps": "7"}


def check_parity(net: TransformNet, path: Path) -> None:
    stylizer = Stylizer(path)
    for batch, height, width in [(1, 16, 16), (2, 17, 31), (1, 130, 45), (3, 64, 72)]:
        content = torch.rand(batch, 3, height, width)
        with torch.no_grad():
            expected = stylize(net.eval(), content).numpy()
        np.testing.assert_allclose(stylizer.run(content.numpy()), expected, atol=1e-5)


def test_export_equals_the_network_at_any_size(exported: Exported) -> None:
    assert exported.difference <= 1e-5
    check_parity(exported.net, exported.path)


def test_export_with_bilinear_upsampling_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    net, path = trained(upsampling="bilinear", residual_blocks=2).train(), tmp_path / "a.onnx"
    before = {name: value.clone() for name, value in net.state_dict().items()}
    export_onnx(net, path, metadata=ABOUT)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    check_parity(net, path)


def test_exported_graph_keeps_its_contract(exported: Exported) -> None:
    model = exported.graph()
    for value, name in ((model.graph.input[0], "content"), (model.graph.output[0], "stylized")):
        assert value.name == name
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, "height", "width"]
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {prop.key: prop.value for prop in model.metadata_props} == ABOUT
    assert not any(
        item.HasField("data_location") and item.data_location for item in model.graph.initializer
    )


def test_exported_graph_has_one_epsilon(exported: Exported) -> None:
    """A backend that mixes up the epsilons of two normalizations cannot be wrong then."""
    nodes = exported.graph().graph.node
    norms = [node for node in nodes if node.op_type == "InstanceNormalization"]
    epsilons = [item.f for node in norms for item in node.attribute if item.name == "epsilon"]
    assert len(epsilons) == 7
    assert set(epsilons) == {np.float32(1e-5)}


def test_exported_parameters_can_be_read_back(exported: Exported) -> None:
    parameters = parameters_from_onnx(exported.path)
    assert set(parameters) == set(exported.net.state_dict())
    for name, value in exported.net.state_dict().items():
        exact = name != FIRST  # which was divided by 255 and is multiplied again
        torch.testing.assert_close(parameters[name], value, rtol=0 if exact else 1e-6, atol=0)


def test_save_checked_refuses_a_graph_that_differs_and_keeps_the_old_file(
    exported: Exported, tmp_path: Path
) -> None:
    path, other = tmp_path / "a.onnx", trained(width=16)
    path.write_bytes(b"an older one")
    assert other.up[2].conv.bias is not None
    torch.nn.init.constant_(other.up[2].conv.bias, 0.5)
    with pytest.raises(ExportError, match="differ"):
        save_checked(exported.graph(), path, other, tolerance=TOLERANCE)
    assert path.read_bytes() == b"an older one"
    assert [item.name for item in tmp_path.iterdir()] == ["a.onnx"]


def test_save_checked_refuses_values_that_are_no_numbers(
    exported: Exported, tmp_path: Path
) -> None:
    model = exported.graph()
    (bias,) = [item for item in model.graph.initializer if item.name.endswith("up.2.conv.bias")]
    nothing = np.full(bias.dims, np.nan, np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(nothing, bias.name))
    with pytest.raises(ExportError):
        save_checked(model, tmp_path / "a.onnx", exported.net, tolerance=TOLERANCE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", PARITY_SIZES)
def test_save_checked_compares_at_every_size(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """A graph that is right at the size it was traced at, and wrong at one other, is found."""
    right = Stylizer.run

    def wrong_at_one_size(self: Stylizer, content: np.ndarray) -> np.ndarray:
        return right(self, content) + 0.5 * (content.shape[2:] == size)

    assert size != TRACED_SIZE[2:]
    monkeypatch.setattr(Stylizer, "run", wrong_at_one_size)
    with pytest.raises(ExportError, match=f"at {size[0]}x{size[1]}"):
        save_checked(exported.graph(), tmp_path / "a.onnx", exported.net, tolerance=TOLERANCE)
