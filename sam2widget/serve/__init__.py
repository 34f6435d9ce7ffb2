"""Videos served to people without a notebook: a list of them, and a page with the widget for each.

The server (`server`, `handlers`) knows no widget; each page is a kernel of its own, in which
`page` makes one. Who works on what is decided in one place, `claims`.
"""
