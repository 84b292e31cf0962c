"""LEF of a macro: its size, its pins, and what is not free for wires of others."""

MACRO = """# {comment}
VERSION 5.7 ;
BUSBITCHARS "[]" ;
DIVIDERCHAR "/" ;

MACRO {name}
  CLASS BLOCK ;
  ORIGIN 0 0 ;
  SIZE {width:.4f} BY {height:.4f} ;
  SYMMETRY X Y ;
{pins}  OBS
{blocked}  END
END {name}

END LIBRARY
"""
PIN = """  PIN {name}
    DIRECTION {direction} ;
    USE {use} ;
    PORT
      LAYER {layer} ;
        RECT {box} ;
    END
  END {name}
"""


def abstract(name, floorplan, clock, comment):
    """The text of a macro's abstract.

    Layers up to the highest of the pins are blocked; on those of the pins their edges are left free, for a pin's length
    and one track more.
    """
    pins = "".join(PIN.format(name=pin.name, direction="INPUT" if pin.is_input else "OUTPUT",
                              use="CLOCK" if pin.name == clock else "SIGNAL", layer=pin.layer.name, box=_rect(pin.box))
                   for pin in floorplan.pins)
    blocked = "".join(f"    LAYER {layer.name} ;\n      RECT {_rect(box)} ;\n" for layer, box in _blocked(floorplan))
    return MACRO.format(comment=comment, name=name, width=floorplan.width, height=floorplan.height, pins=pins,
                        blocked=blocked)


def _blocked(floorplan):
    layers = floorplan.technology.layers
    last = max(layers.index(layer) for layer in floorplan.technology.pin_layers)
    for layer in layers[:last + 1]:
        free = {"left": 0.0, "bottom": 0.0, "top": 0.0}
        for pin in floorplan.pins:
            if pin.layer == layer:
                box = pin.box
                depth = box.right - box.left if pin.edge == "left" else box.top - box.bottom
                free[pin.edge] = depth + layer.pitch
        yield layer, type(floorplan.box)(free["left"], free["bottom"], floorplan.width, floorplan.height - free["top"])


def _rect(box):
    return f"{box.left:.4f} {box.bottom:.4f} {box.right:.4f} {box.top:.4f}"
