"""Both files of a network for any painting do what the model does."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from any_styles import ExportedAny, small_any

from impasto.export.any_export import (
    drawing_graph,
    encoding_graph,
    export_any,
    parameters_of_any,
)
from impasto.export.onnx_export import ExportError
from impasto.inference.any_style import AnyStyle, StyleEncoder, encoder_of
from impasto.inference.model_check import STYLE
from impasto.inference.stylizer import Stylizer
from impasto.models.any_style import AnyStyleNet
from impasto.models.transform_net import MARGIN, stylize


def test_a_picture_in_a_predicted_style_is_the_models(painter: ExportedAny) -> None:
    model, network = painter.model, AnyStyle(painter.path)
    painting, photo = torch.rand(2, 1, 3, 256, 256)
    vector = network.vector(painting[0].permute(1, 2, 0).numpy())
    with torch.no_grad():
        expected = stylize_with(model, photo, torch.from_numpy(vector)[None])
    got = Stylizer(network.model(vector)).run(photo.numpy())
    np.testing.assert_allclose(got, expected.numpy(), atol=2 / 255)
    assert painter.difference <= 2 / 255


def stylize_with(model: torch.nn.Module, photo: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    class Styled(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = model(images, vector)
            return made

    assert MARGIN
    return stylize(Styled(), photo)


def test_the_style_of_a_painting_is_the_models(painter: ExportedAny) -> None:
    painting = torch.rand(1, 3, 50, 70)
    with torch.no_grad():
        expected = painter.model.encode(painting)[0].numpy()
    got = StyleEncoder(encoder_of(painter.path)).run(painting[0].permute(1, 2, 0).numpy())
    np.testing.assert_allclose(got, expected, atol=5e-3)
    assert np.abs(expected - painter.model.average().numpy()).max() > 0.05  # it looks at it


def test_parameters_are_read_back(painter: ExportedAny) -> None:
    found, state = (
        parameters_of_any(painter.path, painter.model.slots),
        painter.model.net.state_dict(),
    )
    assert found.keys() == state.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, state[name], atol=1e-3, rtol=1e-3)  # 16 bits


def test_without_a_painting_the_file_draws_in_the_average_style(painter: ExportedAny) -> None:
    photo = np.random.default_rng(0).random((1, 3, 40, 56), np.float32)
    average = AnyStyle(painter.path).model(painter.model.average().numpy())
    np.testing.assert_array_equal(Stylizer(painter.path).run(photo), Stylizer(average).run(photo))


def test_an_app_can_give_the_style_as_a_second_input(painter: ExportedAny) -> None:
    session = Stylizer(painter.path).session
    photo = np.random.default_rng(0).random((1, 3, 40, 56), np.float32)
    vector = np.random.default_rng(1).normal(size=painter.model.slots.size).astype(np.float32)
    given = session.run(None, {"content": photo, STYLE: vector})[0]
    expected = Stylizer(AnyStyle(painter.path).model(vector)).run(photo)
    np.testing.assert_array_equal(given, expected)


def test_the_graphs_have_the_inputs_that_the_page_on_files_names() -> None:
    model = small_any()
    ends = [
        [value.name for value in (*graph.input, *graph.output)]
        for graph in (drawing_graph(model).graph, encoding_graph(model).graph)
    ]
    assert ends == [["content", STYLE, "stylized"], ["painting", STYLE]]


def test_what_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_any()

    def other(_: AnyStyleNet) -> onnx.ModelProto:
        changed = small_any()
        with torch.no_grad():
            changed.net.down[0].norm.bias.add_(1)
        return encoding_graph(changed)

    monkeypatch.setattr("impasto.export.any_export.encoding_graph", other)
    with pytest.raises(ExportError, match="in a style"):
        export_any(model, tmp_path / "any.onnx", metadata={"name": "any", "steps": "3"})
    assert list(tmp_path.iterdir()) == []
