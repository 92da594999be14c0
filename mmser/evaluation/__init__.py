"""A trained run comes in; a predictions table goes out, and scores of such tables.

Start reading at `mmser.evaluation.evaluate`. ``scoring`` reads predictions tables alone,
``byproducts`` what a model gives beside its predictions, ``stress`` disturbs what the model reads.
"""
