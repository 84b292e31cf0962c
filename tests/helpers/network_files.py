"""Networks as ``.tflite`` files."""

from bitline.host.network.operators import AveragePool2D, Conv2D, DepthwiseConv2D
from bitline.scripts.fuzzing.tflite_builder import TfliteFile


def file_of(network):
    """The bytes of a file of a network of the layers that MobileNet has, each padded to its stride or not at all."""
    file = TfliteFile()
    for each in network.tensors:
        file.tensor(each.shape, each.dtype, each.scales.tolist() or None, int(each.zero_points[0]) if len(
            each.zero_points) else 0, each.data, each.axis)
    for each in network.operators:
        form, inputs, fields = each.tflite[0], list(each.inputs), {}
        if isinstance(each, Conv2D | AveragePool2D):
            fields = {"StrideH": each.stride[0], "StrideW": each.stride[1],
                      "Padding": "same" if any(map(sum, each.padding)) else "valid"}
        if isinstance(each, AveragePool2D):
            fields |= {"FilterHeight": each.size[0], "FilterWidth": each.size[1]}
        if isinstance(each, DepthwiseConv2D):
            fields["DepthMultiplier"] = network.tensors[each.outputs[0]].shape[3] // each.groups
        if form.name == "RESHAPE":
            inputs.append(file.constant(network.tensors[each.outputs[0]].shape, "int32"))
        else:
            fields["FusedActivationFunction"] = each.activation
        file.operator(form.name, inputs, each.outputs[0], form.options, **fields)
    return file.data(network.inputs, network.outputs)
