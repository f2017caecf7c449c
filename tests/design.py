"""Who may import whom and what, the tables of DESIGN.md that test_architecture.py checks."""

# Besides `errors`, which is everybody's. The scripts may import everything.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"runtime"},
    "callbacks": {"export", "files", "ranks", "runs"},
    "coarse": {"gatys", "losses"},
    "encoders": {"vgg"},
    "errors": set(),
    "export": {"net", "runtime"},
    "files": set(),
    "flags": set(),
    "gatys": {"losses"},
    "gram": set(),
    "guard": set(),
    "hardware": set(),
    "images": set(),
    "jobs": {"images", "settings"},
    "layers": set(),
    "losses": {"gram"},
    "memory": set(),
    "module": {"guard", "losses", "net", "vgg"},
    "net": {"layers"},
    "paint": {"coarse", "gatys", "hardware", "images", "record", "settings", "sources"}
    | {"tensors"},
    "parameters": {"export", "net", "runtime"},
    "photos": {"images"},
    "ranks": set(),
    "record": {"files", "gatys"},
    "runs": {"files", "flags", "parameters", "runtime", "settings"},
    "runtime": {"images"},
    "settings": {"flags"},
    "sources": {"encoders", "images", "losses", "settings", "tensors", "vgg"},
    "tensors": {"images"},
    "vgg": {"gram", "layers"},
    "watch": {"images", "losses"},
}
# Studies may use the whole library, which knows nothing of them, and of each other this.
STUDY: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"__init__", "settings"},
    "activations": {"figures", "numbers", "pictures", "progress", "settings"},
    "classify": {"figures", "numbers", "pictures", "progress", "settings"},
    "compare": {"contest", "criterion", "curves", "pictures", "progress", "settings"}
    | {"tables", "worth"},
    "contest": {"descent", "progress", "worth"},
    "criterion": set(),
    "curves": {"figures", "worth"},
    "descent": {"progress"},
    "figures": set(),
    "numbers": set(),
    "pictures": set(),
    "progress": set(),
    "reconstruct": {"figures", "numbers", "pictures", "progress", "settings"},
    "settings": set(),
    "sweep": {"figures", "numbers", "pictures", "progress", "settings"},
    "tables": set(),
    "worth": set(),
}
LIBRARY = set(MAY_IMPORT)
MAY_IMPORT |= {
    f"study.{name}": {f"study.{other}" for other in others} | LIBRARY
    for name, others in STUDY.items()
}
ONLY_IN = {
    "pytorch_lightning": {"module", "photos", "callbacks", "guard", "ranks", "watch", "train"},
    "lightning": set(),
    "onnxruntime": {"runtime"},
    "jsonargparse": {"flags"},
    "matplotlib": {"record", "study.curves", "study.figures"},
    "tqdm": {"stylize", "study.__main__"},
    "PIL": {"images", "photos"},
}
TORCHLESS = {"images", "runtime", "flags", "settings", "jobs", "memory", "errors", "__init__"}
TORCHLESS |= {f"study.{name}" for name in ("__init__", "settings", "worth", "tables", "numbers")}
HEAVY = {"torch", "torchvision", "pytorch_lightning", "onnx", "onnxscript", "tensorboard"}
