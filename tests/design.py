"""Who may import whom and what, the tables of DESIGN.md that test_architecture.py checks."""

# Besides `errors`, which is everybody's. The scripts may import everything.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"runtime"},
    "batches": {"hardware", "photos", "scan", "settings", "workers"},
    "beside": {"survey"},
    "boxes": {"profiles"},
    "budget": set(),
    "caffe": {"vgg"},
    "callbacks": {"budget", "export", "files", "ranks", "runs"},
    "clock": {"budget", "ranks"},
    "coarse": {"gatys", "losses"},
    "color": set(),
    "command": set(),
    "contract": {"beside", "survey"},
    "decoders": {"boxes", "png", "tiff", "unreadable"},
    "encoders": {"caffe", "hub", "vgg"},
    "errors": set(),
    "export": {"contract", "files", "halves", "inference", "net", "runtime"},
    "files": set(),
    "flags": {"plain_yaml"},
    "gatys": {"losses"},
    "gram": set(),
    "guard": set(),
    "halves": set(),
    "hardware": set(),
    "hub": set(),
    "identity": {"files", "parameters", "sources"},
    "images": {"color", "decoders", "files", "unreadable"},
    "inference": {"net"},
    "jobs": {"images", "settings"},
    "layers": set(),
    "learner": {"budget", "module", "net", "parameters", "sources"},
    "losses": {"gram", "normalization", "structure"},
    "memory": set(),
    "module": {"budget", "guard", "losses", "net", "optimizer"},
    "net": {"layers"},
    "normalization": {"gram"},
    "openvino_backend": set(),
    "optimizer": {"hardware"},
    "paint": {
        "coarse",
        "gatys",
        "hardware",
        "images",
        "places",
        "record",
        "settings",
        "sources",
        "tensors",
    },
    "parameters": {"export", "net", "styles"},
    "photos": {"images", "scan"},
    "pieces": {"tiles"},
    "places": {"files", "images"},
    "plain_yaml": set(),
    "png": {"profiles"},
    "profiles": set(),
    "ranks": set(),
    "record": {"files", "gatys", "losses", "places"},
    "runs": {
        "budget",
        "files",
        "flags",
        "identity",
        "parameters",
        "places",
        "plain_yaml",
        "runtime",
        "settings",
    },
    "runtime": {"contract", "images", "openvino_backend", "pieces", "styles", "tiles"},
    "scan": {"images", "workers"},
    "settings": {"flags"},
    "sources": {"encoders", "files", "images", "losses", "settings", "styles", "tensors", "vgg"},
    "structure": {"gram"},
    "styles": set(),
    "survey": set(),
    "tensors": {"images"},
    "tiff": set(),
    "tiles": set(),
    "unreadable": set(),
    "vgg": {"gram", "layers"},
    "watch": {"budget", "images", "losses", "net"},
    "workers": set(),
}
# Studies may use the whole library, which knows nothing of them, and of each other this.
STUDY: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"__init__", "settings"},
    "activations": {"figures", "numbers", "pictures", "progress", "settings"},
    "classify": {"figures", "numbers", "pictures", "progress", "settings"},
    "compare": {"contest", "criterion", "curves", "numbers", "pictures", "progress", "settings"}
    | {"tables", "worth"},
    "contenders": {"pictures", "progress", "settings"},
    "contest": {"descent", "progress", "worth"},
    "criterion": set(),
    "curves": {"figures", "worth"},
    "descent": {"progress"},
    "figures": set(),
    "judge": {"contenders", "figures", "numbers", "pictures", "progress", "settings"}
    | {"tables", "verdict"},
    "numbers": set(),
    "pictures": set(),
    "probes": set(),
    "progress": set(),
    "reconstruct": {"figures", "numbers", "pictures", "progress", "settings"},
    "settings": set(),
    "sweep": {"figures", "numbers", "pictures", "progress", "settings"},
    "tables": set(),
    "verdict": set(),
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
    "pytorch_lightning": {
        "module",
        "batches",
        "callbacks",
        "clock",
        "guard",
        "ranks",
        "watch",
        "train",
    },
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
TORCHLESS |= {"beside", "boxes", "color", "decoders", "pieces", "png", "profiles", "tiff"}
TORCHLESS |= {"command", "places", "workers"}
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
