"""From a trained run to a predictions table, and from predictions tables to scores."""
