"""Parameters of 16 bits in the file, of 32 where they are used."""

import numpy as np
import onnx

LEAST = 1024  # numbers; of smaller arrays there is nothing to gain


def halve(model: onnx.ModelProto) -> None:
    """Store the large float32 arrays of a graph as float16, each with a Cast back to float32.

    Those that are inputs too, with a value that stands in, stay.

    Those who run the graph fold the casts when they load it, so that speed stays as it was. Arrays
    keep their names.
    """
    graph = model.graph
    casts, wide, inputs = [], {}, {value.name for value in graph.input}
    for item in graph.initializer:
        small = item.data_type != onnx.TensorProto.FLOAT or np.prod(item.dims) < LEAST
        if small or item.name in inputs:
            continue
        half = onnx.numpy_helper.to_array(item).astype(np.float16)
        item.CopyFrom(onnx.numpy_helper.from_array(half, item.name))
        wide[item.name] = f"{item.name}.float"
        casts.append(
            onnx.helper.make_node("Cast", [item.name], [wide[item.name]], to=onnx.TensorProto.FLOAT)
        )
    for node in graph.node:
        node.input[:] = [wide.get(name, name) for name in node.input]
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
