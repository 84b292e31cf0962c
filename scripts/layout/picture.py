"""A picture of a layout, by KLayout without its window."""

PACKAGE = "klayout"
# Pixels of the longer side.
PIXELS = 1000
# Of the GDS that magic writes: number of each layer in its technology file, name and color. Vias go with what is above.
LAYERS = ((49, "metal1", 0xBBCCEE), (51, "metal2", 0xCC3311), (62, "metal3", 0x228833), (31, "metal4", 0x4477AA),
          (33, "metal5", 0xEE7733))
# Number of KLayout's dotted pattern: one sees what is below.
DOTTED, SOLID = 3, 0


def draw(gds, path, width, height):
    """Write a picture.

    Parameters
    ----------
    gds : Path
    path : Path
        PNG.
    width, height : float
        Of the layout, which begins at the origin, um.
    """
    import klayout.db as db
    import klayout.lay as lay

    view = lay.LayoutView()
    view.set_config("background-color", "#ffffff")
    view.set_config("grid-visible", "false")
    view.set_config("text-visible", "false")
    view.load_layout(str(gds))
    view.clear_layers()
    for number, name, color in LAYERS:
        properties = lay.LayerPropertiesNode()
        properties.source = f"{number}/0@1"
        properties.name = name
        properties.fill_color = properties.frame_color = color
        properties.dither_pattern = SOLID if name == "metal1" else DOTTED
        view.insert_layer(view.end_layers(), properties)
    view.max_hier()
    view.zoom_box(db.DBox(0, 0, width, height))
    scale = PIXELS / max(width, height)
    view.save_image(str(path), round(width * scale), round(height * scale))
