"""The file does what the network does, says what it is, and never appears half made."""

import numpy as np
import onnx
import pytest
import torch

from impasto.export import onnx_export as export
from impasto.export.inference_net import FIRST
from impasto.export.onnx_export import ExportError, export_onnx, parameters_from_onnx
from impasto.inference.stylizer import Stylizer
from impasto.models.transform_net import TransformNet, stylize

ABOUT = {"name": "tiny", "steps": "7"}


def trained(**settings):
    """A network whose parameters are all different, as training makes them."""
    net = TransformNet(**settings)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)
    return net


@pytest.fixture(scope="module", params=["bilinear", "nearest"])
def exported(request, tmp_path_factory):
    torch.manual_seed(0)
    net = trained(width=4, residual_blocks=2, upsampling=request.param)
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    difference = export_onnx(net, path, metadata=ABOUT)
    return net, path, difference


def test_it_equals_the_network_at_any_size(exported):
    net, path, difference = exported
    assert difference <= 1e-5
    stylizer = Stylizer(path)
    for batch, height, width in [(1, 16, 16), (2, 17, 31), (1, 130, 45), (3, 64, 72)]:
        content = torch.rand(batch, 3, height, width)
        with torch.no_grad():
            expected = stylize(net.eval(), content).numpy()
        np.testing.assert_allclose(stylizer.run(content.numpy()), expected, atol=1e-5)


def test_the_graph_keeps_its_contract(exported):
    _, path, _ = exported
    model = onnx.load(path)
    for value, name in ((model.graph.input[0], "content"), (model.graph.output[0], "stylized")):
        assert value.name == name
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, "height", "width"]
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {prop.key: prop.value for prop in model.metadata_props} == ABOUT
    assert not any(
        item.HasField("data_location") and item.data_location for item in model.graph.initializer
    )


def test_its_parameters_can_be_read_back(exported):
    net, path, _ = exported
    parameters = parameters_from_onnx(path)
    assert set(parameters) == set(net.state_dict())
    for name, value in net.state_dict().items():
        exact = name != FIRST  # which was divided by 255 and is multiplied again
        torch.testing.assert_close(parameters[name], value, rtol=0 if exact else 1e-6, atol=0)


def test_the_network_is_left_as_it_was(tmp_path):
    net = TransformNet(width=4, residual_blocks=1).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    export_onnx(net, tmp_path / "a.onnx", metadata=ABOUT)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_a_file_that_fails_never_gets_the_name(tmp_path, monkeypatch):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"the good one of before")
    net = TransformNet(width=4, residual_blocks=1)
    monkeypatch.setattr(Stylizer, "run", lambda self, content: content + 0.5)
    with pytest.raises(ExportError, match="differ"):
        export_onnx(net, path, metadata=ABOUT)
    assert path.read_bytes() == b"the good one of before"
    assert [item.name for item in tmp_path.iterdir()] == ["a.onnx"]


def test_a_network_that_is_not_finite_is_not_exported(tmp_path):
    net = TransformNet(width=4, residual_blocks=1)
    torch.nn.init.constant_(net.up[2].conv.bias, float("nan"))
    with pytest.raises(ExportError):
        export_onnx(net, tmp_path / "a.onnx", metadata=ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_parity_is_checked_off_the_traced_size():
    assert export.TRACED_SIZE[2:] not in export.PARITY_SIZES
    assert len(export.PARITY_SIZES) == 3
    assert any(side % 2 for size in export.PARITY_SIZES for side in size)
