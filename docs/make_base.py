"""Average the styles that come with the project into `base`, from which training starts.

    python docs/make_base.py

All were learned from one network, and what is common to them is a better start than that one was
(Wortsman et al. 2022, "Model soups", average networks of one task; these have ten).
"""

from pathlib import Path

from impasto.cli.styles import BASE
from impasto.export.onnx_export import export_onnx, parameters_from_onnx
from impasto.models.designs import build_net

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"


def main() -> None:
    """Write checkpoints/base/base.onnx."""
    files = sorted(CHECKPOINTS.glob("*/config.yaml"))
    names = [file.parent.name for file in files]
    found = [parameters_from_onnx(CHECKPOINTS / name / f"{name}.onnx") for name in names]
    net = build_net(design="light")
    net.load_state_dict({key: sum(each[key] for each in found) / len(found) for key in found[0]})
    metadata = {"name": BASE, "steps": "0", "average_of": " ".join(names)}
    export_onnx(net, CHECKPOINTS / BASE / f"{BASE}.onnx", metadata=metadata, half=True)


if __name__ == "__main__":
    main()
