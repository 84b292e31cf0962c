"""What of ONNX is read: every operator that has a name here, in every opset, with every attribute and input."""

import numpy as np
import pytest
from bitline.host.network.files.onnx_file import OPSETS, read_onnx
from bitline.host.network.network import NetworkError
from bitline.host.network.onnx_operators import ONNX

onnx = pytest.importorskip("onnx", reason="no onnx here")
from onnx import AttributeProto, TensorProto, defs, helper  # noqa: E402

FORMS = {form.name: form for (domain, _), (form, _) in ONNX.items() if not domain}
SCHEMAS = [schema for schema in defs.get_all_schemas_with_history() if schema.domain == "" and schema.name in FORMS]
# Of each operator, those that a file of an opset read here can mean.
MEANT = [(FORMS[name], schema) for name in FORMS for schema in SCHEMAS if schema.name == name and any(
    defs.get_schema(name, opset, "").since_version == schema.since_version for opset in range(OPSETS[0], OPSETS[1] + 1)
    if opset >= min(other.since_version for other in SCHEMAS if other.name == name))]
VALUES = {AttributeProto.INT: 3, AttributeProto.FLOAT: 0.625, AttributeProto.STRING: "unheard",
          AttributeProto.INTS: [7], AttributeProto.FLOATS: [0.625]}


def named(form, schema):
    """For a test."""
    return f"{form.name}-{schema.since_version}"


def test_the_walk_finds_them():
    assert len(FORMS) >= 37 and {form.name for form, _ in MEANT} == set(FORMS) and len(MEANT) > 120


@pytest.mark.parametrize("form, schema", MEANT, ids=[named(*pair) for pair in MEANT])
def test_every_definition_is_known(form, schema):
    assert schema.since_version in form.versions, "may mean something else"
    known = {*form.attributes, *form.fixed}
    assert set(schema.attributes) <= known, "an attribute that is neither read nor refused"


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_nothing_is_read_that_onnx_does_not_have(form):
    schemas = [schema for schema in SCHEMAS if schema.name == form.name]
    assert {*form.attributes, *form.fixed} <= {name for schema in schemas for name in schema.attributes}
    assert set(form.versions) <= {schema.since_version for schema in schemas}
    assert form.max_outputs <= max(schema.max_output for schema in schemas)


def node_of(form, inputs=1, outputs=1, **attributes):
    """A file of one node of numbers, at the newest opset."""
    node = helper.make_node(form.name, ["x"] * inputs, [f"y{number}" for number in range(outputs)], **attributes)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 4, 4])],
                              [helper.make_tensor_value_info("y0", TensorProto.FLOAT, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSETS[1])]).SerializeToString()


@pytest.mark.parametrize("form, name", [(form, name) for form in FORMS.values() for name in form.fixed],
                         ids=lambda value: value if isinstance(value, str) else value.name)
def test_what_is_not_read_is_refused(form, name):
    """An attribute with one value is not taken with another."""
    schema = defs.get_schema(form.name, OPSETS[1], "")
    value = VALUES[schema.attributes[name].type.value]
    with pytest.raises(NetworkError, match=rf"must have (no )?{name}.*, not "):
        read_onnx(node_of(form, schema.min_input, **{name: value}), "m")


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_an_attribute_that_nobody_knows_is_refused(form):
    with pytest.raises(NetworkError, match=r"must have attributes among .*, not unheard_of"):
        read_onnx(node_of(form, unheard_of=1), "m")


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_more_inputs_than_there_are_are_refused(form):
    schema = defs.get_schema(form.name, OPSETS[1], "")
    if schema.max_input < 100:
        with pytest.raises(NetworkError, match=r"must have .*"):
            read_onnx(node_of(form, schema.max_input + 1), "m")


def test_an_attribute_of_an_earlier_opset_is_refused():
    """From opset 18 on axes are an input of ReduceMean; 13 has them as an attribute."""
    with pytest.raises(NetworkError, match="must have attributes among keepdims, noop_with_empty_axes, not axes"):
        read_onnx(node_of(FORMS["ReduceMean"], axes=[2, 3]), "m")


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[1] + 1])
def test_other_opsets_are_refused(opset):
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]).SerializeToString()
    with pytest.raises(NetworkError, match=f"must be of opset 10 to 26, not {opset}"):
        read_onnx(data, "m")


def test_constants_in_all_forms_that_hold_numbers():
    for name, value in (("value_float", 1.5), ("value_floats", [1.5]), ("value", onnx.numpy_helper.from_array(
            np.array([1.5], np.float32)))):
        graph = helper.make_graph(
            [helper.make_node("Constant", [], ["c"], **{name: value}), helper.make_node("Mul", ["x", "c"], ["y"])], "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        network = read_onnx(model.SerializeToString(), "m")
        assert len(network.operators) == 1
    data = node_of(FORMS["Relu"])
    model = onnx.ModelProto.FromString(data)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value_string="no"))
    with pytest.raises(NetworkError, match=r"node 0 \(Constant\) must have one of value, .*, not \['value_string'\]"):
        read_onnx(model.SerializeToString(), "m")
