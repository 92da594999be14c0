"""A run's folder: settings come in when it is begun, its paths and tables go out. No torch.

Start reading at `mmser.runs.run_folder`; `run_paths` names every file that a run has, and
`run_identity` says which settings belong to which folder.
"""
