"""Average the styles that come with the project into `base`, from which training starts.

    python docs/make_base.py

All were learned from one network, and what is common to them is a better start than any of them
alone (Wortsman et al. 2022, "Model soups", average networks of one task; these have ten).
"""

import hashlib
from pathlib import Path

import torch

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
    path = CHECKPOINTS / BASE / f"{BASE}.onnx"
    difference = export_onnx(net, path, metadata=metadata, half=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"average of {len(names)}: within {difference:.1e} of the network, sha256 {digest[:16]}")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
