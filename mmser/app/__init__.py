"""A local page that judges recordings which somebody uploads or makes there.

An open recogniser comes in, a served page goes out. Gradio is imported where the page is built,
and nowhere else. Start reading at `mmser.app.serve`.
"""
