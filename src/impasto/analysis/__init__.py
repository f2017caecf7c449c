"""Studies of the two methods, one command each: impasto analyze NAME --help."""

STUDIES = {
    "compare": "how many iterations of Gatys' method a trained network matches, and its speed-up",
    "sweep": "two settings of Gatys' method, every combination: a contact sheet",
    "reconstruct": "what each layer knows of the content, and of the style (Gatys, Fig. 1)",
    "activations": "feature maps of a photograph, layer by layer, encoders side by side",
    "classify": "how far VGG-19's ImageNet top-5 drifts when a photograph is stylized",
    "judge": "how much of a photograph pictures keep, and how far off their style is",
}
