"""What `from impasto import ...` gives, and what it costs."""

import importlib
import subprocess
import sys

import pytest

import impasto

NAMES = [name for name in impasto.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_the_one_of_its_module(name: str) -> None:
    found = getattr(impasto, name)
    assert found.__name__ == name
    assert getattr(importlib.import_module(found.__module__), name) is found


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'impasto' has no attribute 'Styler'"):
        impasto.Styler  # noqa: B018


def test_importing_what_stylizes_loads_no_torch() -> None:
    code = "from impasto import Stylizer, load_image, save_image; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "pytorch_lightning", "onnx"} & set(run.stdout.split()) == set()
    assert "impasto.inference.stylizer" in run.stdout.split()
