"""Models: encoders -> fusion -> head, with any published system a choice of the three.

Comes in: a `Stream` (values and mask) of each extractor, and the `Context` of the conversation;
goes out: `Outputs`. A model never sees a label. Start reading at `multimodal`, then at one encoder
(`encoders.sequence.recurrent`), one fusion (`fusion.gated`) and the classifier in ``heads``; all
are built on ``layers``, which honour masks.
"""
