"""Small pipelines that a user wrote with TFX: text of modules for a project's folder."""

COMPONENTS = """
from tfx_pipeline import tfx
from tfx.dsl.component.experimental.decorators import component

Integer, String = tfx.types.standard_artifacts.Integer, tfx.types.standard_artifacts.String
In, Out = tfx.dsl.components.InputArtifact, tfx.dsl.components.OutputArtifact


@component
def Number(value: tfx.dsl.components.Parameter[int], number: Out[Integer]):
    number.value = value


@component
def Double(number: In[Integer], double: Out[Integer]):
    double.value = 2 * number.value


@component
def Text(number: In[Integer], text: Out[String]):
    text.value = str(number.value)


@component
def Print(text: In[String]):
    print(text.value)
"""
"""Python functions as components."""

CONDITION = (
    COMPONENTS
    + """

def pipeline(limit, name="My_Flow"):
    number = Number(value=5)
    with tfx.dsl.Cond(number.outputs["number"].future()[0].value > limit):
        text = Text(number=number.outputs["number"])
    nodes = [number, text, Print(text=text.outputs["text"])]
    return tfx.dsl.Pipeline(name, "out/pipes", components=nodes, enable_cache=True)
"""
)
"""`pipeline(limit)`: Text and Print run if the limit is below 5."""
