"""What a mask does to values: padding filled, hidden or left out of a softmax, steps reordered.

Comes in: values (batch, time, ...) and their mask (batch, time), True where a step is real; goes
out: values in which padding cannot be felt. Start with `padding`; `order` moves the real steps of
each row to the front and back. Only the layers may invert a mask.
"""
