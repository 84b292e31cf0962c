"""LEF of four layers of wires and a site, invented."""

LAYER = """LAYER {name}
  TYPE ROUTING ;
  DIRECTION {direction} ;
  PITCH {pitch} ;
  WIDTH 0.1 ;{more}
END {name}
"""
SITE = """SITE core
  CLASS CORE ;
  SIZE 0.5 BY 4 ;
END core
"""


def tiny_technology(directions="HVHV", site=SITE, more=" AREA 0.1 ;"):
    """The text: layers ``m1`` and on, horizontal or vertical; the pitch of those above the second is 0.2 um."""
    layers = "".join(LAYER.format(name=f"m{number}", direction={"H": "HORIZONTAL", "V": "VERTICAL"}[direction],
                                  pitch="0.3 0.25" if number < 3 else "0.2", more=more)
                     for number, direction in enumerate(directions, 1))
    return (f'VERSION 5.7 ; # invented\nBUSBITCHARS "[]" ;\nUNITS\n  DATABASE MICRONS 1000 ;\nEND UNITS\n{layers}'
            f"VIA m1_m2 DEFAULT\n  LAYER m1 ;\n    RECT 0 0 0.1 0.1 ;\nEND m1_m2\n{site}"
            "MACRO INV\n  SIZE 1 BY 4 ;\n  PIN A\n    PORT\n      LAYER m1 ;\n    END\n  END A\nEND INV\nEND LIBRARY\n")
