"""Who may import whom and what, the tables of DESIGN.md that test_architecture.py checks."""

# Besides `errors`, which is everybody's. The scripts may import everything.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"runtime"},
    "batches": {"hardware", "photos", "scan", "settings"},
    "beside": {"survey"},
    "blots": set(),
    "boxes": {"profiles"},
    "callbacks": {"export", "files", "ranks", "runs"},
    "coarse": {"gatys", "losses"},
    "color": set(),
    "contract": {"beside", "survey"},
    "decoders": {"boxes", "png", "tiff", "unreadable"},
    "droplets": {"net"},
    "encoders": {"vgg"},
    "errors": set(),
    "export": {"contract", "files", "halves", "inference", "net", "runtime"},
    "files": set(),
    "flags": {"plain_yaml"},
    "gatys": {"losses"},
    "gram": set(),
    "guard": set(),
    "hardware": set(),
    "images": {"color", "decoders", "unreadable"},
    "halves": set(),
    "inference": {"layers", "net"},
    "jobs": {"images", "settings"},
    "layers": set(),
    "learner": {"module", "net", "parameters", "sources"},
    "losses": {"gram", "normalization", "spectrum", "structure"},
    "memory": set(),
    "module": {"blots", "droplets", "guard", "losses", "net", "optimizer", "vgg"},
    "net": {"layers"},
    "normalization": {"gram"},
    "openvino_backend": set(),
    "optimizer": {"hardware"},
    "paint": {"coarse", "gatys", "hardware", "images", "record", "settings", "sources"}
    | {"tensors"},
    "parameters": {"export", "net", "styles"},
    "photos": {"images", "scan"},
    "pieces": {"tiles"},
    "plain_yaml": set(),
    "png": {"profiles"},
    "profiles": set(),
    "ranks": set(),
    "record": {"files", "gatys", "losses"},
    "runs": {"files", "flags", "parameters", "plain_yaml", "runtime", "settings"},
    "runtime": {"contract", "images", "openvino_backend", "pieces", "styles", "tiles"},
    "scan": {"images"},
    "settings": {"flags"},
    "sources": {"encoders", "images", "losses", "settings", "styles", "tensors", "vgg"},
    "spectrum": {"gram"},
    "structure": {"gram"},
    "styles": set(),
    "survey": set(),
    "tensors": {"images"},
    "tiff": set(),
    "tiles": set(),
    "unreadable": set(),
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
    "probes": set(),
    "progress": set(),
    "reconstruct": {"figures", "numbers", "pictures", "progress", "settings"},
    "settings": set(),
    "sweep": {"figures", "numbers", "pictures", "progress", "settings"},
    "tables": set(),
    "worth": set(),
}
# Makers of what the package ships; like studies they use the library and are used by nobody.
MAKERS: dict[str, set[str]] = {
    "distill.__init__": set(),
    "distill.__main__": {"distill.student"},
    "distill.agreement": set(),
    "distill.solved": {"distill.agreement"},
    "distill.student": {"distill.agreement", "distill.solved"},
}
LIBRARY = set(MAY_IMPORT)
MAY_IMPORT |= {name: others | LIBRARY for name, others in MAKERS.items()}
MAY_IMPORT |= {
    f"study.{name}": {f"study.{other}" for other in others} | LIBRARY
    for name, others in STUDY.items()
}
ONLY_IN = {
    "pytorch_lightning": {"module", "batches", "callbacks", "guard", "ranks", "watch", "train"},
    "lightning": set(),
    "onnxruntime": {"runtime"},
    "openvino": {"openvino_backend"},
    "jsonargparse": {"flags"},
    "matplotlib": {"record", "study.curves", "study.figures"},
    "tqdm": {"stylize", "scan", "study.__main__", "distill.__main__"},
    "PIL": {"color", "decoders", "images", "photos", "tiff", "unreadable"},
}
TORCHLESS = {"images", "runtime", "flags", "settings", "jobs", "memory", "errors", "__init__"}
TORCHLESS |= {"contract", "survey", "scan", "unreadable", "tiles", "openvino_backend", "styles"}
TORCHLESS |= {
    "beside",
    "boxes",
    "color",
    "decoders",
    "pieces",
    "plain_yaml",
    "png",
    "profiles",
    "tiff",
}
TORCHLESS |= {
    f"study.{name}" for name in ("__init__", "settings", "worth", "tables", "numbers", "probes")
}
HEAVY = {"torch", "torchvision", "pytorch_lightning", "onnx", "onnxscript", "tensorboard"}
